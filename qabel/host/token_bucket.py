"""A token bucket: how often something may happen on average, and how much of it at once."""

import attrs
from twisted.internet.interfaces import IReactorTime

_ROUNDING = 1e-6  # so that a timer set to ``wait`` seconds never has to wait once more


@attrs.define(eq=False)
class TokenBucket:
    """Allows ``rate`` things a second on average, and ``burst`` at once after a quiet time."""

    _clock: IReactorTime
    _rate: float
    _burst: float
    _tokens: float = attrs.field(init=False)
    _filled: float = attrs.field(init=False)
    """When the tokens were counted, on the clock."""

    def __attrs_post_init__(self) -> None:
        self._tokens = self._burst
        self._filled = self._clock.seconds()

    def take(self, count: int = 1) -> bool:
        """Take tokens and return True, or take none and return False if there are too few."""
        self._fill()
        if self._tokens < count - _ROUNDING:
            return False
        self._tokens = max(0.0, self._tokens - count)
        return True

    def wait(self) -> float:
        """Return the seconds until a token is there."""
        self._fill()
        return max(0.0, (1 - self._tokens) / self._rate)

    def _fill(self) -> None:
        now = self._clock.seconds()
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate)
        self._filled = now
