"""How long an exchange may take, and how much may come."""

from collections.abc import Callable

import attrs
from twisted.internet.interfaces import IDelayedCall, IReactorTime

SETTLE_SECONDS = 2.0
"""What a server has to end an answer in, once all that matters of it has come."""

SETTLE_BYTES = 65536


@attrs.frozen(kw_only=True)
class ExchangeLimits:
    """The limits of one exchange with a server. Times are in seconds.

    An exchange may take ``time``, and longer only as long as ``pace`` bytes a second came, on
    average, beyond it: a large drop on a slow line can be read to its end, a dripping server is
    left. As there may come ``size`` bytes at most, there is an end to every exchange. What the
    receiver of the parts takes to deal with them is not counted.
    """

    connect: float = 15.0
    """Finding the host's address and connecting to it."""
    silence: float = 30.0
    """Without a byte; also, until the headers of the answer are there."""
    time: float = 120.0
    pace: float = 8192.0
    size: int = 1 << 30


class Watchdog:
    """Keeps the time limits of one exchange with a single timer; calls ``expire`` when one is over.

    Who carries on with the exchange sets ``expire`` to its own way of ending.
    """

    def __init__(self, clock: IReactorTime, limits: ExchangeLimits) -> None:
        self._clock = clock
        self._limits = limits
        self.expire: Callable[[], object] | None = None
        self.expired = False
        self._started = self._last = clock.seconds()
        self._received = 0
        self._paused_at: float | None = None
        self._settle_by: float | None = None
        self._timer: IDelayedCall | None = clock.callLater(
            min(limits.silence, limits.time), self._look
        )

    def came(self, count: int) -> None:
        """Note that the server gave a sign of life of so many bytes."""
        self._last = self._clock.seconds()
        self._received += count

    def pause(self) -> None:
        """Stop the time: we keep the server waiting, not the other way round."""
        if self._paused_at is None:
            self._paused_at = self._clock.seconds()

    def resume(self) -> None:
        """Let the time run again."""
        if self._paused_at is not None:
            now = self._clock.seconds()
            self._started += now - self._paused_at
            if self._settle_by is not None:
                self._settle_by += now - self._paused_at
            self._last = now
            self._paused_at = None

    def settle(self) -> None:
        """Give little more time: all that matters has come."""
        if self._settle_by is None and self._timer is not None:
            self._settle_by = self._clock.seconds() + SETTLE_SECONDS
            self._timer.reset(min(SETTLE_SECONDS, max(0.0, self._due() - self._clock.seconds())))

    def stop(self) -> None:
        """End the watch, however the exchange ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> float:
        allowed = max(self._limits.time, self._received / self._limits.pace)
        due = min(self._started + allowed, self._last + self._limits.silence)
        return due if self._settle_by is None else min(due, self._settle_by)

    def _look(self) -> None:
        now = self._clock.seconds()
        due = self._due()
        if self._paused_at is not None:
            due = now + self._limits.silence
        # A timer may fire a rounding error early; that must not become a busy loop.
        if due - now > 0.001:
            self._timer = self._clock.callLater(due - now, self._look)
            return
        self._timer = None
        self.expired = True
        if self.expire is not None:
            self.expire()
