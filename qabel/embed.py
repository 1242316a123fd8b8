"""The daemon inside another application: the reactor in a thread, or in a reactor already there.

::

    with qabel.embed.start(data_dir="~/.myapp/qabel") as daemon:
        print(daemon.url, daemon.token)
        print(daemon.call(lambda core: core.status()))

An application that runs Twisted's reactor itself takes ``make_service`` instead.
"""

import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from os import PathLike, fspath
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from qabel.core.journal.follower import Follower
from qabel.core.journal.journal import Entry
from qabel.core.options import CoreOptions
from qabel.core.service import CoreService
from qabel.daemon import Daemon, DaemonConfig
from qabel.host.endpoints import parse_endpoint, show_address
from qabel.host.reactor_calls import CallTimeout, EmbedError, ReactorCall, Stopped
from qabel.host.reactor_thread import ReactorThread
from qabel.host.start_errors import StartError
from qabel.host.steady_clock import use_steady_clock
from qabel.keys.choice import key_source
from qabel.rest.http.access_control import AccessOptions
from qabel.store.key_record import KeySource

__all__ = [
    "ANY_PORT",
    "CallTimeout",
    "Deliver",
    "EmbedError",
    "EmbeddedDaemon",
    "StartError",
    "Stopped",
    "make_service",
    "start",
    "use_steady_clock",
]

T = TypeVar("T")

ANY_PORT = "tcp:0:interface=127.0.0.1"
"""A port that the system chooses, on loopback."""

TIMEOUT = 30.0
"""Seconds that a call takes at most, if nothing else is said."""

RETRY = 1.0
"""Seconds after which a message is handed over again that could not be."""

Deliver = Callable[[Callable[[], None]], object]
"""Has a function called in the application's own thread, as ``lambda call: root.after(0, call)``
does with Tk, ``loop.call_soon_threadsafe`` with asyncio."""


def make_service(
    data_dir: str | PathLike[str],
    *,
    listen: str | Sequence[str] = ANY_PORT,
    drop_server: str | None = None,
    auth: bool = True,
    key: str | KeySource = "file",
    options: CoreOptions | None = None,
    reactor: Any = None,
) -> Daemon:
    """Make the daemon as a service, for an application that runs the reactor itself.

    Start it with ``startService()``; its ``ready`` fires once it listens, or fails with
    StartError. ``stopService()`` gives a Deferred that fires when all is closed.

    Args:
        data_dir: where everything is kept; a daemon alone may use it.
        listen: Twisted's description of an endpoint to serve REST on, or several; none are fine.
        drop_server: the endpoint of a drop server to run beside it.
        auth: whether a token is needed on TCP.
        key: where the key of the database is kept, as with ``--key``; or a source of your own, as
            ``GivenKey(32 bytes)`` of ``qabel.store.key_record``.
        options: what can be chosen of the core.
        reactor: Twisted's, if nothing else is given.

    Raises:
        StartError: an endpoint is none, or other hosts could reach it.

    """
    if reactor is None:
        from twisted.internet import reactor  # noqa: PLC0415 - importing it chooses it
    directory = _directory(data_dir)
    places = [parse_endpoint(each) for each in _descriptions(listen)]
    drops = None if drop_server is None else parse_endpoint(drop_server)
    for place in (*places, drops):
        if place is not None and place.reachable:
            raise StartError(f"{place.description} is reachable from other hosts")
    config = DaemonConfig(
        data_directory=directory,
        key=_source(key, directory),
        listen=places,
        drop_server=drops,
        access=AccessOptions(auth=auth),
        core=options or CoreOptions(),
    )
    return Daemon(config, reactor=reactor, embedded=True)


def start(
    data_dir: str | PathLike[str],
    *,
    listen: str | Sequence[str] = ANY_PORT,
    drop_server: str | None = None,
    auth: bool = True,
    key: str | KeySource = "file",
    options: CoreOptions | None = None,
    timeout: float = TIMEOUT,
) -> "EmbeddedDaemon":
    """Start the daemon with the reactor in a thread of its own; blocks until it listens.

    The arguments are those of ``make_service``; ``timeout`` is in seconds. Several may run at the
    same time, in directories of their own. It ends with the program's main thread at the latest.

    Raises:
        StartError: it cannot start; one line says why.
        CallTimeout: it takes too long.
        EmbedError: this is the reactor's own thread, or the application runs the reactor.

    """
    _check_timeout(timeout)
    directory = _directory(data_dir)
    thread = ReactorThread.get()
    # Here, for it may ask for a passphrase, and the reactor's thread is no place to wait.
    source = _source(key, directory)

    async def begin() -> EmbeddedDaemon:
        daemon = make_service(
            directory,
            listen=listen,
            drop_server=drop_server,
            auth=auth,
            key=source,
            options=options,
        )
        embedded = EmbeddedDaemon(thread, daemon)
        await embedded.begin()
        return embedded

    embedded: EmbeddedDaemon = thread.call(begin, timeout)
    return embedded


def _directory(path: str | PathLike[str]) -> Path:
    if not fspath(path):
        raise ValueError("the data directory is missing")
    return Path(path).expanduser().absolute()


def _descriptions(listen: str | Sequence[str]) -> Sequence[str]:
    listens = (listen,) if isinstance(listen, str) else tuple(listen)
    if not all(isinstance(each, str) for each in listens):
        raise TypeError("listen takes texts, as tcp:PORT:interface=ADDRESS")
    return listens


def _source(key: str | KeySource, directory: Path) -> KeySource:
    if isinstance(key, str):
        return key_source(key, directory)
    if not callable(getattr(key, "make", None)):
        raise TypeError("key is one of the choices of --key, or a KeySource")
    return key


def _check_timeout(timeout: float) -> None:
    if not timeout > 0:
        raise ValueError("timeout is a number of seconds above zero")


