"""Calls that are made at regular times. Nothing here knows Qabel."""

from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger


@attrs.define(eq=False)
class RegularCall:
    """Calls a function at regular times, from a start to a stop; either may be repeated.

    Args:
        call: the function. If it returns an awaitable, the next call comes after its end.
        seconds: between two calls.
        clock: times them.
        log: where it is logged if a call fails, which ends them.
        failed: what is logged then.

    """

    _call: Callable[[], object]
    _seconds: float
    _clock: Any
    _log: Logger
    _failed: str
    _loop: LoopingCall = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._loop = LoopingCall(self._call)
        self._loop.clock = self._clock

    def start(self, *, now: bool = False) -> "Deferred[Any]":
        """Begin, with a call at once or after a pause.

        The Deferred fires when the calls have been stopped, and the last one has ended.
        """
        return self._loop.start(self._seconds, now=now).addErrback(
            lambda failure: self._log.failure(self._failed, failure)
        )

    def stop(self) -> None:
        """Make no further call."""
        if self._loop.running:
            self._loop.stop()
