"""Slots: how much is posted at the same time, and that who waits for a slot gets one."""

from statistics import fmean

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qabel.core.sending.posting_slots import (
    AT_ONCE,
    AT_ONCE_TO_SERVER,
    PAUSE,
    RESERVE,
    SHARE,
    PostingSlots,
)
from qabel.core.sending.send_queue import SendQueue
from qabel.core.sending.timers import Timers
from tests.core.items import draws

BUSY, OTHER = "http://busy.example", "http://other.example"


class SlotsTests(SynchronousTestCase):
    """Slots on a clock of the test's own."""

    def setUp(self) -> None:
        """Begin with all slots free."""
        self.clock, self.granted, self.count = Clock(), [], 0
        self.slots = PostingSlots(Timers(self.clock), self.granted.append, draws())

    def take(self, server: str, count: int = 1) -> int:
        """Have queues ask for slots; return how many get one at once."""
        return sum(self.slots.take(self.queue(server)) for _ in range(count))

    def queue(self, server: str) -> SendQueue:
        """Return a queue that no other is like."""
        self.count += 1
        return SendQueue((f"{server}/{self.count}", b"", b""), server)

    def test_one_server_gets_some_only(self) -> None:
        """A server that hangs takes no more than its share, and others are not held up."""
        self.assertEqual(AT_ONCE_TO_SERVER, self.take(BUSY, 1000))
        self.assertEqual(1, self.take(OTHER))

    def test_many_servers_that_hang(self) -> None:
        """Some servers that hang leave slots to others; all together take a limited number."""
        hanging = [self.take(f"{BUSY}:{port}", 100) for port in range(1, 7)]
        self.assertEqual(AT_ONCE - RESERVE, sum(hanging))
        self.assertEqual(SHARE, self.take(OTHER, 100))
        self.assertEqual(RESERVE - SHARE, sum(self.take(f"{OTHER}:{n}", 9) for n in range(1, 99)))

    def test_a_slot_is_passed_on_after_a_while(self) -> None:
        """Who waits does not start in the moment when another one ends, but soon."""
        delays = []
        for _ in range(300):
            self.setUp()
            self.slots._draw = draws(len(delays))
            self.take(BUSY, AT_ONCE_TO_SERVER + 1)
            self.slots.give_back(BUSY)
            self.assertEqual([], self.granted)
            while not self.granted:
                self.clock.advance(0.01)
            delays.append(self.clock.seconds())
        self.assertLess(abs(PAUSE - fmean(delays)), PAUSE / 5)

    def test_without_others_that_wait_a_slot_is_free_at_once(self) -> None:
        """What the user sends does not wait if there is no need."""
        self.take(BUSY, AT_ONCE_TO_SERVER)
        self.slots.give_back(BUSY)
        self.assertEqual(1, self.take(BUSY))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_nobody_overtakes_those_in_line(self) -> None:
        """While a slot is being passed on, a newcomer waits like the others."""
        self.take(BUSY, AT_ONCE_TO_SERVER)
        waiting = self.queue(BUSY)
        self.assertFalse(self.slots.take(waiting))
        self.assertTrue(waiting.is_in_line)
        self.slots.give_back(BUSY)
        self.assertEqual(0, self.take(BUSY))
        self.clock.advance(100)
        self.assertEqual(1, len(self.granted))
        self.assertFalse(self.granted[0].is_in_line)

    def test_everybody_in_line_gets_a_slot(self) -> None:
        """However many wait, all have had a slot when as many slots were given back."""
        servers = [
            f"{BUSY}:{number % number_of + 1}" for number_of in (3, 30) for number in range(500)
        ]
        waiting = [self.queue(each) for each in servers]
        started = [each for each in waiting if self.slots.take(each)]
        running = list(started)
        while running:
            self.slots.give_back(running.pop(len(running) // 2).server)
            self.clock.advance(20)
            running += self.granted
            started += self.granted
            self.granted.clear()
        self.assertEqual({each.key for each in waiting}, {each.key for each in started})
        self.assertEqual(len(waiting), len(started))
        self.assertEqual((0, {}, {}), (self.slots._total, self.slots._running, self.slots._in_line))

    def test_servers_take_turns(self) -> None:
        """One message to a server is not held up by a thousand to another."""
        for port in range(1, 11):
            self.take(f"{BUSY}:{port}", AT_ONCE_TO_SERVER)
        self.take(OTHER, SHARE)
        self.take(f"{BUSY}:1", 1000)
        one = self.queue("http://late.example")
        while self.slots.take(self.queue(f"{OTHER}:{self.count}")):
            pass
        self.assertFalse(self.slots.take(one))
        while one not in self.granted:
            self.slots.give_back(f"{BUSY}:1")
            self.clock.advance(20)
        self.assertLess(len(self.granted), 60)

    def test_stopped(self) -> None:
        """When posting stops, slots that are given back go to nobody."""
        self.take(BUSY, AT_ONCE_TO_SERVER + 5)
        self.slots.clear()
        self.slots.give_back(BUSY)
        self.assertEqual([], self.granted)
        self.assertEqual([], self.clock.getDelayedCalls())
