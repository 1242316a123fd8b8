"""Timers: calls that are due later, brought forward or cancelled together."""

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

    def test_brought_forward(self) -> None:
        """All that waits is due at once, what is called meanwhile is not, and nothing twice."""
        self.timers.call_later(5, lambda: self.timers.call_later(5, self.called.append, "later"))
        self.timers.call_later(600, self.called.append, "x")
        self.timers.bring_forward()
        self.assertEqual([], self.called)
        self.clock.advance(0)
        self.assertEqual(["x"], self.called)
        self.clock.advance(5)
        self.assertEqual(["x", "later"], self.called)
        self.clock.advance(600)
        self.assertEqual(["x", "later"], self.called)

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
        """What was called can be neither brought forward nor cancelled; both do no harm."""
        self.timers.call_later(5, self.called.append, "x")
        self.clock.advance(5)
        self.timers.bring_forward()
        self.timers.cancel()
        self.timers.call_later(5, self.called.append, "y")
        self.clock.advance(5)
        self.assertEqual(["x", "y"], self.called)
