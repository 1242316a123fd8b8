"""What is to be posted to one drop server: now, once the server works again, or after a pause."""

from collections import deque
from collections.abc import Callable, Iterable

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from qabel.core.backoff import Attempts
from qabel.core.sending.timers import Timers
from qabel.store.outbox.sends import Posting

AT_ONCE = 4
"""How many messages are posted to one server at the same time."""


@define(eq=False)
class ServerQueue:
    """One drop server, and what is waiting to be posted to it."""

    server: str
    """Its URL."""
    _timers: Timers
    _resume: "Callable[[ServerQueue], None]"
    """Called when something is ready after a pause of its own."""
    attempts: Attempts = field(factory=Attempts, init=False)
    asked_until: float = field(default=0.0, init=False)
    """When the server wants the next request, in seconds on the clock of the schedule."""
    ready: deque[Posting] = field(factory=deque, init=False)
    """What is posted as soon as the server's turn comes."""
    running: set[Deferred[None]] = field(factory=set, init=False)
    pause: IDelayedCall | None = field(default=None, init=False)
    """What ends the pause of the server, while something is ready."""
    proved: float = field(default=-1.0, init=False)
    """When reading showed last that the server works, in seconds on the clock of the schedule."""
    _later: dict[int, tuple[Posting, IDelayedCall]] = field(factory=dict, init=False)
    """What failed alone, by its id, with what ends its pause."""
    _was_proved: bool = field(default=False, init=False)
    """Whether that was since the last success: it is tried at once for this only once."""

    @property
    def at_once(self) -> int:
        """How many messages may be posted at the same time."""
        # After a failure, a single message shows whether the server works again.
        return 1 if self.attempts.failures else AT_ONCE

    def succeeded(self, now: float) -> bool:
        """Note that the server works; return whether it had failed."""
        had_failed = self.attempts.failures > 0
        self.attempts.succeeded(now)
        self._was_proved, self.asked_until = False, 0.0
        return had_failed

    def is_proved(self, now: float, *, had_failed: bool) -> bool:
        """Note that the server could be read; return whether to try again now what waits.

        Once is enough, unless reading failed in between: a server that can be read, but takes no
        message, is not to be asked as often as it is read.
        """
        if not self.attempts.failures or (self._was_proved and not had_failed):
            return False
        self._was_proved, self.proved = True, now
        return True

    def put_off(self, posting: Posting, seconds: float) -> None:
        """Have a posting be ready after a pause, in seconds."""
        timer = self._timers.call_later(seconds, self._is_ready, posting)
        self._later[posting.id] = posting, timer

    def gather(self, now: float) -> None:
        """Make everything ready, oldest first; end the pause, unless the server asked for it."""
        for _, timer in self._later.values():
            self._timers.drop(timer)
        waiting = [*self.ready, *(posting for posting, _ in self._later.values())]
        self._later.clear()
        self.ready = deque(sorted(waiting, key=lambda posting: posting.id))
        self.end_pause()
        self.attempts.not_before = self.asked_until if self.asked_until > now else 0.0

    def clear(self) -> None:
        """Forget all postings."""
        self.ready.clear()
        self.forget(list(self._later))
        self.end_pause()

    def end_pause(self) -> None:
        """Do not wait any more for the end of the server's pause."""
        if self.pause is not None:
            self._timers.drop(self.pause)
            self.pause = None

    def forget(self, posting_ids: Iterable[int]) -> None:
        """Forget postings that wait for the end of a pause of their own."""
        for each in posting_ids:
            found = self._later.pop(each, None)
            if found is not None:
                self._timers.drop(found[1])

    def _is_ready(self, posting: Posting) -> None:
        del self._later[posting.id]
        self.ready.append(posting)
        self._resume(self)
