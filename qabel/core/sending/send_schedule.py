"""When each queue of postings comes: after its pauses, when there is a slot, when it is woken."""

from collections.abc import Callable, Collection, Coroutine
from typing import Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.core.random_delays import Draw, draw_securely, exponential
from qabel.core.sending.posting_slots import PostingSlots
from qabel.core.sending.send_queue import SendQueue
from qabel.core.sending.send_queues import SendQueues
from qabel.core.sending.timers import Timers
from qabel.store.database.errors import StoreClosed
from qabel.store.outbox.sends import Posting, PostingQueue

LEARNED_AFTER = 30.0
"""Seconds on average after which a queue makes use of what another one learned, or reading.

Each draws its own delay: who answers the requests of several identities must not see in the times
of some that they know of others.
"""

SOON_AFTER = 3.0
"""Seconds on average after which a queue begins that was loaded from the outbox with others.

What was left waiting by several identities does not all come when the daemon is switched on.
"""

AGAIN_AFTER = 10.0
"""Seconds on average after which a queue is tried again as the user trusts its server now."""

LATE = 5.0
"""Seconds by which the end of a pause may be late. After more, as after a suspension, the queue
begins at a time that is drawn: the machine woke up for all queues at once."""

ALMOST_NOW = 1e-6
"""A pause in seconds that is none: times are rounded."""


@define(eq=False)
class SendSchedule:
    """Has the postings of each queue made one after another, and no queue wait for another one."""

    _clock: IReactorTime
    _timers: Timers
    _post: Callable[[SendQueue, Posting], Coroutine[Any, Any, None]]
    """Makes an attempt at a posting, and stores its outcome."""
    _draw: Draw = draw_securely
    queues: SendQueues = field(factory=SendQueues, init=False)
    _slots: PostingSlots = field(init=False)
    _has_stopped: bool = field(default=False, init=False)

    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._slots = PostingSlots(self._timers, self._granted, self._draw)

    def stop(self) -> None:
        """Forget all postings, and cancel the attempts in progress."""
        self._has_stopped = True
        self._slots.clear()
        for queue in self.queues.clear():
            queue.postings.clear()
            if queue.work is not None:
                queue.work.cancel()

    def add(self, posting: Posting, spread: float = 0.0) -> None:
        """Add a posting to its queue, which begins after ``spread`` seconds on average."""
        queue = self.queues.of(posting)
        queue.postings.append(posting)
        if not spread:
            queue.held_until = 0.0
        elif len(queue.postings) == 1:
            queue.held_until = self._clock.seconds() + exponential(spread, self._draw)
        self._go_on(queue)

    def release(self, key: PostingQueue) -> None:
        """Start a queue now that was to start later; pauses after failures remain."""
        queue = self.queues.get(key)
        if queue is not None and queue.held_until:
            queue.held_until = 0.0
            self._go_on(queue)

    def remove(self, posting: Posting) -> None:
        """Remove a posting from its queue, unless an attempt at it is in progress."""
        queue = self.queues.get(posting.queue)
        if queue is not None and posting in queue.postings:
            queue.postings.remove(posting)
            self._go_on(queue)

    def try_again(self, servers: Collection[str] | None) -> None:
        """Resume the queues of some servers soon that pause; those of all for None."""
        now = self._clock.seconds()
        for queue in self.queues.of_servers(servers):
            if queue.attempts.not_before > now or queue.is_busy:
                self._wake(queue, AGAIN_AFTER)

    def works(self, queue: SendQueue, had_failed: bool) -> None:
        """Note that a queue's server works, and whether it had failed before."""
        self.queues.awake(queue)
        self.learn(queue.server, had_failed=had_failed)

    def failed(self, queue: SendQueue, started: float) -> None:
        """Note that an attempt of a queue failed that began at a time in seconds on the clock."""
        if queue.woken >= started:
            # What began before the server was seen to work says nothing about it.
            delay = exponential(LEARNED_AFTER, self._draw)
            queue.bring_forward(self._clock.seconds(), delay)
        else:
            self.queues.sleep(queue)

    def learn(self, server: str, *, had_failed: bool) -> None:
        """Wake the queues that wait for a server to work, each after a delay of its own."""
        for queue in self.queues.rouse(server, had_failed=had_failed):
            self._wake(queue, LEARNED_AFTER)

    def _wake(self, queue: SendQueue, mean: float) -> None:
        queue.wake(self._clock.seconds(), exponential(mean, self._draw))
        self._go_on(queue)

    def _go_on(self, queue: SendQueue) -> None:
        """Post the next message of a queue, or have that happen when it may."""
        if queue.is_busy or queue.is_in_line or self._has_stopped:
            return
        if queue.timer is not None:
            self._timers.drop(queue.timer)
            queue.timer = None
        pause = queue.due - self._clock.seconds()
        if pause > ALMOST_NOW:
            # Also if nothing is left: what comes next has to wait as well.
            queue.timer = self._timers.call_later(pause, self._pause_over, queue)
        elif not queue.postings:
            self.queues.remove(queue)
        elif self._slots.take(queue):
            self._begin(queue)

    def _pause_over(self, queue: SendQueue) -> None:
        now = self._clock.seconds()
        if queue.postings and now - queue.due > LATE and not queue.was_late:
            queue.was_late = True
            queue.held_until = now + exponential(SOON_AFTER, self._draw)
        self._go_on(queue)

    def _granted(self, queue: SendQueue) -> None:
        """Post the next message of a queue that waited for a slot, if there still is one."""
        if queue.postings and queue.due - self._clock.seconds() <= ALMOST_NOW:
            self._begin(queue)
        else:
            self._slots.give_back(queue.server)
            self._go_on(queue)

    def _begin(self, queue: SendQueue) -> None:
        queue.is_busy, queue.was_late = True, False
        queue.work = Deferred.fromCoroutine(self._post(queue, queue.postings.popleft()))
        queue.work.addBoth(self._ended, queue)

    def _ended(self, result: object, queue: SendQueue) -> None:
        if isinstance(result, Failure) and not result.check(CancelledError, StoreClosed):
            self._log.failure("Storing a delivery result failed unexpectedly", result)
        queue.is_busy, queue.work = False, None
        self._slots.give_back(queue.server)
        self._go_on(queue)
