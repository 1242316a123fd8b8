"""The queues of one drop server: which of them wait for it to work again, and what is wrong."""

from attrs import define, evolve, field

from qabel.core.backoff import Attempts
from qabel.core.sending.send_queue import SendQueue
from qabel.store.outbox.sends import PostingQueue


@define(eq=False)
class ServerQueues:
    """The queues of one drop server.

    A queue whose last attempt failed sleeps until its pause ends, or until others show that the
    server works: once if they had no trouble, as the server may well refuse this queue only, and
    whenever they had failed before.
    """

    server: str
    """Its URL."""
    queues: dict[PostingQueue, SendQueue] = field(factory=dict, init=False)
    _asleep: set[SendQueue] = field(factory=set, init=False)
    _deep_asleep: set[SendQueue] = field(factory=set, init=False)
    """Those that others have woken in vain, or of which only a message was rejected."""

    def add(self, queue: SendQueue) -> None:
        """Add a queue."""
        self.queues[queue.key] = queue

    def remove(self, queue: SendQueue) -> None:
        """Forget a queue."""
        del self.queues[queue.key]
        self.awake(queue)

    def sleep(self, queue: SendQueue) -> None:
        """Note that the last attempt of a queue failed."""
        self.awake(queue)
        is_light = queue.attempts.failures > 0 and not queue.was_proved
        (self._asleep if is_light else self._deep_asleep).add(queue)

    def awake(self, queue: SendQueue) -> None:
        """Note that a queue needs nobody to wake it."""
        self._asleep.discard(queue)
        self._deep_asleep.discard(queue)

    def rouse(self, *, had_failed: bool) -> list[SendQueue]:
        """Note that the server works; return the queues that may be woken because of it.

        No queue is returned again before it has failed again: of several delays that are drawn
        because of several successes, the shortest would count.

        Args:
            had_failed: whether the server had failed before.

        """
        found = list(self._asleep)
        self._asleep.clear()
        if had_failed:
            found += self._deep_asleep
            self._deep_asleep.clear()
        for each in found:
            each.was_proved = True
        return found

    def trouble(self) -> Attempts | None:
        """Return the attempts of the queue that failed most often in a row; None if none fails.

        The error is that of the last failure.
        """
        failing = [
            each.attempts
            for each in self.queues.values()
            if each.attempts.failures and each.has_work
        ]
        if not failing:
            return None
        worst = max(failing, key=lambda each: each.failures)
        last = max(failing, key=lambda each: each.last_failure or 0.0)
        return evolve(
            worst,
            last_error=last.last_error,
            last_failure=last.last_failure,
            is_not_admitted=last.is_not_admitted,
        )
