"""Posting again and again: when a server is left alone, and when it no longer is."""

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.sending.delivery_attempts import LONGEST_PAUSE
from qabel.core.sending.poster import Poster
from qabel.drop.url import DropURL
from qabel.net.errors import (
    ConnectFailed,
    DropServerError,
    NotAllowed,
    ServerRefused,
    TimedOut,
)
from qabel.store.outbox.changes import OutboxChange
from tests.core.items import posting

SERVER = "http://one.example"


class Wire:
    """Drop servers that answer as they are told, and the outbox."""

    def __init__(self) -> None:
        self.error: DropServerError | None = None
        self.hanging: Deferred[None] | None = None
        self.posted: list[str] = []

    def post(self, url: DropURL, message: bytes) -> "Deferred[None]":
        """Take a message, or fail."""
        self.posted.append(str(url))
        if self.hanging is not None:
            return self.hanging
        return succeed(None) if self.error is None else fail(self.error)

    def settled(self, *_: object, **__: object) -> "Deferred[OutboxChange]":
        """Keep how it ended."""
        return succeed(OutboxChange(last_seq=1))

    def failed_attempt(self, *_: object) -> "Deferred[None]":
        """Keep that it failed."""
        return succeed(None)


class Repository:
    """The outbox, with the names that the poster knows."""

    def __init__(self, wire: Wire) -> None:
        self.posted = wire.settled
        self.refused = wire.settled
        self.failed_attempt = wire.failed_attempt


class PostingTests(SynchronousTestCase):
    """What a server says decides whom it is about: the message, or all of them."""

    def setUp(self) -> None:
        """Begin with a server in order."""
        self.clock, self.wire = Clock(), Wire()
        self.poster = Poster(
            self.wire,
            Repository(self.wire),
            lambda _: None,
            clock=self.clock,
            now=self.clock.seconds,
        )
        self.poster.startService()
        self.addCleanup(self.poster.stopService)

    def post(self, *numbers: int) -> int:
        """Have some posted; return how many attempts that made."""
        before = len(self.wire.posted)
        self.poster.add(posting(number) for number in numbers)
        return len(self.wire.posted) - before

    def test_a_server_out_of_order_is_left_alone(self) -> None:
        """After a 500 one message finds out whether it works again, the others wait."""
        self.wire.error = ServerRefused("It said 500.", status=500)
        self.assertEqual(1, self.post(1, 2, 3))
        [(name, attempts)] = self.poster.failing()
        self.assertEqual((SERVER, "It said 500."), (name, attempts.last_error))
        self.assertTrue(self.poster.in_trouble(posting(1).url))
        self.wire.error = None
        self.clock.pump([0.5] * 12)
        self.assertEqual(4, len(self.wire.posted))
        self.assertEqual([], self.poster.failing())

    def test_a_server_is_left_alone_for_as_long_as_it_asks(self) -> None:
        """Retry-After is heeded, within reason."""
        for status, asked, waits in ((503, 60.0, 60), (429, 1e9, LONGEST_PAUSE)):
            self.wire.error = ServerRefused("Later.", status=status, retry_after=asked)
            self.poster.try_again()
            self.post(status)
            before = len(self.wire.posted)
            self.clock.advance(waits - 1)
            self.assertEqual(before, len(self.wire.posted))
            self.clock.advance(2)
            self.assertGreater(len(self.wire.posted), before)

    def test_a_message_that_is_not_liked_holds_up_no_other(self) -> None:
        """What the server says of one message, or of one drop, is about that alone."""
        self.wire.error = ServerRefused("It said 404.", status=404)
        self.assertEqual(3, self.post(1, 2, 3))
        self.assertEqual([], self.poster.failing())

    def test_what_waits_can_be_tried_at_once(self) -> None:
        """When the user has allowed a server, nobody waits for the end of a pause."""
        self.wire.error = NotAllowed("It uses http.")
        self.post(1, 2)
        self.wire.error = None
        self.clock.advance(0.1)
        self.assertEqual(1, len(self.wire.posted))
        self.poster.try_again()
        self.clock.pump([0, 0, 0])
        self.assertEqual(3, len(self.wire.posted))

    def test_a_server_that_can_be_read_again_is_tried_at_once(self) -> None:
        """Nothing waits for the end of a long pause: one message goes first, then all, in order."""
        self.wire.error = ConnectFailed("refused")
        self.post(1, 2, 3, 4, 5, 6)
        self.clock.pump([60.0] * 60)
        before = len(self.wire.posted)
        self.poster.server_works(SERVER, had_failed=True)
        self.assertEqual(before + 1, len(self.wire.posted))
        self.wire.error = None
        self.poster.server_works(SERVER, had_failed=True)
        self.assertEqual([posting(number).url for number in range(1, 7)], self.wire.posted[-6:])
        self.assertEqual([], self.poster.failing())

    def test_a_server_that_takes_nothing_is_not_hammered(self) -> None:
        """Where drops can be read but nothing is taken, pauses grow as they would anyway."""
        self.wire.error = ServerRefused("It said 500.", status=500)
        self.post(1, 2)
        for _ in range(720):
            self.clock.advance(5)
            self.poster.server_works(SERVER, had_failed=False)
        self.assertLess(len(self.wire.posted), 20)

    def test_reading_does_not_shorten_what_the_server_asked_for(self) -> None:
        """A server that is busy for a minute gets no message before, though it can be read."""
        self.wire.error = ServerRefused("Later.", status=503, retry_after=60.0)
        self.post(1)
        self.wire.error = None
        for _ in range(11):
            self.clock.advance(5)
            self.poster.server_works(SERVER, had_failed=True)
        self.assertEqual(1, len(self.wire.posted))
        self.clock.pump([3.0] * 3)
        self.assertEqual(2, len(self.wire.posted))

    def test_one_that_is_taken_wakes_the_others(self) -> None:
        """What failed with a server goes as soon as another message is taken there."""
        self.wire.error = ConnectFailed("refused")
        self.post(1, 2)
        self.clock.pump([60.0] * 30)
        self.wire.error = None
        self.clock.advance(LONGEST_PAUSE)
        self.clock.advance(0)
        self.assertEqual({posting(1).url, posting(2).url}, set(self.wire.posted[-2:]))

    def test_what_began_before_the_server_was_back(self) -> None:
        """An attempt that hung since the outage, and fails, delays the next one by nothing."""
        hanging: Deferred[None] = Deferred()
        self.wire.error = ConnectFailed("refused")
        self.post(1)
        self.wire.hanging = hanging
        self.clock.advance(3)
        self.assertEqual(2, len(self.wire.posted))
        self.clock.advance(20)
        self.poster.server_works(SERVER, had_failed=True)
        self.wire.hanging = self.wire.error = None
        hanging.errback(TimedOut("silent"))
        self.clock.advance(0)
        self.assertEqual(3, len(self.wire.posted))
        self.assertEqual([], self.poster.failing())

    def test_forgotten_postings(self) -> None:
        """What was settled otherwise is not posted any more, and the others are."""
        self.wire.error = ConnectFailed("refused")
        self.post(1, 2, 3)
        self.poster.forget_postings([1, 3])
        self.wire.error = None
        before = len(self.wire.posted)
        self.poster.try_again()
        self.clock.pump([60.0] * 60)
        self.assertEqual([posting(2).url], self.wire.posted[before:])
        self.assertEqual(frozenset(), self.poster.under_way)