class EmbeddedDaemon:
    """A running daemon, as the threads of the application see it. Every method is thread-safe."""

    _log = Logger()

    def __init__(self, thread: ReactorThread, daemon: Daemon) -> None:
        self._thread = thread
        self._daemon = daemon
        self._stopped = threading.Event()
        # These two are for the reactor's thread alone.
        self._ending = DeferredLock()
        self._calls: set[ReactorCall] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The URL of the REST API. Raises EmbedError if it listens on no TCP endpoint."""
        self._check()
        for address in self._daemon.addresses:
            if hasattr(address, "port"):
                return f"http://{show_address(address)}"
        raise EmbedError("The daemon listens on no TCP endpoint; see socket.")

    @property
    def socket(self) -> Path:
        """The Unix socket that serves the same API, to who may read the data directory."""
        return self._daemon.socket

    @property
    def token(self) -> str:
        """The main token: a secret."""
        self._check()
        return self._daemon.core.tokens.path.read_text("ascii").strip()

    def call(
        self, function: "Callable[[CoreService], T | Awaitable[T]]", timeout: float = TIMEOUT
    ) -> T:
        """Call ``function(core)`` in the reactor's thread, and wait for its result.

        Args:
            function: may give a value, or something to await; what it raises is raised here.
            timeout: seconds; a call that takes longer is cancelled.

        Raises:
            Stopped: the daemon was stopped, before or meanwhile.
            CallTimeout: it took too long.
            EmbedError: this is the reactor's own thread; use the core there as it is.

        """
        _check_timeout(timeout)
        result: T = self._call(function, timeout)
        return result

    def on_message(
        self,
        callback: Callable[[dict[str, Any]], None],
        *,
        deliver: Deliver,
        since: str | None = None,
    ) -> Callable[[], None]:
        """Have ``callback(message)`` called for each message, in the application's own thread.

        Messages are handed over one after another, in a thread of their own, so that ``deliver``
        may take its time. If it raises, the same message is tried again after a second.

        Args:
            callback: gets each message as ``GET /drop`` shows it.
            deliver: brings a function to the application's thread.
            since: the cursor to go on from (``X-Qabel-Latest``); None for what comes from now on.

        Returns:
            A function that ends it.

        """
        if not (callable(callback) and callable(deliver)):
            raise TypeError("callback and deliver are functions")
        follower = self.call(lambda core: core.events.follow(since, kinds=frozenset({"drop"})))
        telling = _Telling(follower, callback, deliver)

        def more() -> Any:
            return self._call(lambda _: follower.next(), None)

        threading.Thread(
            target=telling.run, args=(more, self._stopped), name="qabel-messages", daemon=True
        ).start()

        def end() -> None:
            telling.ended.set()
            self._thread.post(follower.close)

        return end

    def stop(self, timeout: float = TIMEOUT) -> None:
        """Stop the daemon; blocks until all is on the disk. Does nothing the second time.

        Calls that are under way are cancelled. Raises CallTimeout if it takes longer; it goes on
        to stop then, and ``stop`` can be called again to wait for it.
        """
        _check_timeout(timeout)
        if self._thread.is_running:
            with suppress(Stopped):
                # A reactor that is stopped meanwhile ends no sooner than its daemons have.
                self._thread.call(self._end, timeout, cancel=False)

    async def begin(self) -> None:
        """Start it, or raise StartError: for ``start``, in the reactor's thread."""
        self._thread.at_end.add(self._end)
        try:
            self._daemon.startService()
            await self._daemon.ready
        except BaseException:
            await self._end().addErrback(self._not_ended)
            raise

    def _not_ended(self, failure: Failure) -> None:
        self._log.failure("a daemon that could not start could not be stopped either", failure)

    def _check(self) -> None:
        if self._stopped.is_set():
            raise Stopped("The daemon was stopped: start another one.")

    def _call(self, function: Callable[[CoreService], Any], timeout: float | None) -> Any:
        def act() -> Any:
            self._check()
            return function(self._daemon.core)

        self._check()
        return self._thread.call(act, timeout, group=self._calls)

    def _end(self) -> "Deferred[Any]":
        """Stop it, or wait until it is: in the reactor's thread."""
        return self._ending.run(lambda: Deferred.fromCoroutine(self._end_once()))

    async def _end_once(self) -> None:
        if self._stopped.is_set():
            return
        self._stopped.set()
        for call in list(self._calls):
            call.give_up(Stopped("The daemon was stopped before the call was done."))
        try:
            await self._daemon.stopService()
        finally:
            self._thread.at_end.discard(self._end)


@define(eq=False)
class _Telling:
    """One who is told of messages, and the thread that tells."""

    _follower: Follower
    _callback: Callable[[dict[str, Any]], None]
    _deliver: Deliver
    ended: threading.Event = field(factory=threading.Event)
    _log = Logger()

    def run(self, more: Callable[[], Any], stopped: threading.Event) -> None:
        """Hand messages over until there are none any more."""
        entries: list[Entry] = []
        failed = False
        while not (self.ended.is_set() or stopped.is_set()):
            try:
                if not entries:
                    entries = more()
                if not entries:
                    return
                message = json.loads(entries[0].data)
                self._deliver(lambda message=message: self._tell(message))  # type: ignore[misc]
                del entries[0]
                failed = False
            except EmbedError:
                return
            except Exception:  # noqa: BLE001 - the application's, or a disk in trouble
                if not failed:
                    text = "messages cannot be handed over now; that is tried again"
                    self._log.failure(text, level=LogLevel.warn)
                failed = True
                self.ended.wait(RETRY)

    def _tell(self, message: dict[str, Any]) -> None:
        if not self.ended.is_set():
            self._callback(message)
