"""Exponential backoff with jitter, so that retries are not synchronized."""

from attrs import define, field

from qabel.core.random_delays import Draw, draw_securely

MAX_BACKOFF = 300.0
"""Seconds between two attempts at a failing drop server at most."""


def backoff(
    failures: int,
    *,
    base: float,
    longest: float = MAX_BACKOFF,
    draw: Draw = draw_securely,
) -> float:
    """Return the seconds to wait before the next attempt: doubling, bounded, with jitter.

    The result lies between half and the whole of ``base * 2 ** failures``, capped at ``longest``.

    Args:
        failures: how many attempts failed in a row.
        base: seconds.
        longest: seconds to wait at most.
        draw: returns a random number in [0, 1).

    """
    # The exponent is bounded first, as failures may be counted for weeks.
    whole = min(longest, base * 2.0 ** min(failures, 32))
    return whole * (0.5 + draw() / 2)


@define
class Attempts:
    """The results of repeated attempts. Times are in seconds on the clock of the schedule."""

    failures: int = 0
    """In a row; 0 after a success."""
    not_before: float = 0.0
    """When the next attempt is due."""
    last_error: str | None = None
    is_not_admitted: bool = False
    """Whether the last one failed as the server did not accept the group token, or lack of one."""
    last_failure: float | None = field(default=None, kw_only=True)
    last_success: float | None = field(default=None, kw_only=True)

    def succeeded(self, now: float) -> None:
        """Note a success: the next attempt is due at once."""
        self.failures = 0
        self.not_before = 0.0
        self.last_success = now
        self.last_error = None
        self.is_not_admitted = False

    def failed(
        self, now: float, error: str, delay: float, *, is_not_admitted: bool = False
    ) -> None:
        """Note a failure, and that the next attempt is due ``delay`` seconds from ``now``."""
        self.failures += 1
        self.last_failure = now
        self.last_error = error
        self.is_not_admitted = is_not_admitted
        self.not_before = now + delay
