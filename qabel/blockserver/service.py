"""The block server as a service: its index, its objects, and HTTP."""

from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from qabel.blockserver.block_request import make_block_site
from qabel.blockserver.block_resource import BlockResource, OpenStorage
from qabel.blockserver.change_notices import ChangeNotices
from qabel.blockserver.index_tables import INDEX_NAME, bind_storage, open_index
from qabel.blockserver.index_thread import IndexThread, IndexUnavailable
from qabel.blockserver.object_store import StorageFailed
from qabel.blockserver.storage_choice import ChosenStorage, FolderStorage
from qabel.blockserver.sweeping import sweep
from qabel.host.data_directory import DirectoryLock, private_directory
from qabel.host.http_server.site import BoundedSite
from qabel.host.http_server.sources import Sources
from qabel.host.push.push_hub import PING_INTERVAL, PING_TURNS, PushHub
from qabel.host.regular_call import RegularCall

CLOSE_TIME = 2.0
"""Seconds that clients have to read the rest of their responses when the server stops."""

SWEEP_INTERVAL = 24 * 3600.0
"""Seconds between looking for objects that belong to no file."""

MAX_BODY = 2 * 2**30
"""Bytes that an object may have, as on Qabel's own server."""


@frozen(kw_only=True)
class BlockLimits:
    """How much a block server serves."""

    max_body: int = MAX_BODY
    """Bytes that an object may have."""
    connections: int = 1024
    """At the same time, from everywhere."""
    connections_each: int = 512
    """From one network address."""
    listeners: int = 800
    """Of these, listening for changes."""


@define(eq=False, slots=False)
class BlockServerService(MultiService):
    """A block server. ``site`` is the factory to listen with; it serves while the service runs.

    Args:
        data_dir: a directory that nothing else may use.
        reactor: Twisted's reactor.
        limits: how much it serves.
        sources: tells where connections come from.
        chosen: where the objects are.

    """

    _data_dir: Path
    _reactor: Any
    _limits: BlockLimits = field(factory=BlockLimits)
    _sources: Sources = field(factory=Sources)
    _chosen: ChosenStorage = field(factory=FolderStorage)
    site: BoundedSite = field(init=False)
    started: "Deferred[None]" = field(factory=Deferred, init=False)
    """Fires when it serves."""
    _hub: PushHub = field(init=False)
    _resource: BlockResource = field(init=False)
    _sweeps: RegularCall = field(init=False)
    _pings: RegularCall = field(init=False)

    _log = Logger()

    def __attrs_post_init__(self) -> None:
        MultiService.__init__(self)
        limits = self._limits
        self._lock = DirectoryLock(self._data_dir)
        self._hub = PushHub(max_subscribers=limits.listeners, max_per_topic=limits.listeners)
        self._sweeps = RegularCall(
            self._sweep, SWEEP_INTERVAL, self._reactor, self._log, "objects are not swept any more"
        )
        self._pings = RegularCall(
            self._hub.tick,
            PING_INTERVAL / PING_TURNS,
            self._reactor,
            self._log,
            "listeners are not pinged any more",
        )
        notices = ChangeNotices(self._hub)
        self._resource = BlockResource(notices, limits.max_body, self._reactor)
        self.site = make_block_site(
            self._resource,
            self._reactor,
            max_connections=limits.connections,
            sources=self._sources,
            most_each=limits.connections_each,
        )

    def startService(self) -> None:
        """Open the index and start serving. Raises StartError."""
        private_directory(self._data_dir)
        self._lock.acquire()
        try:
            self._resource.storage = self._open_storage()
        except BaseException:
            self._lock.release()
            raise
        self._sweeps.start(now=True)
        self._pings.start()
        super().startService()
        started, self.started = self.started, Deferred()
        started.callback(None)

    def stopService(self) -> "Deferred[None]":
        """Finish running requests, tell listeners, close connections and files."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await super().stopService()
        self._sweeps.stop()
        self._pings.stop()
        self._hub.close()
        # Uploads whose bodies are here are finished; the others are cut.
        await self.site.close(CLOSE_TIME)
        storage, self._resource.storage = self._resource.storage, None
        if storage is not None:
            await storage.index.close()
            await storage.store.close()
        self._lock.release()

    def _open_storage(self) -> OpenStorage:
        """Open the index, and the storage that it belongs to. Raises StartError."""
        connection = open_index(self._data_dir / INDEX_NAME)
        try:
            mark = bind_storage(connection, self._chosen.text)
            objects = self._chosen.open(self._data_dir, mark, self._reactor)
        except BaseException:
            connection.close()
            raise
        return OpenStorage(IndexThread(connection, self._reactor), objects)

    async def _sweep(self) -> None:
        storage = self._resource.storage
        if storage is None:
            return
        try:
            await sweep(storage.index, storage.store)
        except (StorageFailed, IndexUnavailable) as error:
            self._log.warn("objects of no file were not deleted: {error}", error=str(error))
