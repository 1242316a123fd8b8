"""One drop server that is polled: its drops, and how its rounds went."""

from collections.abc import Iterator

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from qabel.core.backoff import Attempts, backoff
from qabel.drop.url import DropURL

STORE_PAUSE = 10.0
"""Seconds until a server is read again after what it had could not be stored, at most."""

LONGEST_STORE_PAUSE = 60.0
"""The same after several such rounds: each fetches the same messages."""


@define(eq=False)
class ServerRounds:
    """One drop server: its drops, and the results of polling them."""

    server: str
    drops: tuple[DropURL, ...] = ()
    attempts: Attempts = field(factory=Attempts)
    running: Deferred[None] | None = None
    waiting: Deferred[None] | None = None
    """Fires at the end of the next round, if one was requested during this one."""
    rounds: int = 0
    """How many rounds there were since the start."""
    failed_rounds: int = 0
    seconds: float = 0.0
    """The total duration of all rounds."""
    retry: IDelayedCall | None = None
    """Begins the next round early, as the last one could not be stored."""
    not_stored: str | None = None
    """Why what was found last could not be stored: that is no failure of the server."""
    store_failures: int = 0
    """How often in a row that was."""
    store_pause_ends: float = 0.0
    """When the next scheduled round may begin after that, in seconds on the clock."""
    first: int = 0
    """The index in ``drops`` where the next round begins, so that no bad drop starves the rest."""

    def in_turn(self) -> Iterator[DropURL]:
        """Yield each drop once, moving ``first`` along."""
        for _ in range(len(self.drops)):
            url = self.drops[self.first % len(self.drops)]
            self.first = (self.first + 1) % len(self.drops)
            yield url

    @property
    def not_before(self) -> float:
        """When the next scheduled round may begin, in seconds on the clock."""
        return max(self.attempts.not_before, self.store_pause_ends)

    def pause_for_store(self, now: float, error: str) -> float:
        """Note that something could not be stored; return the seconds until the next round."""
        pause = backoff(self.store_failures, base=STORE_PAUSE, longest=LONGEST_STORE_PAUSE)
        self.not_stored, self.store_failures = error, self.store_failures + 1
        self.store_pause_ends = now + pause
        return pause

    def could_store(self) -> None:
        """Note that all that was found could be stored."""
        self.not_stored, self.store_failures, self.store_pause_ends = None, 0, 0.0
