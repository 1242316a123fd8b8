"""The drop server as a service: the file, its expiry, push and HTTP, to be put on endpoints."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from qabel.dropserver.channel import DropSite
from qabel.dropserver.message_file import MessageFile, Retention
from qabel.dropserver.message_store import Store, Unavailable
from qabel.dropserver.push_hub import PING_INTERVAL, PushHub
from qabel.dropserver.resource import DropResource
from qabel.host.data_directory import DirectoryLock, private_directory

EXPIRY_INTERVAL = 60.0
"""Seconds between two looks for messages that are too old."""

FILE_NAME = "drops.sqlite"


class DropServerService(MultiService):
    """A drop server. ``site`` is the factory to listen with; it answers while the service runs.

    Its data directory is its own: no other process, and no other part of this one, may use it.
    Starting raises StartError. ``reactor`` is Twisted's; ``now`` gives seconds since the epoch.
    """

    _log = Logger()

    def __init__(
        self,
        data_dir: Path,
        *,
        reactor: Any,
        limits: Retention | None = None,
        max_connections: int = 1024,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._data_dir = data_dir
        self._limits = limits or Retention()
        self._reactor = reactor
        self._now = now
        self._lock = DirectoryLock(data_dir)
        self._hub = PushHub()
        self._resource = DropResource(self._hub, reactor)
        self._store: Store | None = None
        self.site = DropSite(self._resource, reactor, max_connections=max_connections)
        self._loops: list[LoopingCall] = []

    def startService(self) -> None:
        """Open the file and begin to answer; raises StartError."""
        private_directory(self._data_dir)
        self._lock.acquire()
        try:
            file = MessageFile(self._data_dir / FILE_NAME, self._limits, now=self._now)
        except BaseException:
            self._lock.release()
            raise
        self._store = self._resource.store = Store(file, self._reactor)
        self._loops = [
            _start_loop(self._reactor, EXPIRY_INTERVAL, self._expire, now=True),
            _start_loop(self._reactor, PING_INTERVAL, self._hub.tick, now=False),
        ]
        super().startService()

    def stopService(self) -> "Deferred[None]":
        """Finish what was begun, say goodbye to listeners, close connections and the file."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await super().stopService()
        loops, self._loops = self._loops, []
        for loop in loops:
            loop.stop()
        self._resource.store = None
        self._hub.close()
        store, self._store = self._store, None
        if store is not None:
            await store.close()
        await self.site.close()
        self._lock.release()

    async def _expire(self) -> None:
        """Let go of what is too old or too much; a failure now is no reason not to try again."""
        store = self._store
        try:
            while store is not None and await store.expire():
                pass
            if store is not None:
                await store.forget_deleted()
        except Unavailable:
            return  # the store has logged why


def _start_loop(
    reactor: IReactorTime, interval: float, work: Callable[[], object], *, now: bool
) -> LoopingCall:
    loop: LoopingCall = LoopingCall(work)
    loop.clock = reactor
    loop.start(interval, now=now)
    return loop
