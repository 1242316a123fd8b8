# -*- test-case-name: tests.core.receiving.test_poller -*-
"""The poller: every server at its own pace, and nothing that ends the loop."""

from itertools import pairwise

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.receiving.poller import AT_ONCE, NotStored, Poller, ReadFailed
from qabel.core.receiving.server_rounds import STORE_PAUSE
from qabel.drop.url import DropURL


def drop(number: int, server: str = "http://one.example") -> DropURL:
    """Make the URL of one of a server's drops."""
    return DropURL.parse(f"{server}/{number:043d}")


class Reads:
    """Stands for the receiver: notes what is read, and ends a read when the test says so."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.begun: list[tuple[float, str]] = []
        self.failing: set[str] = set()
        self.hanging: set[str] = set()
        self.store_error: str | None = None
        self.open: list[Deferred[None]] = []
        self.cancelled = 0

    async def __call__(self, url: DropURL) -> None:
        """Read one drop: at once, never, or badly."""
        self.begun.append((self.clock.seconds(), str(url)))
        if url.server in self.failing:
            raise ReadFailed("no answer")
        if self.store_error is not None:
            raise NotStored(self.store_error)
        if url.server in self.hanging:
            ends: Deferred[None] = Deferred(lambda _: self._cancel())
            self.open.append(ends)
            await ends

    def _cancel(self) -> None:
        self.cancelled += 1

    def times(self, server: str) -> list[float]:
        """When a drop of the server was read."""
        return [when for when, url in self.begun if url.startswith(server)]


class PollerTests(SynchronousTestCase):
    """The poller on a clock of the test's own."""

    def setUp(self) -> None:
        """Start a poller of two servers, every 10 seconds."""
        self.clock = Clock()
        self.reads = Reads(self.clock)
        self.poller = Poller(self.reads, self.clock, interval=10)
        self.poller.set_drops([drop(1), drop(2, "http://two.example")])

    def tearDown(self) -> None:
        """Stop it; no timer is left."""
        if self.poller.running:
            self.successResultOf(self.poller.stopService())
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_reads_at_each_interval(self) -> None:
        """Each drop is read at the start and at every interval."""
        self.poller.startService()
        self.clock.pump([10, 10])
        self.assertEqual([0, 10, 20], self.reads.times("http://one.example"))
        self.assertEqual([0, 10, 20], self.reads.times("http://two.example"))

    def test_hanging_server_delays_nobody(self) -> None:
        """A server that never answers is asked once, and the other at every interval."""
        self.reads.hanging.add("http://one.example")
        self.poller.startService()
        self.clock.pump([10, 10])
        self.assertEqual([0], self.reads.times("http://one.example"))
        self.assertEqual([0, 10, 20], self.reads.times("http://two.example"))

    def test_what_cannot_be_stored_is_no_failure_of_the_server(self) -> None:
        """A failing database is noted as such, and what it costs to fetch in vain is bounded."""
        self.poller.startService()
        self.reads.store_error = "The disk is full."
        self.clock.pump([10] * 60)
        self.assertLess(len(self.reads.times("http://one.example")), 25)
        rounds = self.poller.servers["http://one.example"]
        self.assertEqual("The disk is full.", rounds.not_stored)
        self.assertEqual((0, None), (rounds.attempts.failures, rounds.attempts.last_error))
        self.assertEqual(0, rounds.failed_rounds)
        self.assertTrue(self.poller.is_waiting_for_store(rounds.drops[0]))
        self.reads.store_error = None
        self.clock.pump([10] * 7)
        self.assertIsNone(rounds.not_stored)
        self.assertFalse(self.poller.is_waiting_for_store(rounds.drops[0]))
        self.assertGreater(rounds.attempts.last_success, 600)

    def test_what_a_push_found_and_could_not_be_stored(self) -> None:
        """It is read again within seconds, though the next poll is hours away."""
        self.poller.set_interval(3600)
        self.poller.startService()
        [url] = self.poller.servers["http://one.example"].drops[:1]
        self.poller.note_not_stored(url, "The disk is full.")
        self.assertTrue(self.poller.is_waiting_for_store(url))
        self.clock.advance(STORE_PAUSE)
        self.assertEqual(2, len(self.reads.times("http://one.example")))
        self.assertFalse(self.poller.is_waiting_for_store(url))

    def test_what_could_not_be_stored_is_read_again_soon(self) -> None:
        """With hours between polls, a failure of the database delays messages by seconds."""
        self.poller.set_interval(3600)
        self.poller.startService()
        self.reads.store_error = "The disk is full."
        self.clock.advance(3600)
        self.clock.pump([STORE_PAUSE] * 2)
        self.reads.store_error = None
        before = len(self.reads.times("http://one.example"))
        self.clock.pump([STORE_PAUSE] * 6)
        self.assertEqual(before + 1, len(self.reads.times("http://one.example")))

    def test_no_timer_is_left_where_nothing_is_stored(self) -> None:
        """A server that is no longer polled, and a poller that stops, have no round to come."""
        self.poller.set_interval(3600)
        self.reads.store_error = "The disk is full."
        self.poller.startService()
        self.poller.set_drops([drop(1)])
        self.assertEqual(2, len(self.clock.getDelayedCalls()))

    def test_failing_server_is_asked_less_and_less(self) -> None:
        """Failures make one server's rounds rarer, and a success makes them regular again."""
        self.reads.failing.add("http://one.example")
        self.poller.startService()
        self.clock.pump([1.0] * 200)
        asked = self.reads.times("http://one.example")
        gaps = [after - before for before, after in pairwise(asked)]
        self.assertLess(len(asked), 10)
        self.assertGreater(gaps[-1], gaps[0])
        self.assertEqual(21, len(self.reads.times("http://two.example")))
        self.reads.failing.clear()
        self.clock.pump([1.0] * 400)
        self.assertEqual(0, self.poller.servers["http://one.example"].attempts.failures)
        last = self.reads.times("http://one.example")[-3:]
        self.assertEqual([10, 10], [last[1] - last[0], last[2] - last[1]])

    def test_new_interval_is_in_force_at_once(self) -> None:
        """A shorter interval does not wait for the end of the old one."""
        self.poller.startService()
        self.clock.advance(1)
        self.poller.set_interval(2)
        self.clock.pump([2, 2])
        self.assertEqual([0, 1, 3, 5], self.reads.times("http://one.example"))

    def test_new_drop_is_read_at_once(self) -> None:
        """A drop that comes with a settings change is read without waiting for the interval."""
        self.poller.startService()
        self.clock.advance(1)
        self.poller.set_drops([drop(1), drop(3, "http://three.example")])
        self.assertEqual([1], self.reads.times("http://three.example"))
        self.clock.advance(9)
        self.assertEqual([0], self.reads.times("http://two.example"))

    def test_poll_now_waits_for_a_round_begun_after_the_call(self) -> None:
        """While a round is under way, poll_now waits for the next, and two callers share it."""
        self.reads.hanging.add("http://one.example")
        self.poller.startService()
        first, second = self.poller.poll_now(), self.poller.poll_now()
        self.reads.open.pop().callback(None)
        self.assertNoResult(first)
        self.reads.open.pop().callback(None)
        self.successResultOf(first)
        self.successResultOf(second)
        self.assertEqual([0, 0], self.reads.times("http://one.example"))

    def test_stop_cancels_the_round_under_way(self) -> None:
        """StopService does not wait for a server that hangs."""
        self.reads.hanging.add("http://one.example")
        self.poller.startService()
        self.successResultOf(self.poller.stopService())
        self.assertEqual(1, self.reads.cancelled)
        self.clock.advance(100)
        self.assertEqual([0], self.reads.times("http://one.example"))

    def test_unexpected_error_does_not_end_the_loop(self) -> None:
        """An error nobody thought of is logged, counts as a failure, and polling goes on."""

        async def read(url: DropURL) -> None:
            raise ZeroDivisionError

        poller = Poller(read, self.clock, interval=1)
        poller.set_drops([drop(1)])
        poller.startService()
        self.clock.pump([0.5] * 20)
        self.assertGreater(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertTrue(poller._loop.running)
        self.successResultOf(poller.stopService())

    def test_round_ends_early_when_the_server_is_in_trouble(self) -> None:
        """Of the drops on a dead server a few are tried in a round, and others the next time."""
        self.poller.set_drops([drop(number) for number in range(1000)])
        self.reads.failing.add("http://one.example")
        self.poller.startService()
        first = {url for _, url in self.reads.begun}
        self.assertLess(len(first), 3 * AT_ONCE)
        self.clock.advance(10)
        second = {url for _, url in self.reads.begun} - first
        self.assertTrue(second)
