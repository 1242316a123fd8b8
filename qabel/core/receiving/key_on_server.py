"""What the drops of one owner on one server have in common; other owners share nothing of it."""

from attrs import define, field

from qabel.core.backoff import backoff
from qabel.core.random_delays import Draw
from qabel.drop.url import DropURL

AT_ONCE = 4
"""How many drops of one owner on one server are read at the same time."""

GIVE_UP_AFTER = 3
"""Failures in a row after which the server has a problem, not the drop."""


@define(eq=False)
class KeyOnServer:
    """The drops of one owner on one server: how many are being read, and whether it works.

    A server that treats one drop badly can see how others react: only those of the same owner may.
    """

    owner: bytes = field(repr=False)
    """As in ``qabel.net.isolation``."""
    server: str
    drops: set[DropURL] = field(factory=set, init=False)
    queue: dict[DropURL, None] = field(factory=dict, init=False)
    """Those that wait until fewer are being read, in that order."""
    running: int = field(default=0, init=False)
    not_before: float = field(default=0.0, init=False)
    """When the next one is read, in seconds on the clock."""
    is_going_on: bool = field(default=False, init=False)
    """Whether those that wait are being begun."""
    _in_a_row: int = field(default=0, init=False)

    def failed(self, now: float, interval: float, asked: float, draw: Draw) -> None:
        """Note that a drop could not be read.

        Args:
            now: the time in seconds on the clock.
            interval: seconds between two polls.
            asked: seconds that the server asked to wait; 0 if it did not.
            draw: returns a random number in [0, 1).

        """
        if asked:
            self.not_before = max(self.not_before, now + asked)
        elif now >= self.not_before:
            # What was under way when the pause began says nothing new.
            self._in_a_row += 1
            if self._in_a_row >= GIVE_UP_AFTER:
                pause = backoff(self._in_a_row - GIVE_UP_AFTER, base=interval, draw=draw)
                self.not_before = now + pause

    def succeeded(self) -> bool:
        """Note that a drop could be read; return whether others were waiting for that."""
        was_failing = self._in_a_row >= GIVE_UP_AFTER
        self._in_a_row, self.not_before = 0, 0.0
        return was_failing
