"""Limits on the duration and size of an exchange with another host."""

from collections.abc import Callable
from contextvars import ContextVar

import attrs
from twisted.internet.interfaces import IDelayedCall, IReactorTime

SETTLE_SECONDS = 2.0
"""Seconds that a server has to end a response once all that matters of it has arrived."""

SETTLE_BYTES = 65536
"""Bytes that a server may still send in that time."""


@attrs.frozen(kw_only=True)
class ExchangeLimits:
    """The limits of one exchange with a server. Times are in seconds.

    An exchange may take ``time`` seconds, or longer while at least ``pace`` bytes a second arrive
    on average: a large drop on a slow line is read to its end, a trickling server is abandoned.
    As at most ``size`` bytes may arrive, every exchange ends. Time that the consumer of the parts
    needs is not counted.
    """

    connect: float = 15.0
    """Resolving the host name and connecting."""
    silence: float = 30.0
    """Without a byte; also the limit for the headers of the response to arrive."""
    time: float = 120.0
    """In total, unless the response keeps the pace."""
    pace: float = 8192.0
    """Bytes a second."""
    size: int = 1 << 30
    """Bytes of the body."""


@attrs.define
class Allowance:
    """The bytes that one fetch may take, and those that it has taken."""

    size: int
    times: int = 1
    """How many times ``ExchangeLimits.size`` bytes may arrive, unless ``size`` are fewer."""
    used: int = attrs.field(default=0, init=False)

    def note(self, count: int) -> None:
        """Note that bytes arrived."""
        self.used += count


_CURRENT: ContextVar["Watchdog | None"] = ContextVar("watchdog", default=None)


def current_watchdog() -> "Watchdog | None":
    """Return the watchdog of the exchange that this code runs for; None if it is for no exchange.

    What waits for something that has time limits of its own pauses it meanwhile.
    """
    return _CURRENT.get()


def set_current_watchdog(watchdog: "Watchdog | None") -> None:
    """Set the watchdog of the exchange that the code of the present context runs for."""
    _CURRENT.set(watchdog)


@attrs.define(eq=False, repr=False)
class Watchdog:
    """Enforces the time limits of one exchange with a single timer.

    It starts when it is made. When a limit is exceeded it sets ``expired`` and calls
    ``on_expire``, which whoever handles the current stage of the exchange sets to its own way of
    ending it.
    """

    _clock: IReactorTime
    _limits: ExchangeLimits
    on_expire: Callable[[], object] | None = attrs.field(default=None, init=False)
    expired: bool = attrs.field(default=False, init=False)
    _started: float = attrs.field(init=False)
    _last: float = attrs.field(init=False)
    _received: int = attrs.field(default=0, init=False)
    _paused_at: float | None = attrs.field(default=None, init=False)
    _settle_by: float | None = attrs.field(default=None, init=False)
    _timer: IDelayedCall | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._started = self._last = self._clock.seconds()
        delay = min(self._limits.silence, self._limits.time)
        self._timer = self._clock.callLater(delay, self._check)

    def received(self, count: int) -> None:
        """Record that ``count`` bytes arrived; 0 records a sign of life."""
        self._last = self._clock.seconds()
        self._received += count

    def pause(self) -> None:
        """Stop counting time: the server is waiting for us."""
        if self._paused_at is None:
            self._paused_at = self._clock.seconds()

    def resume(self) -> None:
        """Count time again."""
        if self._paused_at is not None:
            now = self._clock.seconds()
            self._started += now - self._paused_at
            if self._settle_by is not None:
                self._settle_by += now - self._paused_at
            self._last = now
            self._paused_at = None

    def settle(self) -> None:
        """Allow at most SETTLE_SECONDS more: all that matters has arrived."""
        if self._settle_by is None and self._timer is not None:
            self._settle_by = self._clock.seconds() + SETTLE_SECONDS
            self._timer.reset(min(SETTLE_SECONDS, max(0.0, self._due() - self._clock.seconds())))

    def stop(self) -> None:
        """Stop the timer: the exchange has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> float:
        allowed = max(self._limits.time, self._received / self._limits.pace)
        due = min(self._started + allowed, self._last + self._limits.silence)
        return due if self._settle_by is None else min(due, self._settle_by)

    def _check(self) -> None:
        now = self._clock.seconds()
        due = self._due()
        if self._paused_at is not None:
            due = now + self._limits.silence
        # A timer may fire early by a rounding error; that must not become a busy loop.
        if due - now > 0.001:
            self._timer = self._clock.callLater(due - now, self._check)
            return
        self._timer = None
        self.expired = True
        if self.on_expire is not None:
            self.on_expire()
