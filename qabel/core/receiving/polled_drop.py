"""A drop that is polled: its clock, and how its polls went."""

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from qabel.core.backoff import Attempts, backoff
from qabel.core.random_delays import Draw
from qabel.core.receiving.key_on_server import KeyOnServer
from qabel.drop.url import DropURL

STORE_PAUSE = 10.0
"""Seconds until a drop is read again after what it had could not be stored, at most."""

LONGEST_STORE_PAUSE = 60.0
"""The same after several such polls: each fetches the same messages."""


@define(eq=False)
class PolledDrop:
    """A drop that is polled. Times are in seconds on the clock of the schedule."""

    url: DropURL
    key: KeyOnServer
    since: float
    """Since when it is polled."""
    attempts: Attempts = field(factory=Attempts)
    due: float = 0.0
    """When it is polled next."""
    timer: IDelayedCall | None = None
    """Begins the next poll; None while it is being read, or waits in the queue of its key."""
    running: Deferred[None] | None = None
    waiting: Deferred[None] | None = None
    """Fires at the end of the next poll, if one was asked for."""
    is_asked: bool = False
    """Whether the next poll was asked for, and regards no pause."""
    is_gone: bool = False
    """Whether it is not polled any more."""
    not_stored: str | None = None
    """Why what was found last could not be stored: that is no failure of the server."""
    store_failures: int = 0
    """How often in a row that was."""

    @property
    def is_busy(self) -> bool:
        """Whether it is being read, or next after others of its owner."""
        return self.running is not None or self.url in self.key.queue

    def could_not_store(self, error: str, draw: Draw) -> float:
        """Note that something could not be stored; return the seconds until the next poll."""
        pause = backoff(
            self.store_failures, base=STORE_PAUSE, longest=LONGEST_STORE_PAUSE, draw=draw
        )
        self.not_stored, self.store_failures = error, self.store_failures + 1
        return pause

    def could_store(self) -> None:
        """Note that all that was found could be stored."""
        self.not_stored, self.store_failures = None, 0

    def stop_clock(self) -> None:
        """Cancel the next poll."""
        timer, self.timer = self.timer, None
        if timer is not None:
            timer.cancel()

    def stop(self) -> None:
        """Stop its clock, and let nobody wait for it any more."""
        self.stop_clock()
        self.key.queue.pop(self.url, None)
        if self.running is None:
            self.end_waiting()

    def end_waiting(self) -> None:
        """End the wait for the next poll."""
        waiting, self.waiting = self.waiting, None
        if waiting is not None:
            waiting.callback(None)
