"""The drop server as a service: its file, the expiry of messages, push and HTTP."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from qabel.dropserver.drop_resource import DropResource
from qabel.dropserver.message_file import MessageFile
from qabel.dropserver.message_rows import Retention
from qabel.dropserver.message_store import MessageStore, StoreUnavailable
from qabel.dropserver.push_hub import PING_INTERVAL, PushHub
from qabel.dropserver.rates import Rate, Rates
from qabel.dropserver.request import make_drop_site
from qabel.dropserver.sources import Sources
from qabel.dropserver.visitors import Visitors
from qabel.host.data_directory import DirectoryLock, private_directory

CLOSE_TIME = 2.0
"""Seconds that clients have to read the rest of their responses when the server stops."""

EXPIRY_INTERVAL = 60.0
"""Seconds between deletions of messages that are too old."""

FILE_NAME = "drops.sqlite"


class DropServerService(MultiService):
    """A drop server. ``site`` is the factory to listen with; it serves while the service runs.

    Args:
        data_dir: a directory that nothing else may use.
        reactor: Twisted's reactor.
        retention: how long messages are kept, and how many.
        sources: tells where requests come from.
        rate: how often each source may post.
        max_connections: connections that are served at the same time.
        now: returns seconds since the epoch.

    """

    _log = Logger()

    def __init__(
        self,
        data_dir: Path,
        *,
        reactor: Any,
        retention: Retention | None = None,
        sources: Sources | None = None,
        rate: Rate | None = None,
        max_connections: int = 1024,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._data_dir = data_dir
        self._retention = retention or Retention()
        self._reactor = reactor
        self._now = now
        self._lock = DirectoryLock(data_dir)
        self._hub = PushHub()
        told = sources or Sources()
        visitors = Visitors(told, Rates(reactor, rate or Rate()))
        self._resource = DropResource(self._hub, visitors, reactor)
        self._store: MessageStore | None = None
        self.site = make_drop_site(
            self._resource, reactor, max_connections=max_connections, sources=told
        )
        self._loops: list[LoopingCall] = []

    def startService(self) -> None:
        """Open the file and start serving. Raises StartError."""
        private_directory(self._data_dir)
        self._lock.acquire()
        try:
            file = MessageFile(self._data_dir / FILE_NAME, self._retention, now=self._now)
        except BaseException:
            self._lock.release()
            raise
        self._store = self._resource.store = MessageStore(file, self._reactor)
        self._loops = [
            _start_loop(self._reactor, EXPIRY_INTERVAL, self._expire, now=True),
            _start_loop(self._reactor, PING_INTERVAL, self._hub.tick, now=False),
        ]
        super().startService()

    def stopService(self) -> "Deferred[None]":
        """Finish running requests, notify push subscribers, close connections and the file."""
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
        await self.site.close(CLOSE_TIME)
        self._lock.release()

    async def _expire(self) -> None:
        """Delete messages that are too old or too many; after a failure, try again later."""
        store = self._store
        try:
            while store is not None and await store.expire():
                pass
            if store is not None:
                await store.forget_deleted()
        except StoreUnavailable:
            return  # the store has logged the reason


def _start_loop(
    reactor: IReactorTime, interval: float, work: Callable[[], object], *, now: bool
) -> LoopingCall:
    loop: LoopingCall = LoopingCall(work)
    loop.clock = reactor
    loop.start(interval, now=now)
    return loop
