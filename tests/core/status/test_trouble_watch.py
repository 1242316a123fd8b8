"""The watch: it looks all the time, whatever a look does."""

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.status.trouble_watch import BLOCKED, INTERVAL, TroubleWatch


class TroubleWatchTests(SynchronousTestCase):
    """A watch on a clock of the test's own."""

    def setUp(self) -> None:
        """Start it with one look, which the test decides about."""
        self.clock, self.looks = Clock(), 0
        self.error: Exception | None = None
        self.hanging: Deferred[None] | None = None
        self.second = 0
        self.watch = TroubleWatch([self.look, self.look_again], self.clock)
        self.watch.startService()

    def tearDown(self) -> None:
        """Stop it; no timer is left."""
        self.watch.stopService()
        self.assertEqual([], self.clock.getDelayedCalls())

    async def look(self) -> None:
        """Look."""
        self.looks += 1
        if self.error is not None:
            raise self.error
        if self.hanging is not None:
            await self.hanging

    async def look_again(self) -> None:
        """Look at something else."""
        self.second += 1

    def test_it_looks_every_few_seconds(self) -> None:
        """Each look has its turn."""
        self.clock.pump([INTERVAL] * 5)
        self.assertEqual((5, 5, 0), (self.looks, self.second, self.watch.stalls))

    def test_a_look_that_fails_ends_nothing(self) -> None:
        """The other looks, and the next ones, happen all the same; the failure is logged."""
        self.error = ValueError("odd")
        self.clock.pump([INTERVAL] * 3)
        self.assertEqual((3, 3), (self.looks, self.second))
        self.assertEqual(3, len(self.flushLoggedErrors(ValueError)))

    def test_a_look_that_takes_long(self) -> None:
        """While a look is under way no other is begun; when it ends, the watch goes on."""
        hanging = self.hanging = Deferred()
        self.clock.pump([INTERVAL] * 3)
        self.assertEqual(1, self.looks)
        self.hanging = None
        hanging.callback(None)
        self.clock.advance(INTERVAL)
        self.assertEqual((2, 2), (self.looks, self.second))

    def test_a_stop_ends_the_look_under_way(self) -> None:
        """A look that waits is cancelled, and nothing is logged."""
        ended = []
        self.hanging = Deferred()
        self.hanging.addErrback(lambda failure: ended.append(failure.type) or failure)
        self.clock.advance(INTERVAL)
        self.watch.stopService()
        self.assertEqual([CancelledError], ended)

    def test_stalls_are_counted(self) -> None:
        """A look that is late by more than a second says that something held the daemon up."""
        self.clock.advance(INTERVAL + BLOCKED / 2)
        self.assertEqual(0, self.watch.stalls)
        self.clock.advance(2 * INTERVAL + 2 * BLOCKED)
        self.assertEqual(1, self.watch.stalls)
