"""A clock for the reactor's timers that never jumps. Nothing here knows Qabel."""

import time
from typing import Any

import attrs


@attrs.frozen
class _SteadyClock:
    """The time that another clock had when this one began, plus the seconds passed since."""

    _offset: float

    def __call__(self) -> float:
        return time.monotonic() + self._offset


def use_steady_clock(reactor: Any) -> None:
    """Make a reactor's timers use a clock that never jumps; does nothing the second time.

    Twisted's use the time of day: when it is set back by an hour, they stop for an hour. The new
    clock continues from the old one's value, so timers that are already set stay right.
    """
    if not isinstance(reactor.seconds, _SteadyClock):
        reactor.seconds = _SteadyClock(reactor.seconds() - time.monotonic())
