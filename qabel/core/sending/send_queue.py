"""What one sender has to post to one drop of one recipient: now, or after a pause."""

from collections import deque

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from qabel.core.backoff import Attempts
from qabel.store.outbox.sends import Posting, PostingQueue


@define(eq=False)
class SendQueue:
    """One queue of postings, with pauses of its own. Times are in seconds on the clock.

    A server that makes one queue wait sees no effect of that on another.
    """

    key: PostingQueue = field(repr=False)
    server: str
    """The URL of the drop server."""
    attempts: Attempts = field(factory=Attempts, init=False)
    """How posting went, and when it is due again."""
    postings: deque[Posting] = field(factory=deque, init=False)
    """What is not posted yet, without the one that is being posted."""
    is_busy: bool = field(default=False, init=False)
    """Whether one is being posted, or its outcome is being stored."""
    is_in_line: bool = field(default=False, init=False)
    """Whether it is waiting for a slot."""
    work: Deferred[None] | None = field(default=None, init=False)
    """What ends when it is not busy any more."""
    timer: IDelayedCall | None = field(default=None, init=False)
    """What ends the pause."""
    asked_until: float = field(default=0.0, init=False)
    """Until when the server asked for no further request."""
    held_until: float = field(default=0.0, init=False)
    """Until when it waits so that it does not begin at the same time as others."""
    was_late: bool = field(default=False, init=False)
    """Whether it is held because its pause ended too late."""
    woken: float = field(default=-1.0, init=False)
    """When it was last woken during an attempt."""
    was_proved: bool = field(default=False, init=False)
    """Whether others showed since its last success that the server works."""

    @property
    def due(self) -> float:
        """When the next attempt is due."""
        return max(self.attempts.not_before, self.held_until)

    @property
    def has_work(self) -> bool:
        """Whether there is anything to post."""
        return self.is_busy or bool(self.postings)

    def succeeded(self, now: float) -> bool:
        """Note that the server works; return whether it had failed."""
        had_failed = self.attempts.failures > 0
        self.attempts.succeeded(now)
        self.was_proved, self.asked_until = False, 0.0
        return had_failed

    def failed(
        self,
        now: float,
        error: str,
        pause: float,
        asked: float = 0.0,
        *,
        is_not_admitted: bool = False,
    ) -> None:
        """Note that the server failed, and how long to wait.

        Args:
            now: the present time.
            error: what was wrong.
            pause: seconds until the next attempt.
            asked: seconds that the server asked to wait; nothing shortens those.
            is_not_admitted: whether it did not accept the group token, or lack of one.

        """
        self.asked_until = now + asked
        self.attempts.failed(now, error, max(pause, asked), is_not_admitted=is_not_admitted)

    def put_off(self, now: float, pause: float) -> None:
        """Note that a posting failed, though the server works."""
        self.attempts.not_before = now + pause

    def wake(self, now: float, delay: float) -> None:
        """End the pause after a delay at the latest, unless the server asked for more time.

        A wake-up during an attempt is for the pause after it, if it fails: what began before says
        nothing about the server now.
        """
        if self.is_busy:
            self.woken = now
        self.bring_forward(now, delay)

    def bring_forward(self, now: float, delay: float) -> None:
        """End the pause after a delay at the latest, unless the server asked for more time."""
        sooner = min(self.attempts.not_before, now + delay)
        self.attempts.not_before = max(sooner, min(self.asked_until, self.attempts.not_before))
