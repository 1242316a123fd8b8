"""Time stamps of messages: those that the daemon makes rise strictly for each identity."""

from collections.abc import Callable, Mapping
from threading import Lock

from attrs import define, field

from qabel.crypto import PublicKey
from qabel.store.outbox.time_stamps import MOST_AHEAD

EARLIEST_NOW = 1_790_000_000_000
"""Milliseconds since the epoch (September 2026): a clock that is behind this is wrong."""


@define(eq=False)
class TimeStamps:
    """Makes time stamps, in any thread.

    A time stamp is the time of day, or one millisecond more than the newest one of the identity if
    that is not less: several messages may be sent within a millisecond, and the clock may be set
    back. If the newest is more than a week ahead, the clock was wrong when it was made, and time
    stamps start again from the time of day; unless the clock is certainly wrong now.
    """

    _now: Callable[[], float]
    """Returns seconds since the epoch."""
    _newest: dict[bytes, int] = field(factory=dict, init=False)
    _lock: Lock = field(factory=Lock, init=False)

    def load(self, newest: Mapping[bytes, int]) -> None:
        """Continue after these, which the outbox has: milliseconds, by public keys."""
        with self._lock:
            self._newest = dict(newest)

    def make(self, sender: PublicKey) -> int:
        """Return the time stamp of a new message, in milliseconds since the epoch."""
        with self._lock:
            made = self._after(self._newest.get(sender.raw), int(self._now() * 1000))
            self._newest[sender.raw] = made
            return made

    def is_past(self, sender: PublicKey, time_stamp: int) -> bool:
        """Note a time stamp that a client made; return whether it is not in the future.

        One in the future is the client's business, and does not count.
        """
        with self._lock:
            if time_stamp > int(self._now() * 1000):
                return False
            self._newest[sender.raw] = max(self._newest.get(sender.raw, 0), time_stamp)
            return True

    def _after(self, newest: int | None, now: int) -> int:
        if newest is None or newest < now:
            return now
        was_wrong = newest - now > MOST_AHEAD and now >= EARLIEST_NOW
        return now if was_wrong else newest + 1
