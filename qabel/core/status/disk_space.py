"""Room on the disk: told when there is none, and noticed when there is some again."""

from collections.abc import Callable
from typing import TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.core.errors import StoreFull
from qabel.store.database.connection import Connection
from qabel.store.database.database import Database

LOOK_AGAIN = 1.0
"""Seconds between two looks at whether there is room again."""

T = TypeVar("T")


class WatchedDatabase(Database):
    """A database that tells of each transaction for which there was no room."""

    on_full: Callable[[], None] = staticmethod(lambda: None)

    def run(self, work: Callable[[Connection], T]) -> "Deferred[T]":
        """Do ``work(connection)`` as one transaction, as every database does."""
        return super().run(work).addErrback(self._look_at)

    def _look_at(self, failure: Failure) -> Failure:
        if failure.check(StoreFull):
            self.on_full()
        return failure


class Room(Service):
    """Remembers that the disk was full, until there is room on it again."""

    name = "room"
    _log = Logger()

    def __init__(
        self,
        has_room: Callable[[], "Deferred[bool]"],
        on_room: Callable[[], object],
        clock: IReactorTime,
    ) -> None:
        """Prepare.

        Args:
            has_room: tries whether there is room.
            on_room: called when there is some again: what could not be done can be now.
            clock: for the time between two looks.

        """
        self.full_since: float | None = None
        """When the disk was found to be full, on the clock; None while there is room."""
        self._has_room = has_room
        self._on_room = on_room
        self._clock = clock
        self._loop = LoopingCall(self._look)
        self._loop.clock = clock

    def stopService(self) -> None:
        """Look no more."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()

    def missing(self) -> None:
        """Say that there was no room for something."""
        if self.full_since is not None or not self.running:
            return
        self.full_since = self._clock.seconds()
        self._log.error("The disk is full: nothing can be received or sent until there is room.")
        self._loop.start(LOOK_AGAIN, now=False).addErrback(
            lambda failure: self._log.failure("looking for room on the disk ended", failure)
        )

    async def _look(self) -> None:
        if await self._has_room() and self.running:
            self._log.info("There is room on the disk again.")
            self.full_since = None
            self._loop.stop()
            self._on_room()
