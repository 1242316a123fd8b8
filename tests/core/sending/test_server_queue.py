"""What waits for one drop server."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.sending.server_queue import AT_ONCE, ServerQueue
from qabel.core.sending.timers import Timers
from tests.core.items import posting


class ServerQueueTests(SynchronousTestCase):
    """A queue on a clock of the test's own."""

    def setUp(self) -> None:
        """Begin with an empty queue."""
        self.clock = Clock()
        self.resumed: list[ServerQueue] = []
        self.queue = ServerQueue("http://one.example", Timers(self.clock), self.resumed.append)

    def ids(self) -> list[int]:
        """Return the ids of what is ready, in order."""
        return [each.id for each in self.queue.ready]

    def test_what_is_put_off_is_ready_later(self) -> None:
        """A posting is ready after its pause, and the queue's owner is told."""
        self.queue.put_off(posting(1), 5)
        self.assertEqual([], self.ids())
        self.clock.advance(5)
        self.assertEqual([1], self.ids())
        self.assertEqual([self.queue], self.resumed)

    def test_gathering_makes_everything_ready_in_order(self) -> None:
        """What is put off joins what is ready, oldest first, and no timer is left."""
        self.queue.ready.append(posting(2))
        for number in (3, 1):
            self.queue.put_off(posting(number), 5)
        self.queue.attempts.failed(0, "no", 60)
        self.queue.gather(1)
        self.assertEqual([1, 2, 3], self.ids())
        self.assertEqual(0, self.queue.attempts.not_before)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_one_at_a_time_after_a_failure(self) -> None:
        """A server that failed gets one message, one that works several."""
        self.assertEqual(AT_ONCE, self.queue.at_once)
        self.queue.attempts.failed(0, "no", 60)
        self.assertEqual(1, self.queue.at_once)
        self.assertTrue(self.queue.succeeded(1))
        self.assertFalse(self.queue.succeeded(2))
        self.assertEqual(AT_ONCE, self.queue.at_once)

    def test_proof_counts_once(self) -> None:
        """A success of reading is a reason to try again once, or after reading had failed."""
        self.assertFalse(self.queue.is_proved(0, had_failed=True))
        self.queue.attempts.failed(0, "no", 60)
        self.assertTrue(self.queue.is_proved(1, had_failed=False))
        self.assertFalse(self.queue.is_proved(2, had_failed=False))
        self.assertTrue(self.queue.is_proved(3, had_failed=True))
        self.assertEqual(3, self.queue.proved)

    def test_a_success_ends_what_the_server_asked_for(self) -> None:
        """A server that accepts a message needs no more time."""
        self.queue.asked_until = 3600.0
        self.queue.attempts.failed(0, "busy", 3600)
        self.queue.succeeded(1)
        self.queue.gather(1)
        self.assertEqual(0, self.queue.attempts.not_before)

    def test_forgetting(self) -> None:
        """Forgotten postings do not come back, and a cleared queue leaves no timer."""
        for number in (1, 2):
            self.queue.put_off(posting(number), 5)
        self.queue.forget([1, 9])
        self.queue.gather(0)
        self.assertEqual([2], self.ids())
        self.queue.put_off(posting(3), 5)
        self.queue.clear()
        self.assertEqual([], self.ids())
        self.assertEqual([], self.clock.getDelayedCalls())
