"""Delayed calls that can all be cancelled."""

from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime


@define(eq=False)
class Timers:
    """Delayed calls on one clock."""

    _clock: IReactorTime
    _pending: set[IDelayedCall] = field(factory=set, init=False)

    def call_later(
        self, seconds: float, call: Callable[..., object], *args: object
    ) -> IDelayedCall:
        """Call a function after a delay; the result is for ``drop``."""

        def due() -> None:
            self._pending.discard(timer)
            call(*args)

        timer = self._clock.callLater(seconds, due)
        self._pending.add(timer)
        return timer

    def drop(self, timer: IDelayedCall) -> None:
        """Cancel a call, unless it was called or cancelled before."""
        if timer in self._pending:
            self._pending.remove(timer)
            timer.cancel()

    def pause(self, seconds: float) -> "Deferred[None]":
        """Return a Deferred that fires after a delay."""
        over: Deferred[None] = Deferred()
        self.call_later(seconds, over.callback, None)
        return over

    def cancel(self) -> None:
        """Cancel all calls."""
        for timer in self._pending:
            timer.cancel()
        self._pending.clear()
