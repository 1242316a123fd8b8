"""Looks for trouble every few seconds, whether anybody asks or not."""

from collections.abc import Awaitable, Callable, Iterable

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from qabel.host.regular_call import RegularCall

INTERVAL = 2.0
"""Seconds between two looks."""

BLOCKED = 1.0
"""Seconds that a look may be late; if it is later, something has blocked the reactor."""


@define(eq=False)
class TroubleWatch(Service):
    """Does a look every ``INTERVAL`` seconds; one that fails is logged, and ends nothing.

    Args:
        looks: what is done each time, one after another.
        clock: times the looks.

    """

    looks: list[Callable[[], Awaitable[object]]]
    _clock: IReactorTime
    stalls: int = field(default=0, init=False)
    """How often a look was late, since the start."""
    _due: float = field(default=0.0, init=False)
    _loop: RegularCall = field(init=False)
    _running: "Deferred[None] | None" = field(default=None, init=False)

    name = "trouble-watch"
    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._loop = RegularCall(
            self._tick, INTERVAL, self._clock, self._log, "Looking for trouble stopped unexpectedly"
        )

    def startService(self) -> None:
        """Start looking."""
        super().startService()
        self._due = self._clock.seconds() + INTERVAL
        self._loop.start()

    def stopService(self) -> None:
        """Stop, in the middle of a look if need be."""
        super().stopService()
        self._loop.stop()
        running, self._running = self._running, None
        if running is not None:
            running.cancel()

    def _tick(self) -> None:
        now = self._clock.seconds()
        if now - self._due > BLOCKED:
            self.stalls += 1
        self._due = now + INTERVAL
        if self._running is None:
            running = Deferred.fromCoroutine(self._look(tuple(self.looks)))
            if not running.called:
                self._running = running
            running.addErrback(lambda failure: failure.trap(CancelledError) and None)
            running.addBoth(self._ended)

    def _ended(self, _: object) -> None:
        self._running = None

    async def _look(self, looks: Iterable[Callable[[], Awaitable[object]]]) -> None:
        for each in looks:
            try:
                await each()
            except CancelledError:
                raise
            except Exception:  # noqa: BLE001 - the next look is to happen all the same
                self._log.failure("Looking for trouble failed", log_subject=repr(each))
