"""Posting again and again: when a queue is left alone, and when it no longer is."""

from statistics import fmean

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.sending.delivery_attempts import LONGEST_PAUSE
from qabel.core.sending.poster import Poster
from qabel.core.sending.send_schedule import AGAIN_AFTER, LEARNED_AFTER
from qabel.drop.url import DropURL
from qabel.net.errors import (
    ConnectFailed,
    DropServerError,
    NotAllowed,
    ServerRefused,
    TimedOut,
)
from qabel.store.outbox.changes import OutboxChange
from tests.core.items import draws, posting

SERVER = "http://one.example"
SOON = [5.0] * 60
"""Time after which nobody waits any more of those who were woken, by all that is likely."""


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
    """What a server says decides whom it is about: the message, or what comes after it."""

    def setUp(self) -> None:
        """Begin with a server in order."""
        self.clock, self.wire = Clock(), Wire()
        self.poster = Poster(
            self.wire,
            Repository(self.wire),
            lambda _: None,
            clock=self.clock,
            now=self.clock.seconds,
            draw=draws(),
        )
        self.poster.startService()
        self.addCleanup(self.poster.stopService)

    def post(self, *numbers: int) -> int:
        """Have some posted; return how many attempts that made."""
        before = len(self.wire.posted)
        self.poster.add(posting(number) for number in numbers)
        return len(self.wire.posted) - before

    def count(self, pauses: list[float]) -> int:
        """Let time pass; return how many attempts were made."""
        before = len(self.wire.posted)
        self.clock.pump(pauses)
        return len(self.wire.posted) - before

    def read(self, *, had_failed: bool) -> None:
        """Have something be read from the server."""
        self.poster.server_works(b"me", SERVER, had_failed=had_failed)

    def test_a_server_out_of_order(self) -> None:
        """Each queue finds out by itself what is wrong, and whether it still is."""
        self.wire.error = ServerRefused("It said 500.", status=500)
        self.assertEqual(3, self.post(1, 2, 3))
        [(name, attempts)] = self.poster.failing()
        self.assertEqual((SERVER, "It said 500."), (name, attempts.last_error))
        self.assertTrue(self.poster.in_trouble(posting(1).queue))
        self.wire.error = None
        self.assertEqual(3, self.count([0.5] * 4))
        self.assertEqual([], self.poster.failing())

    def test_a_server_is_left_alone_for_as_long_as_it_asks(self) -> None:
        """Retry-After is heeded, within reason, whatever else happens."""
        for status, asked, waits in ((503, 60.0, 60), (429, 1e9, LONGEST_PAUSE)):
            self.wire.error = ServerRefused("Later.", status=status, retry_after=asked)
            self.assertEqual(1, self.post(status))
            self.poster.try_again()
            self.read(had_failed=True)
            self.assertEqual(0, self.count([waits / 10 - 0.1] * 10))
            self.wire.error = None
            self.assertEqual(1, self.count([4.0] * (int(waits / 8) + 2)))

    def test_a_message_that_is_not_liked_holds_up_no_other(self) -> None:
        """What the server says of one message, or of one drop, is about that alone."""
        self.wire.error = ServerRefused("It said 404.", status=404)
        self.assertEqual(3, self.post(1, 2, 3))
        self.assertEqual([], self.poster.failing())

    def test_a_pause_outlives_the_message(self) -> None:
        """If what failed is deleted, the next message in its queue waits for the same pause."""
        self.wire.error = ServerRefused("Later.", status=503, retry_after=60.0)
        self.post(1)
        self.poster.forget([1], 0)
        self.assertEqual([], self.poster.failing())
        self.assertEqual(0, self.post(1))
        self.wire.error = None
        self.assertEqual(0, self.count([59.0]))
        self.assertEqual(1, self.count([4.0] * 10))
        self.assertEqual(0, len(self.poster._schedule.queues))

    def test_a_pause_that_nothing_waits_for(self) -> None:
        """A queue is forgotten when its pause is over and nothing is left to post."""
        self.wire.error = ServerRefused("Later.", status=503, retry_after=60.0)
        self.post(1)
        self.poster.forget([1], 0)
        self.assertEqual(1, len(self.poster._schedule.queues))
        self.assertEqual(0, self.count([100.0]))
        self.assertEqual(0, len(self.poster._schedule.queues))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_what_waits_can_be_tried_soon(self) -> None:
        """When the user has allowed a server, nobody waits for the end of a long pause."""
        self.wire.error = NotAllowed("It uses http.")
        self.post(*range(100))
        self.clock.pump([4.0] * 900)
        self.wire.error = None
        self.poster.try_again(["http://two.example"])
        self.assertEqual(0, self.count([0.0]))
        self.poster.try_again([SERVER])
        self.assertLess(self.count([AGAIN_AFTER / 2]), 60)
        self.assertGreater(self.count([1.0] * 30), 30)
        self.assertEqual(set(), self.poster.under_way - set(range(100)))

    def test_a_server_that_can_be_read_again(self) -> None:
        """Nothing waits for the end of a long pause: each goes soon, at a time of its own."""
        self.wire.error = ConnectFailed("refused")
        numbers = range(100, 400)
        self.post(*numbers)
        self.clock.pump([4.0] * 900)
        self.wire.error = None
        self.read(had_failed=True)
        counts = [self.count([0.5]) for _ in range(500)]
        self.assertEqual(300, sum(counts))
        self.assertLess(max(counts), 20)
        mean = fmean(0.5 * number for number, count in enumerate(counts, 1) for _ in range(count))
        self.assertLess(abs(mean - LEARNED_AFTER), 5)
        self.assertEqual([], self.poster.failing())

    def test_a_server_that_takes_nothing_is_not_hammered(self) -> None:
        """Where drops can be read but nothing is taken, pauses grow as they would anyway."""
        self.wire.error = ServerRefused("It said 500.", status=500)
        self.post(1, 2)
        for _ in range(720):
            self.clock.advance(5)
            self.read(had_failed=False)
        self.assertLess(len(self.wire.posted), 30)

    def test_a_message_that_is_rejected_is_not_hammered(self) -> None:
        """A message that only its server's words keep back is tried less and less often as well."""
        self.wire.error = ServerRefused("It said 404.", status=404)
        self.post(1)
        for _ in range(720):
            self.clock.advance(5)
            self.read(had_failed=False)
        self.assertLess(len(self.wire.posted), 20)

    def test_one_that_is_taken_wakes_the_others(self) -> None:
        """What failed with a server goes soon after another message is taken there."""
        self.wire.error = ConnectFailed("refused")
        self.post(1, 2)
        self.clock.pump([4.0] * 900)
        self.wire.error = None
        self.assertEqual(1, self.post(3))
        self.assertEqual(2, self.count(SOON))

    def test_what_began_before_the_server_was_back(self) -> None:
        """An attempt that hung since the outage, and fails, is repeated soon."""
        hanging: Deferred[None] = Deferred()
        self.wire.error = ConnectFailed("refused")
        self.post(1)
        self.clock.pump([4.0] * 900)
        self.wire.hanging = hanging
        while not self.count([1.0]):
            pass
        self.read(had_failed=True)
        self.clock.advance(20)
        self.wire.hanging = self.wire.error = None
        hanging.errback(TimedOut("silent"))
        self.assertEqual(1, self.count(SOON))
        self.assertEqual([], self.poster.failing())

    def test_forgotten_postings(self) -> None:
        """What was settled otherwise is not posted any more, and the others are."""
        self.wire.error = ConnectFailed("refused")
        self.post(1, 2, 3)
        self.poster.forget_postings([1, 3])
        self.wire.error = None
        before = len(self.wire.posted)
        self.poster.try_again()
        self.clock.pump([4.0] * 900)
        self.assertEqual([posting(2).url], self.wire.posted[before:])
        self.assertEqual(frozenset(), self.poster.under_way)

    def test_at_the_start(self) -> None:
        """What was left waiting goes soon, each at a time of its own, and what is new at once."""
        self.poster.add((posting(number) for number in range(200)), spread=3.0)
        self.assertEqual([], self.wire.posted)
        self.assertEqual(1, self.post(1000))
        counts = [self.count([0.1]) for _ in range(400)]
        self.assertEqual(200, sum(counts))
        self.assertLess(max(counts), 25)

    def test_what_is_held_back_is_released(self) -> None:
        """What was loaded from the outbox goes at once when its sender posts it, or after it."""
        for add in (
            lambda: self.post(1),
            lambda: self.poster.release(posting(1).queue),
        ):
            self.poster.add([posting(1)], spread=30.0)
            before = len(self.wire.posted)
            self.poster.add([posting(1)], spread=30.0)
            self.assertEqual(before, len(self.wire.posted))
            add()
            self.assertEqual(before + 1, len(self.wire.posted))
        self.poster.release(posting(1).queue)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_a_release_ends_no_pause(self) -> None:
        """A new message does not shorten the pause of what failed before it."""
        self.wire.error = ConnectFailed("refused")
        self.post(1)
        self.poster.release(posting(1).queue)
        self.assertEqual(0, self.post(1))
