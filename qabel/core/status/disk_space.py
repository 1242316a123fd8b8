"""Disk space: told when there is none, and noticed when there is some again."""

from collections.abc import Callable

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

LOOK_AGAIN = 1.0
"""Seconds between two looks at whether there is disk space again."""


@define(eq=False)
class DiskSpace(Service):
    """Remembers that the disk was full, until there is space on it again."""

    _has_space: Callable[[], "Deferred[bool]"]
    """Tries whether there is space."""
    _on_space: Callable[[], object]
    """Called when there is some again: what could not be done can be now."""
    _clock: IReactorTime
    full_since: float | None = field(default=None, init=False)
    """When the disk was found to be full, on the clock; None while there is space."""
    _loop: LoopingCall = field(init=False)

    name = "disk-space"
    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._loop = LoopingCall(self._look)
        self._loop.clock = self._clock

    def stopService(self) -> None:
        """Look no more."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()

    def missing(self) -> None:
        """Note that there was no space for something."""
        if self.full_since is not None or not self.running:
            return
        self.full_since = self._clock.seconds()
        self._log.error("The disk is full: nothing can be received or sent until there is space.")
        self._loop.start(LOOK_AGAIN, now=False).addErrback(
            lambda failure: self._log.failure("looking for disk space ended", failure)
        )

    async def _look(self) -> None:
        if await self._has_space() and self.running:
            self._log.info("There is disk space again.")
            self.full_since = None
            self._loop.stop()
            self._on_space()
