"""Pages: the reader's cursor moves when a page was handed over, and only then."""

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.inbox.page import MAX_RANGES, Page, ranges_text
from qabel.core.inbox.turns import Turns

Move = Callable[[], Awaitable[None]]


def test_ranges_are_text() -> None:
    """Single ids and ranges are listed in their order."""
    assert ranges_text([]) == ""
    assert ranges_text([(12, 15), (7, 7)]) == "7,12-15"


def test_many_ranges_are_joined() -> None:
    """The text is bounded, and covers every id."""
    ranges = [(n * n, n * n) for n in range(1, 3 * MAX_RANGES)]
    shown = [each.split("-") for each in ranges_text(ranges).split(",")]
    assert len(shown) == MAX_RANGES
    covered = [range(int(each[0]), int(each[-1]) + 1) for each in shown]
    assert all(any(first in each for each in covered) for first, _ in ranges)
    assert shown[0] == ["1", str(200**2)]


class PageTests(SynchronousTestCase):
    """A page with one message."""

    def setUp(self) -> None:
        """Count how often the cursor is moved."""
        self.moves, self.turns = 0, Turns()
        self.page = Page(b"[1]", "db.1", self.move, self.turns, "reader")

    async def move(self) -> None:
        """Move the cursor."""
        self.moves += 1

    async def read(self) -> Page:
        """Return the same page again."""
        return self.page

    def test_handed_over(self) -> None:
        """Who has handed a page over says so, and the cursor moves."""
        self.assertEqual(0, self.moves)
        self.successResultOf(Deferred.fromCoroutine(self.page.handed_over()))
        self.assertEqual(1, self.moves)

    def test_on_its_way(self) -> None:
        """The cursor moves when the page has arrived; until then its reader gets nothing else."""
        finished: Deferred[None] = Deferred()
        self.page.on_its_way(finished)
        waiting = Deferred.fromCoroutine(self.turns.in_turn("reader", self.read))
        self.assertNoResult(waiting)
        self.assertEqual(0, self.moves)
        finished.callback(None)
        self.assertEqual(1, self.moves)
        self.successResultOf(waiting)

    def test_a_page_that_did_not_arrive(self) -> None:
        """When the connection failed, the cursor stays."""
        finished: Deferred[None] = Deferred()
        self.page.on_its_way(finished)
        finished.errback(OSError("connection lost"))
        self.assertEqual(0, self.moves)

    def test_a_page_that_moves_nothing(self) -> None:
        """A page read from a given cursor, or without messages, neither moves nor holds up."""
        page = Page(None, "db.1")
        self.successResultOf(Deferred.fromCoroutine(page.handed_over()))
        failed: Deferred[None] = Deferred()
        page.on_its_way(failed)
        self.successResultOf(Deferred.fromCoroutine(self.turns.in_turn("reader", self.read)))

    def test_messages_are_not_shown(self) -> None:
        """The repr of a page, as in a log, has no messages in it."""
        self.assertNotIn("hidden", repr(Page(b"hidden", "db.1")))
