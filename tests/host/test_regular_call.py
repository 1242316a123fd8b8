"""Calls at regular times: one after another, until they are stopped or fail."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase

from qabel.host.regular_call import RegularCall


class RegularCallTest(SynchronousTestCase):
    """Calls every two seconds."""

    def setUp(self) -> None:
        """Make no call yet."""
        self.clock = Clock()
        self.calls: list[float] = []
        self.result: object = None
        self.regular = RegularCall(self.call, 2.0, self.clock, Logger(), "Calling failed")

    def call(self) -> object:
        """Note a call."""
        self.calls.append(self.clock.seconds())
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    def test_they_are_made_until_they_are_stopped(self) -> None:
        """The first is made after a pause, and none after the stop, which leaves no timer."""
        ended = self.regular.start()
        self.clock.pump([1.0] * 5)
        self.assertEqual([2.0, 4.0], self.calls)
        self.assertNoResult(ended)
        self.regular.stop()
        self.successResultOf(ended)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_they_can_be_started_again(self) -> None:
        """A stop that was not needed does nothing; a start may come with a call at once."""
        self.regular.stop()
        self.regular.start()
        self.regular.stop()
        self.regular.start(now=True)
        self.assertEqual([0.0], self.calls)
        self.regular.stop()

    def test_the_last_one_is_waited_for(self) -> None:
        """The end of the calls is that of the last one, during which no other is begun."""
        self.result = call = Deferred()
        ended = self.regular.start(now=True)
        self.clock.pump([1.0] * 5)
        self.assertEqual([0.0], self.calls)
        self.regular.stop()
        self.assertNoResult(ended)
        call.callback(None)
        self.successResultOf(ended)

    def test_a_failure_ends_them_and_is_logged(self) -> None:
        """A call that raises is logged, and is the last one."""
        self.result = ZeroDivisionError()
        ended = self.regular.start(now=True)
        self.successResultOf(ended)
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
        self.clock.pump([1.0] * 5)
        self.assertEqual([0.0], self.calls)
        self.regular.stop()
