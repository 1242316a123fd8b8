"""Turns: what is on its way to a reader is given to nobody else until that has ended."""

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.inbox.turns import Turns


@define
class Answered:
    """An answer to a reader."""

    body: bytes | None


@define
class Inbox:
    """Messages that are new until a reader's cursor is moved."""

    new: list[bytes] = field(factory=lambda: [b"1"])
    reads: int = 0
    held: "Deferred[None] | None" = None
    is_broken: bool = False

    async def read(self) -> Answered:
        """Return what is new, once the test lets it."""
        self.reads += 1
        if self.held is not None:
            await self.held
        return Answered(self.new[0] if self.new else None)

    async def move(self) -> None:
        """Note that the first was handed over."""
        if self.is_broken:
            raise ZeroDivisionError
        del self.new[0]


class TurnsTests(SynchronousTestCase):
    """Two connections of one reader, and those of others."""

    def setUp(self) -> None:
        """Begin with one new message."""
        self.turns, self.inbox = Turns(), Inbox()

    def ask(self, reader: str = "reader") -> "Deferred[Answered]":
        """Ask for what is new to a reader."""
        return Deferred.fromCoroutine(self.turns.in_turn((0, reader), self.inbox.read))

    def take(self, reader: str = "reader") -> "Deferred[None]":
        """Put an answer on its way; the test fires the result when it has arrived."""
        finished: Deferred[None] = Deferred()
        self.turns.take((0, reader), finished, self.inbox.move)
        return finished

    def test_with_nothing_on_its_way_it_reads_at_once(self) -> None:
        """The first who asks does not wait."""
        self.assertEqual(Answered(b"1"), self.successResultOf(self.ask()))

    def test_the_next_waits_for_the_one_before(self) -> None:
        """Who asks while an answer is on its way gets what comes after it."""
        self.inbox.new.append(b"2")
        finished = self.take()
        waiting = self.ask()
        self.assertNoResult(waiting)
        self.assertEqual(0, self.inbox.reads)
        finished.callback(None)
        self.assertEqual(Answered(b"2"), self.successResultOf(waiting))

    def test_a_broken_connection_moves_nothing(self) -> None:
        """When an answer did not arrive, the same is given to the next who asks."""
        finished = self.take()
        waiting = self.ask()
        finished.errback(OSError("connection lost"))
        self.assertEqual(Answered(b"1"), self.successResultOf(waiting))

    def test_readers_do_not_wait_for_each_other(self) -> None:
        """An answer on its way to one reader holds up no other."""
        self.take("another")
        self.successResultOf(self.ask())

    def test_an_answer_that_was_overtaken_is_read_again(self) -> None:
        """When another connection got the messages during a reading, the reading is repeated."""
        self.inbox.held = Deferred()
        waiting = self.ask()
        finished = self.take()
        held, self.inbox.held = self.inbox.held, None
        held.callback(None)
        self.assertNoResult(waiting)
        finished.callback(None)
        self.assertEqual(Answered(None), self.successResultOf(waiting))

    def test_nothing_new_is_told_without_waiting(self) -> None:
        """An answer without messages goes out, whatever is on its way."""
        self.inbox.held = Deferred()
        waiting = self.ask()
        self.inbox.new.clear()
        self.take("reader").addErrback(lambda _: None)
        self.inbox.held.callback(None)
        self.assertEqual(Answered(None), self.successResultOf(waiting))

    def test_who_gives_up_waiting_leaves_the_answer_alone(self) -> None:
        """Cancelling the wait for a turn does not cancel the answer that is on its way."""
        finished = self.take()
        waiting = self.ask()
        waiting.cancel()
        self.failureResultOf(waiting)
        self.assertFalse(finished.called)
        finished.callback(None)
        self.assertEqual([], self.inbox.new)

    def test_a_cursor_that_cannot_be_moved(self) -> None:
        """An error of moving is logged, and the next who asks gets an answer."""
        self.inbox.is_broken = True
        finished = self.take()
        finished.callback(None)
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
        self.assertEqual(Answered(b"1"), self.successResultOf(self.ask()))
