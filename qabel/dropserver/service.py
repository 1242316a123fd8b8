"""The drop server as a service: its file, the expiry of messages, push and HTTP."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.logger import Logger

from qabel.dropserver.admin_resource import AdminResource, Purging
from qabel.dropserver.closed_group import ClosedGroup
from qabel.dropserver.drop_resource import DropResource
from qabel.dropserver.engine import Engine, FileEngine
from qabel.dropserver.feed import Feed
from qabel.dropserver.message_purge import MessagePurge
from qabel.dropserver.message_values import Retention
from qabel.dropserver.purging import purge_messages
from qabel.dropserver.rates import Rate, Rates
from qabel.dropserver.request import make_drop_site
from qabel.dropserver.request_counts import RequestCounts
from qabel.dropserver.server_limits import ADMIN_CONNECTIONS, ServerLimits
from qabel.dropserver.server_state import State
from qabel.dropserver.storage import Storage, StoreUnavailable
from qabel.dropserver.visitors import Visitors
from qabel.host.data_directory import DirectoryLock, private_directory
from qabel.host.endpoints import ListenOn
from qabel.host.http_server.site import BoundedSite
from qabel.host.http_server.sources import Sources
from qabel.host.listening import Listening
from qabel.host.push.push_hub import PING_INTERVAL, PING_TURNS, PushHub
from qabel.host.regular_call import RegularCall

CLOSE_TIME = 2.0
"""Seconds that clients have to read the rest of their responses when the server stops."""

EXPIRY_INTERVAL = 60.0
"""Seconds between deletions of messages that are too old, and writing which drops are asked for."""

PROXY_NOTE = "proxy-undeclared"
"""An empty file: there is, or was at an earlier start, a proxy that was not declared."""

FILE_NAME = "drops.sqlite"


class DropServerService(MultiService):
    """A drop server. ``site`` is the factory to listen with; it serves while the service runs.

    Args:
        data_dir: a directory that nothing else may use.
        reactor: Twisted's reactor.
        retention: how long messages are kept, and how many.
        engine: stores the messages; by default, a file in the directory does.
        sources: tells where requests come from.
        rate: how often each source may post.
        group: the closed group that it is for; None if it is for everybody.
        admin: where those who run it ask for its health and its metrics.
        control: where they can also have it purge messages; nobody else can connect there.
        proxy_advice: what the log says is to be done about a proxy that was not declared.
        limits: how many connections are served, and may listen.
        now: returns seconds since the epoch.

    """

    _log = Logger()
    _store: Storage | None = None
    _feed: Feed | None = None

    def __init__(
        self,
        data_dir: Path,
        *,
        reactor: Any,
        retention: Retention | None = None,
        engine: Engine | None = None,
        sources: Sources | None = None,
        rate: Rate | None = None,
        group: ClosedGroup | None = None,
        admin: ListenOn | IStreamServerEndpoint | None = None,
        control: IStreamServerEndpoint | None = None,
        proxy_advice: str = "",
        limits: ServerLimits | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._data_dir = data_dir
        self._engine = engine or FileEngine(
            data_dir / FILE_NAME, retention or Retention(), reactor, now=now
        )
        self._reactor = reactor
        self._lock = DirectoryLock(data_dir)
        self._limits = limits or ServerLimits()
        self._hub = self._make_hub()
        self._counts = RequestCounts()
        told, rates = sources or Sources(), Rates(reactor, rate or Rate())
        self._visitors = Visitors(told, rates, proxy_advice, on_proxy_undeclared=self._note_proxy)
        self._is_proxy_declared = bool(told.proxies) or told.is_behind_tor
        self._resource = DropResource(
            self._hub, self._visitors, self._counts, reactor, lambda: self._engine.retention, group
        )
        self.site = self._make_site(told)
        self._admins = [
            _Admins(where, self._make_admin_site(purging))
            for where, purging in ((admin, None), (control, self.purge))
            if where is not None
        ]
        self.started: Deferred[None] = Deferred()
        """Fires when it serves."""
        self._regular: list[RegularCall] = []

    def _make_hub(self) -> PushHub:
        limits = self._limits
        return PushHub(
            max_subscribers=limits.listeners,
            max_per_topic=limits.listeners_of_drop(self._engine.retention.drop_id_bits),
        )

    def _start_regular(self) -> None:
        def regularly(call: Callable[[], object], seconds: float, failed: str) -> RegularCall:
            return RegularCall(call, seconds, self._reactor, self._log, failed)

        keeping = regularly(self._keep_house, EXPIRY_INTERVAL, "messages expire no more")
        pings = regularly(self._hub.tick, PING_INTERVAL / PING_TURNS, "nobody is pinged any more")
        keeping.start(now=True)
        pings.start()
        self._regular = [keeping, pings]

    def _make_site(self, sources: Sources) -> BoundedSite:
        return make_drop_site(
            self._resource,
            self._reactor,
            max_connections=self._limits.connections,
            sources=sources,
            most_each=self._limits.connections_each,
        )

    def startService(self) -> None:
        """Open the file and start serving. Raises StartError."""
        private_directory(self._data_dir)
        self._lock.acquire()
        try:
            self._store, self._feed = self._engine.open(self._hub)
        except BaseException:
            self._lock.release()
            raise
        self._resource.begin(self._store, self._feed)
        if self._is_proxy_declared:
            with suppress(OSError):
                (self._data_dir / PROXY_NOTE).unlink()
        self._start_regular()
        super().startService()
        for each in self._admins:
            # Now that the directory is there, and is ours.
            each.listening = Listening(
                self._reactor,
                [each.where],
                each.site,
                name="qabel-drop (health and metrics)",
            )
            each.listening.setServiceParent(self)
        started, self.started = self.started, Deferred()
        started.callback(None)

    def _make_admin_site(self, purging: Purging | None) -> BoundedSite:
        resource = AdminResource(self.state, purging)
        return make_drop_site(resource, self._reactor, max_connections=ADMIN_CONNECTIONS)

    async def purge(self, purge: MessagePurge, is_wanted: Callable[[], bool]) -> None:
        """Do a purge while it is wanted. Raises StoreUnavailable."""
        if self._store is None:
            raise StoreUnavailable("the server does not run")
        await self._store.note_asked(self._hub.topics())
        await purge_messages(self._store, purge, is_wanted)

    @property
    def is_ready(self) -> bool:
        """Whether push listeners can subscribe, which they cannot before a database is there."""
        return self._feed is not None and self._feed.is_ready

    async def state(self) -> State:
        """Return what is known of the server."""
        usage = None
        if self._store is not None:
            with suppress(StoreUnavailable):
                usage = await self._store.usage()
        return State(
            usage=usage,
            counts=self._counts,
            listeners=len(self._hub),
            most_listeners=self._hub.most,
            connections=self.site.connections,
            most_connections=self._limits.connections,
            is_proxy_undeclared=self._visitors.is_proxy_undeclared,
        )

    def stopService(self) -> "Deferred[None]":
        """Finish running requests, notify push subscribers, close connections and the file."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await super().stopService()
        for each in self._admins:
            if each.listening is not None:
                await maybeDeferred(each.listening.disownServiceParent)
                each.listening = None
        regular, self._regular = self._regular, []
        for call in regular:
            call.stop()
        self._resource.end()
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.close()
        self._hub.close()
        store, self._store = self._store, None
        if store is not None:
            await store.close()
        await self.site.close(CLOSE_TIME)
        for each in self._admins:
            await each.site.close(CLOSE_TIME)
        self._lock.release()

    def _note_proxy(self) -> None:
        """Leave a note for ``qabel-drop check``, which may be called after a restart."""
        with suppress(OSError):
            (self._data_dir / PROXY_NOTE).touch(0o600)

    async def _keep_house(self) -> None:
        """Delete messages that are too old or too many, and write down which drops are asked for.

        After a failure, it is tried again later.
        """
        if (store := self._store) is None:
            return
        try:
            while await store.expire():
                pass
            await store.note_asked(self._hub.topics())
            while await store.keep_asked():
                pass
            await store.forget_deleted()
        except StoreUnavailable:
            return  # the store has logged the reason


@attrs.define(eq=False)
class _Admins:
    """Where those who run a server ask it."""

    where: ListenOn | IStreamServerEndpoint
    site: BoundedSite
    listening: Listening | None = None
