"""Deleting messages by their age, without trusting the clock too much."""

from attrs import define, field

DAY = 24 * 3600.0
"""Seconds."""


@define(eq=False)
class TrustedTime:
    """The time of day, as far as two looks at the clock agree.

    A clock that is wrong for a while must not make everything look old. So the time is the earlier
    of what the clock says now, and of what it said at the last look plus what has passed since.
    """

    _wall: float | None = field(default=None, init=False)
    """What the clock said at the last look, in seconds since the epoch."""
    _steady: float = field(default=0.0, init=False)
    """The time of that look on a clock that does not jump."""

    def look(self, wall: float, steady: float) -> float | None:
        """Return the time in seconds since the epoch, or None at the first look.

        Args:
            wall: the time of day, in seconds since the epoch.
            steady: the time on a clock that does not jump, in seconds.

        """
        before, passed = self._wall, steady - self._steady
        self._wall, self._steady = wall, steady
        return None if before is None else min(wall, before + passed)
