"""A full disk: the daemon notes it, and resumes when there is disk space again."""

from collections.abc import Callable

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

LOOK_AGAIN = 1.0
"""Seconds between two checks whether there is disk space again."""


@define(eq=False)
class DiskSpace(Service):
    """Remembers that the disk is full, until there is disk space again."""

    _has_space: Callable[[], "Deferred[bool]"]
    """Fires with whether there is disk space."""
    _on_space: Callable[[], object]
    """Called when there is disk space again, to resume what was postponed."""
    _clock: IReactorTime
    full_since: float | None = field(default=None, init=False)
    """When the disk became full, in seconds on the clock; None if it is not full."""
    _loop: LoopingCall = field(init=False)

    name = "disk-space"
    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._loop = LoopingCall(self._look)
        self._loop.clock = self._clock

    def stopService(self) -> None:
        """Stop checking."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()

    def missing(self) -> None:
        """Note that the disk is full, and check from now on whether there is disk space again."""
        if self.full_since is not None or not self.running:
            return
        self.full_since = self._clock.seconds()
        self._loop.start(LOOK_AGAIN, now=False).addErrback(
            lambda failure: self._log.failure("Checking for disk space failed", failure)
        )

    async def _look(self) -> None:
        if await self._has_space() and self.running:
            self.full_since = None
            self._loop.stop()
            self._on_space()
