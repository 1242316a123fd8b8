"""Timers: calls that are due later, and cancelled together."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.sending.timers import Timers


class TimersTests(SynchronousTestCase):
    """Timers on a clock of the test's own."""

    def setUp(self) -> None:
        """Begin with none."""
        self.clock, self.called = Clock(), []
        self.timers = Timers(self.clock)

    def test_a_call_is_made_in_time(self) -> None:
        """A function is called with its arguments after the seconds, once."""
        self.timers.call_later(5, self.called.append, "x")
        self.clock.advance(4)
        self.assertEqual([], self.called)
        self.clock.pump([1, 10])
        self.assertEqual(["x"], self.called)

    def test_a_pause(self) -> None:
        """A pause fires after the seconds."""
        pause = self.timers.pause(5)
        self.clock.advance(4)
        self.assertNoResult(pause)
        self.clock.advance(1)
        self.assertIsNone(self.successResultOf(pause))

    def test_dropped(self) -> None:
        """A call that was dropped is not made; dropping one again, or too late, does no harm."""
        made = self.timers.call_later(1, self.called.append, "x")
        timer = self.timers.call_later(5, self.called.append, "y")
        self.clock.advance(1)
        for each in (made, timer, timer):
            self.timers.drop(each)
        self.clock.advance(5)
        self.assertEqual(["x"], self.called)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_cancelled(self) -> None:
        """What is cancelled is never called, and leaves nothing on the clock."""
        self.timers.call_later(5, self.called.append, "x")
        pause = self.timers.pause(5)
        self.timers.cancel()
        self.assertEqual([], self.clock.getDelayedCalls())
        self.clock.advance(5)
        self.assertEqual([], self.called)
        self.assertNoResult(pause)

    def test_calls_that_were_made_are_forgotten(self) -> None:
        """What was called cannot be cancelled; trying does no harm."""
        self.timers.call_later(5, self.called.append, "x")
        self.clock.advance(5)
        self.timers.cancel()
        self.timers.call_later(5, self.called.append, "y")
        self.clock.advance(5)
        self.assertEqual(["x", "y"], self.called)
