"""The daemon as one service: the core, its REST API, and a drop server beside it if configured.

``twistd qabel-rest`` and applications that embed the daemon start this same service.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen
from twisted.application.service import MultiService
from twisted.internet.defer import CancelledError, Deferred, gatherResults, maybeDeferred
from twisted.internet.interfaces import IAddress
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.core.errors import CoreError, StoreError
from qabel.core.options import CoreOptions
from qabel.core.service import CoreService
from qabel.deferreds import when_done
from qabel.host.data_directory import DirectoryLock, close_to_others, private_directory
from qabel.host.endpoints import (
    ListenOn,
    PrivateSocketEndpoint,
    loopback_endpoints,
    parse_endpoint,
    show_address,
)
from qabel.host.listening import Listening
from qabel.host.start_errors import StartError, fail_start
from qabel.keys.key_file import KeyFile
from qabel.rest.app import make_site
from qabel.rest.http.access_control import AccessOptions
from qabel.rest.http.site import ApiSite
from qabel.store.file_names import BACKUPS, DATABASE, KEY
from qabel.store.key_record import KeySource

PORT = 9696
"""The default port of the local REST API."""

SOCKET = "rest.sock"
"""The name of the Unix socket in the data directory."""

DROPS = "drop-server"
"""The subdirectory of the data directory for the drop server that runs beside the daemon."""


def default_listen() -> list[ListenOn]:
    """Return the endpoints to listen on if none are configured: loopback only."""
    return [parse_endpoint(each) for each in loopback_endpoints(PORT)]


@frozen(kw_only=True)
class DaemonConfig:
    """The configuration of a daemon."""

    data_directory: Path
    key: KeySource | None = None
    """Where the key of the database is stored; None for a file in the data directory."""
    listen: Sequence[ListenOn] = field(factory=default_listen)
    drop_server: ListenOn | None = None
    """Where the drop server beside it listens; None to run none."""
    access: AccessOptions = field(factory=AccessOptions)
    core: CoreOptions = field(factory=CoreOptions)


class Daemon(MultiService):
    """A daemon with a data directory of its own.

    ``ready`` fires with None once it listens, and ``core`` can be used from then on. If it cannot
    start, it ends the process with a message of one line, unless it is ``embedded``: then ``ready``
    fails instead.
    """

    name = "qabel-rest"
    _log = Logger()

    def __init__(self, config: DaemonConfig, *, reactor: Any, embedded: bool = False) -> None:
        super().__init__()
        self._config = config
        self._embedded = embedded
        self._reactor = reactor
        self._lock = DirectoryLock(config.data_directory)
        self._starting: Deferred[None] | None = None
        self._core: CoreService | None = None
        self._sites: list[ApiSite] = []
        self.ready: Deferred[None] = Deferred()
        self.addresses: list[IAddress] = []
        """The TCP addresses that it listens on."""

    @property
    def core(self) -> CoreService:
        """The core. Raises RuntimeError before the daemon is ready."""
        if self._core is None:
            raise RuntimeError("The daemon is not ready yet.")
        return self._core

    @property
    def socket(self) -> Path:
        """The Unix socket that serves the same API."""
        return self._config.data_directory / SOCKET

    def startService(self) -> None:
        """Lock the data directory and begin to start. Raises StartError."""
        group = self._config.core.token_mode & 0o070
        private_directory(self._config.data_directory, mode=0o710 if group else 0o700)
        self._lock.acquire()
        close_to_others(_private_files(self._config.data_directory))
        super().startService()
        self._starting = Deferred.fromCoroutine(self._start())
        self._starting.addCallbacks(self.ready.callback, self._start_failed)

    async def _start(self) -> None:
        try:
            core = self._core = await self._open_core()
            if self._config.drop_server is not None:
                await self._start_drop_server(self._config.drop_server, core)
            core.setServiceParent(self)
            await self._listen(core)
        except (CoreError, StoreError, OSError) as error:
            raise StartError(str(error)) from error

    async def _open_core(self) -> CoreService:
        directory = self._config.data_directory
        return await CoreService.open(
            directory,
            self._config.key or KeyFile(directory / KEY),
            reactor=self._reactor,
            options=self._config.core,
        )

    async def _start_drop_server(self, endpoint: ListenOn, core: CoreService) -> None:
        """Run a drop server too, and configure it as ours if there is no other."""
        # Imported here because few run one, and it would delay the start of all.
        from qabel.dropserver.service import DropServerService  # noqa: PLC0415

        drops = DropServerService(self._config.data_directory / DROPS, reactor=self._reactor)
        drops.setServiceParent(self)
        listening = Listening(self._reactor, [endpoint], drops.site, name="qabel-drop")
        listening.setServiceParent(self)
        [address] = await listening.when_listening()
        if not core.synced.value.drop_servers:
            server = {"url": f"http://{show_address(address)}", "auth": "", "active": True}
            await core.synced.set("drop_servers", [server])

    async def _listen(self, core: CoreService) -> None:
        access = self._config.access
        site, private = (
            make_site(core, options=evolve(access, unix=unix), reactor=self._reactor)
            for unix in (False, True)
        )
        self._sites += [site, private]
        socket = PrivateSocketEndpoint(self._reactor, self.socket)
        tcp = Listening(self._reactor, self._config.listen, site, name=self.name)
        unix = Listening(self._reactor, [socket], private, name=self.name)
        # The socket comes first: who has learned the port may expect the socket too.
        for each in (unix, tcp):
            each.setServiceParent(self)
            await each.when_listening()
        self.addresses = tcp.addresses

    def _start_failed(self, failure: Failure) -> None:
        if failure.check(CancelledError):
            return
        if self._embedded:
            self.ready.errback(failure)
        elif failure.check(StartError):
            fail_start(f"{self.name}: {failure.getErrorMessage()}", self._reactor)
        else:
            self._log.failure("the daemon failed to start", failure)
            fail_start(f"{self.name}: unexpected error; see the log", self._reactor)

    def stopService(self) -> "Deferred[None]":
        """Stop listening, cancel what is under way, and close the database."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
            await when_done(self._starting)
        await maybeDeferred(super().stopService)
        await gatherResults([Deferred.fromCoroutine(site.close()) for site in self._sites])
        if self._core is not None:
            await self._core.close()
        self._lock.release()


def _private_files(directory: Path) -> list[Path]:
    """Return what others must not read, except key and token, whose own code sees to that."""
    return [*directory.glob(f"{DATABASE}*"), directory / BACKUPS, *directory.glob(f"{BACKUPS}/*")]
