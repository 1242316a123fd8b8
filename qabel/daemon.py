"""The daemon as a service: the core, its REST API, and optionally a drop server.

Both ``qabel-rest`` and applications that embed the daemon start this service.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from attrs import define, evolve, field, frozen
from twisted.application.service import MultiService
from twisted.internet.defer import (
    CancelledError,
    Deferred,
    fail,
    gatherResults,
    maybeDeferred,
    succeed,
)
from twisted.internet.interfaces import IAddress
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.core.errors import CoreError, StoreError
from qabel.core.options import CoreOptions
from qabel.core.service import CoreService
from qabel.core.status.part_troubles import failure_trouble
from qabel.core.status.troubles import Trouble, TroubleKind
from qabel.deferreds import when_done
from qabel.host.data_directory import DirectoryLock, close_to_others, private_directory
from qabel.host.endpoints import (
    ListenOn,
    loopback_endpoints,
    parse_endpoint,
    show_address,
)
from qabel.host.listening import Listening
from qabel.host.log_destination import DESTINATION
from qabel.host.private_sockets import PrivateSocketEndpoint
from qabel.host.socket_keeper import SocketKeeper
from qabel.host.socket_paths import PathTooLong, check_socket_path
from qabel.host.start_errors import StartError, fail_start
from qabel.keys.key_file import KeyFile
from qabel.modules.host import ModuleHost
from qabel.modules.loading import FoundModule
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

DROP_PROXY_ADVICE = (
    "In place of --drop-server, run qabel-drop with --trust-proxy or --behind-tor; its --data-dir "
    "is the directory drop-server in that of the daemon."
)
"""The subdirectory of the data directory for the drop server."""


def default_listen() -> list[ListenOn]:
    """Return the default endpoints, which are on loopback addresses only."""
    return [parse_endpoint(each) for each in loopback_endpoints(PORT)]


@frozen(kw_only=True)
class DaemonConfig:
    """The configuration of a daemon."""

    data_directory: Path
    key: KeySource | None = None
    """Where the key of the database is stored. Default: a file in the data directory."""
    listen: Sequence[ListenOn] = field(factory=default_listen)
    drop_server: ListenOn | None = None
    """The endpoint of the drop server. Default: run none."""
    access: AccessOptions = field(factory=AccessOptions)
    core: CoreOptions = field(factory=CoreOptions)
    modules: Sequence[FoundModule] = ()
    """The modules that run."""


@define(eq=False, repr=False)
class Daemon(MultiService):
    """A daemon with a data directory of its own.

    If it cannot start, it exits the process with a one-line message, unless it is embedded: then
    ``ready`` fails instead.

    Args:
        config: the configuration.
        reactor: the reactor for all that the daemon does.
        embedded: whether the process belongs to an application.

    """

    _config: DaemonConfig
    _reactor: Any = field(kw_only=True)
    _embedded: bool = field(default=False, kw_only=True)
    addresses: list[IAddress] = field(factory=list, init=False)
    """The TCP addresses that the daemon listens on."""
    _lock: DirectoryLock = field(init=False)
    _starting: "Deferred[None] | None" = field(default=None, init=False)
    _core: CoreService | None = field(default=None, init=False)
    _is_ready: bool = field(default=False, init=False)
    _start_error: Failure | None = field(default=None, init=False)
    _waiting: "list[Deferred[None]]" = field(factory=list, init=False)
    _sites: list[ApiSite] = field(factory=list, init=False)

    name = "qabel-rest"
    _log: ClassVar = Logger()

    def __attrs_post_init__(self) -> None:
        super().__init__()

    @_lock.default
    def _lock_of_directory(self) -> DirectoryLock:
        return DirectoryLock(self._config.data_directory)

    @property
    def ready(self) -> "Deferred[None]":
        """A new Deferred that fires with None once the daemon listens, and ``core`` can be used.

        If the daemon is embedded, it fails with StartError if the daemon cannot start, or is
        stopped before.
        """
        if self._is_ready:
            return succeed(None)
        if self._start_error is not None:
            return fail(self._start_error)
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    @property
    def core(self) -> CoreService:
        """The core. Raises RuntimeError before the daemon is ready."""
        if self._core is None or not self._is_ready:
            raise RuntimeError("The daemon is not ready yet.")
        return self._core

    @property
    def socket(self) -> Path:
        """The path of the Unix socket, which serves the same API."""
        return self._config.data_directory / SOCKET

    def startService(self) -> None:
        """Lock the data directory, and begin to start.

        Raises:
            StartError: if another daemon uses the directory, it cannot be made private, or its path
                is too long for the socket.

        """
        try:
            check_socket_path(self.socket)
        except PathTooLong as error:
            raise StartError(f"{error.strerror}: choose a shorter data directory") from None
        group = self._config.core.token_mode & 0o070
        private_directory(self._config.data_directory, mode=0o710 if group else 0o700)
        self._lock.acquire()
        close_to_others(_private_files(self._config.data_directory))
        super().startService()
        self._starting = Deferred.fromCoroutine(self._start())
        self._starting.addCallbacks(self._fire_waiting, self._start_failed)

    async def _start(self) -> None:
        try:
            core = self._core = await self._open_core()
            if self._config.drop_server is not None:
                await self._start_drop_server(self._config.drop_server, core)
            core.setServiceParent(self)
            modules = ModuleHost(core, self._config.modules, self._reactor)
            core.add_trouble_finder(modules.troubles)
            modules.setServiceParent(self)
            await self._listen(core, modules)
            self._is_ready = True
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
        """Run a drop server, and add it to the synced settings if these have none."""
        # Imported here because few use it, and it would delay every start.
        from qabel.dropserver.service import DropServerService  # noqa: PLC0415

        drops = DropServerService(
            self._config.data_directory / DROPS,
            reactor=self._reactor,
            proxy_advice=DROP_PROXY_ADVICE,
        )
        drops.setServiceParent(self)
        listening = Listening(self._reactor, [endpoint], drops.site, name="qabel-drop")
        listening.setServiceParent(self)
        [address] = await listening.when_listening()
        if not core.synced.value.drop_servers:
            server = {"url": f"http://{show_address(address)}", "auth": "", "active": True}
            await core.synced.set("drop_servers", [server])

    async def _listen(self, core: CoreService, modules: ModuleHost) -> None:
        access = self._config.access
        site, private = (
            make_site(
                core, options=evolve(access, unix=unix), modules=modules, reactor=self._reactor
            )
            for unix in (False, True)
        )
        self._sites += [site, private]
        socket = PrivateSocketEndpoint(self._reactor, self.socket)
        tcp = Listening(self._reactor, self._config.listen, site, name=self.name)
        unix = Listening(self._reactor, [socket], private, name=self.name)
        # The socket comes first: a client that knows the port may expect the socket too.
        for each in (unix, tcp):
            each.setServiceParent(self)
            await each.when_listening()
        self.addresses = tcp.addresses
        core.console.page_url = self._page_url
        keeper = SocketKeeper(self.socket, unix, lambda: socket.listen(private), self._reactor)
        keeper.setServiceParent(self)
        core.add_trouble_finder(lambda: _socket_trouble(self.socket, keeper.error))
        if not self._embedded:
            core.add_trouble_finder(
                lambda: failure_trouble(TroubleKind.LOG_FILE, DESTINATION.error)
            )

    def _page_url(self) -> str | None:
        """Return the address of the page for people; None if it is served nowhere."""
        if not self._config.access.console:
            return None
        for endpoint, address in zip(self._config.listen, self.addresses, strict=False):
            if endpoint.loopback is not None:
                return f"http://{show_address(address)}/"
        return None

    def _start_failed(self, failure: Failure) -> None:
        if self._embedded:
            self._fail_waiting(failure)
        elif failure.check(CancelledError):
            return
        elif failure.check(StartError):
            fail_start(f"{self.name}: {failure.getErrorMessage()}", self._reactor)
        else:
            self._log.failure("the daemon failed to start", failure)
            fail_start(f"{self.name}: unexpected error; see the log", self._reactor)

    def _fire_waiting(self, result: "Failure | None") -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(result)

    def _fail_waiting(self, failure: Failure) -> None:
        if failure.check(CancelledError):
            failure = Failure(StartError("The daemon was stopped before it was ready."))
        elif not self._waiting:
            self._log.failure("the daemon failed to start", failure)
        self._start_error = failure
        self._fire_waiting(failure)

    def stopService(self) -> "Deferred[None]":
        """Stop listening, cancel all work, and close the database."""
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


def _socket_trouble(path: Path, error: str | None) -> list[Trouble]:
    if error is None:
        return []
    what = f"The socket {path} was removed, and cannot be created again: {error}"
    return [Trouble(TroubleKind.SOCKET_FILE, what)]


def _private_files(directory: Path) -> list[Path]:
    """Return the files to close to other users; key and token files are closed elsewhere."""
    return [*directory.glob(f"{DATABASE}*"), directory / BACKUPS, *directory.glob(f"{BACKUPS}/*")]
