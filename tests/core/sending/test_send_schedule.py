"""The schedule of queues: one posting at a time in each, and none that waits for another queue."""

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.sending.send_queue import SendQueue
from qabel.core.sending.send_schedule import AGAIN_AFTER, SOON_AFTER, SendSchedule
from qabel.core.sending.timers import Timers
from qabel.store.outbox.sends import Posting
from tests.core.items import draws, posting

SERVER = "http://one.example"


class ScheduleTests(SynchronousTestCase):
    """A schedule on a clock of the test's own, in which each delay is its mean."""

    def setUp(self) -> None:
        """Begin with nothing to post."""
        self.clock = Clock()
        self.timers = Timers(self.clock)
        self.schedule = SendSchedule(self.clock, self.timers, self.post, lambda: 0.6321205588)
        self.begun: list[int] = []
        self.fails: set[int] = set()
        self.hanging: dict[int, Deferred[None]] = {}

    async def post(self, queue: SendQueue, one: Posting) -> None:
        """Make an attempt, which hangs or fails as the test says."""
        started = self.clock.seconds()
        self.begun.append(one.id)
        if one.id in self.hanging:
            await self.hanging[one.id]
        if one.id in self.fails:
            queue.failed(self.clock.seconds(), "no", 600)
            self.schedule.failed(queue, started)
            queue.postings.appendleft(one)
        else:
            self.schedule.works(queue, queue.succeeded(self.clock.seconds()))

    def test_one_after_another_in_each_queue(self) -> None:
        """What is added to a queue waits for what came before it, and not for other queues."""
        self.hanging[1] = Deferred()
        for each in (posting(1), evolve(posting(1), id=2), posting(3)):
            self.schedule.add(each)
        self.assertEqual([1, 3], self.begun)
        self.hanging[1].callback(None)
        self.assertEqual([1, 3, 2], self.begun)
        self.assertEqual(0, len(self.schedule.queues))

    def test_what_is_to_begin_later(self) -> None:
        """A queue begins after the delay that is drawn, or when it is released."""
        for number in (1, 2, 3):
            self.schedule.add(posting(number), 20.0)
        self.schedule.release(posting(2).queue)
        self.schedule.add(evolve(posting(3), id=4))
        self.assertEqual([2, 3, 4], self.begun)
        self.clock.advance(19.9)
        self.assertEqual([2, 3, 4], self.begun)
        self.clock.advance(0.2)
        self.assertEqual([2, 3, 4, 1], self.begun)

    def test_what_joins_a_queue_that_waits(self) -> None:
        """A further posting that is to begin later does not delay the first one any more."""
        self.schedule.add(posting(1), 20.0)
        self.clock.advance(15)
        self.schedule.add(evolve(posting(1), id=2), 20.0)
        self.clock.advance(6)
        self.assertEqual([1, 2], self.begun)

    def test_a_success_wakes_what_failed(self) -> None:
        """After a success with the server, what failed there comes after the delay, and once."""
        self.fails = {1}
        self.schedule.add(posting(1))
        self.schedule.add(posting(2, "http://two.example"))
        self.clock.advance(31)
        self.assertEqual([1, 2], self.begun)
        self.schedule.add(posting(3))
        self.clock.advance(29)
        self.schedule.add(posting(4))
        self.assertEqual([1, 2, 3, 4], self.begun)
        self.clock.advance(2)
        self.assertEqual([1, 2, 3, 4, 1], self.begun)
        self.schedule.learn(SERVER, had_failed=False)
        self.clock.advance(100)
        self.assertEqual([1, 2, 3, 4, 1], self.begun)
        self.schedule.learn(SERVER, had_failed=True)
        self.clock.advance(31)
        self.assertEqual([1, 2, 3, 4, 1, 1], self.begun)

    def test_a_wake_up_during_an_attempt(self) -> None:
        """What fails after the server was seen to work comes again soon, as that began before."""
        self.fails = {1}
        self.schedule.add(posting(1))
        self.hanging[1] = Deferred()
        self.clock.advance(600)
        self.schedule.learn(SERVER, had_failed=True)
        self.clock.advance(25)
        self.hanging.pop(1).callback(None)
        self.clock.advance(29)
        self.assertEqual([1, 1], self.begun)
        self.clock.advance(2)
        self.assertEqual([1, 1, 1], self.begun)

    def test_tried_again(self) -> None:
        """Queues that pause come soon; those that are to begin later are not hurried."""
        self.fails = {1}
        self.schedule.add(posting(1))
        self.schedule.add(posting(2), 300.0)
        self.schedule.try_again([])
        self.clock.advance(AGAIN_AFTER + 0.1)
        self.assertEqual([1], self.begun)
        self.schedule.try_again(None)
        self.clock.advance(AGAIN_AFTER + 0.1)
        self.assertEqual([1, 1], self.begun)

    def test_a_machine_that_was_suspended(self) -> None:
        """What is due when a suspended machine wakes up begins at times that are drawn."""
        self.schedule._draw = draws()
        self.fails = set(range(100))
        for number in range(100):
            self.schedule.add(posting(number))
        self.fails.clear()
        self.clock.advance(8 * 3600)
        self.assertEqual(100, len(self.begun))
        self.clock.advance(SOON_AFTER / 3)
        self.assertLess(len(self.begun), 160)
        self.clock.pump([0.5] * 80)
        self.assertEqual(200, len(self.begun))

    def test_removed(self) -> None:
        """What is removed is not posted; a queue is forgotten when nothing is left."""
        self.schedule.add(posting(1), 20.0)
        self.schedule.add(posting(2), 20.0)
        self.schedule.remove(posting(1))
        self.schedule.remove(posting(3))
        self.clock.advance(21)
        self.assertEqual([2], self.begun)
        self.assertEqual(0, len(self.schedule.queues))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_an_error_ends_one_attempt_only(self) -> None:
        """An unexpected error is logged, and what comes next in the queue is posted."""
        self.hanging[1] = Deferred()
        for number in (1, 2):
            self.schedule.add(evolve(posting(1), id=number))
        self.hanging[1].errback(ZeroDivisionError())
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
        self.assertEqual([1, 2], self.begun)

    def test_stopped(self) -> None:
        """What is in progress is cancelled without a word, and nothing begins any more."""
        cancelled: list[object] = []
        self.hanging[1] = Deferred(cancelled.append)
        self.schedule.add(posting(1))
        self.schedule.add(evolve(posting(1), id=2))
        self.schedule.add(posting(3), 20.0)
        self.timers.cancel()
        self.schedule.stop()
        self.assertEqual(1, len(cancelled))
        self.clock.advance(100)
        self.assertEqual([1], self.begun)
