"""The daemon inside another application: the reactor in a thread, or in a reactor already there.

::

    with qabel.embed.start(data_dir="~/.myapp/qabel") as daemon:
        print(daemon.url, daemon.token)
        print(daemon.call(lambda core: core.status()))

An application that runs Twisted's reactor itself takes ``make_service`` instead.
"""

import atexit
import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import CancelledError as FutureCancelled
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.logger import STDLibLogObserver, globalLogBeginner
from twisted.python.failure import Failure
from twisted.python.threadable import isInIOThread

from qabel.core.errors import StoreError
from qabel.core.log import Follower
from qabel.core.service import CoreOptions, CoreService
from qabel.daemon import Daemon, DaemonConfig
from qabel.keysource import key_source
from qabel.listening import parse_endpoint, show_address
from qabel.logs import Discreet
from qabel.net.errors import DropServerError
from qabel.process import StartError, use_steady_clock
from qabel.rest.door import DoorOptions
from qabel.store.keys import KeySource

T = TypeVar("T")

ANY_PORT = "tcp:0:interface=127.0.0.1"
"""A port that the system chooses, on loopback."""

TIMEOUT = 30.0
"""Seconds that a call takes at most, if nothing else is said."""

Deliver = Callable[[Callable[[], None]], object]
"""Has a function called in the application's own thread, as ``lambda call: root.after(0, call)``
does with Tk, ``loop.call_soon_threadsafe`` with asyncio."""


class EmbedError(Exception):
    """The daemon cannot be used in this way; the text says how it can."""


class Stopped(EmbedError):
    """The daemon was stopped: start another one."""


class CallTimeout(EmbedError, TimeoutError):
    """A call took longer than it was given."""


def make_service(
    data_dir: str | PathLike[str],
    *,
    listen: Sequence[str] = (ANY_PORT,),
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
        listen: Twisted's descriptions of endpoints to serve REST on; none are fine.
        drop_server: the endpoint of a drop server to run beside it.
        auth: whether a token is needed on TCP.
        key: where the database's key is, as with ``--key``; or ``qabel.store.keys.GivenKey(...)``.
        options: what can be chosen of the core.
        reactor: Twisted's, if nothing else is given.

    """
    if reactor is None:
        from twisted.internet import reactor  # noqa: PLC0415 - importing it chooses it
    use_steady_clock(reactor)
    places = [parse_endpoint(each) for each in listen]
    for place in places:
        if place.reachable:
            raise StartError(f"{place.description} can be reached from other hosts")
    config = DaemonConfig(
        data_directory=_absolute(data_dir),
        key=_source(key, data_dir),
        listen=places,
        drop_server=None if drop_server is None else parse_endpoint(drop_server),
        door=DoorOptions(auth=auth),
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
    same time, in directories of their own.

    Raises:
        StartError: it cannot start; one line says why.
        EmbedError: this is the reactor's own thread, or the application runs the reactor.

    """
    listens = (listen,) if isinstance(listen, str) else tuple(listen)
    thread = _ReactorThread.get()
    # Here, for it may ask for a passphrase, and the reactor's thread is no place to wait.
    source = _source(key, data_dir)

    def make() -> "Deferred[Daemon]":
        daemon = make_service(
            data_dir,
            listen=listens,
            drop_server=drop_server,
            auth=auth,
            key=source,
            options=options,
        )
        daemon.startService()
        ready = daemon.ready.addCallback(lambda _: daemon)
        return ready.addErrback(lambda failure: _stop_after(daemon, failure))

    return EmbeddedDaemon(thread, thread.call(make, timeout))


def _absolute(path: str | PathLike[str]) -> Path:
    return Path(path).expanduser().absolute()


def _source(key: str | KeySource, data_dir: str | PathLike[str]) -> KeySource:
    return key_source(key, _absolute(data_dir)) if isinstance(key, str) else key


def _stop_after(daemon: Daemon, failure: Failure) -> "Deferred[Any]":
    return daemon.stopService().addCallback(lambda _: failure)


class EmbeddedDaemon:
    """A running daemon, as the threads of the application see it. Every method is thread-safe."""

    def __init__(self, thread: "_ReactorThread", daemon: Daemon) -> None:
        self._thread = thread
        self._daemon = daemon
        self._stopped = threading.Event()
        self._followers: set[Follower] = set()

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
        if not self._daemon.addresses:
            raise EmbedError("The daemon listens on no TCP endpoint; see socket.")
        return f"http://{show_address(self._daemon.addresses[0])}"

    @property
    def socket(self) -> Path:
        """The Unix socket that serves the same API, to who may read the data directory."""
        return self._daemon.socket

    @property
    def token(self) -> str:
        """The main token: a secret."""
        return self._daemon.core.tokens.path.read_text("ascii").strip()

    def call(
        self, function: "Callable[[CoreService], T | Awaitable[T]]", timeout: float = TIMEOUT
    ) -> T:
        """Call ``function(core)`` in the reactor's thread, and wait for its result.

        Args:
            function: may give a value, or something to await.
            timeout: seconds; a call that takes longer is cancelled.

        Raises:
            Stopped: the daemon was stopped, before or meanwhile.
            CallTimeout: it took too long.
            EmbedError: this is the reactor's own thread; use the core there as it is.

        """
        if self._stopped.is_set():
            raise Stopped("The daemon was stopped.")
        core = self._daemon.core
        result: T = self._thread.call(lambda: _awaited(function(core)), timeout)
        return result

    def on_message(
        self,
        callback: Callable[[dict[str, Any]], None],
        *,
        deliver: Deliver,
        since: str | None = None,
    ) -> Callable[[], None]:
        """Have ``callback(message)`` called for each message, in the application's own thread.

        Args:
            callback: gets each message as ``GET /drop`` shows it.
            deliver: brings a function to the application's thread.
            since: the place to go on from (``X-Qabel-Latest``); None for what comes from now on.

        Returns:
            A function that ends it.

        """
        follower = self.call(lambda core: core.log.follow(since, kinds=frozenset({"drop"})))

        def begin() -> None:
            self._followers.add(follower)
            telling = Deferred.fromCoroutine(_tell(follower, callback, deliver))
            telling.addBoth(lambda _: self._followers.discard(follower))

        self.call(lambda _: begin())
        return lambda: self._thread.post(follower.close)

    def stop(self, timeout: float = TIMEOUT) -> None:
        """Stop the daemon; blocks until all is on the disk. Does nothing the second time."""
        if self._stopped.is_set():
            return
        self._stopped.set()

        def end() -> "Deferred[None]":
            for follower in list(self._followers):
                follower.close()
            return self._daemon.stopService()

        self._thread.call(end, timeout)


async def _tell(
    follower: Follower, callback: Callable[[dict[str, Any]], None], deliver: Deliver
) -> None:
    while entries := await follower.next():
        for entry in entries:
            message = json.loads(entry.data)
            deliver(lambda message=message: callback(message))  # type: ignore[misc]


async def _awaited(result: "T | Awaitable[T]") -> T:
    return await result if isinstance(result, Awaitable) else result


@define(eq=False)
class _ReactorThread:
    """The one thread that the reactor runs in, for all embedded daemons of the process."""

    reactor: Any
    _waiting: set["Future[Any]"] = field(factory=set)
    _lock: threading.Lock = field(factory=threading.Lock)

    @classmethod
    def get(cls) -> "_ReactorThread":
        """Give the thread, running. Raises EmbedError if the application runs the reactor."""
        with _starting:
            global _thread  # noqa: PLW0603 - there is one reactor in a process
            if _thread is None:
                _thread = _run_reactor()
            return _thread

    def call(self, function: Callable[[], Any], timeout: float) -> Any:
        """Call a function in the thread, and wait for what it, or its Deferred, gives."""
        if isInIOThread():
            raise EmbedError("This is the reactor's own thread: use the core directly.")
        if not self.reactor.running:
            raise Stopped("The reactor was stopped, and with it the daemon.")
        future: Future[Any] = Future()
        with self._lock:
            self._waiting.add(future)
        try:
            self.reactor.callFromThread(self._run, function, future, timeout)
            # The reactor keeps the deadline; this one is for a reactor that hangs.
            return future.result(timeout + 5)
        except FutureCancelled:
            raise Stopped("The daemon was stopped before the call was done.") from None
        except FutureTimeout:
            if future.done():
                raise
            raise CallTimeout("The reactor does not answer.") from None
        finally:
            with self._lock:
                self._waiting.discard(future)

    def post(self, function: Callable[[], object]) -> None:
        """Call a function in the thread some time, and do not wait."""
        self.reactor.callFromThread(function)

    def abandon(self) -> None:
        """Wake all who wait: the reactor has stopped."""
        with self._lock:
            for future in self._waiting:
                future.cancel()

    def _run(self, function: Callable[[], Any], future: "Future[Any]", timeout: float) -> None:
        def give(result: Any) -> None:
            if future.cancelled():
                return
            if isinstance(result, Failure) and result.check(DeferredTimeout):
                future.set_exception(CallTimeout(f"The call took longer than {timeout} seconds."))
            elif isinstance(result, Failure):
                future.set_exception(result.value)
            else:
                future.set_result(result)

        work: Deferred[Any] = maybeDeferred(function)
        work.addTimeout(timeout, self.reactor)
        work.addBoth(give)


_starting = threading.Lock()
_thread: _ReactorThread | None = None


def _run_reactor() -> _ReactorThread:
    from twisted.internet import reactor as installed  # noqa: PLC0415 - importing it chooses it

    reactor: Any = installed

    if reactor.running:
        raise EmbedError("This application runs the reactor itself: use make_service.")
    _log_to_logging()
    thread = _ReactorThread(reactor)
    is_up = threading.Event()
    reactor.callWhenRunning(is_up.set)

    def run() -> None:
        reactor.run(installSignalHandlers=False)
        thread.abandon()

    runner = threading.Thread(target=run, name="qabel-reactor", daemon=True)
    runner.start()
    if not is_up.wait(TIMEOUT):
        raise EmbedError("The reactor did not start.")

    def stop() -> None:
        if reactor.running:
            reactor.callFromThread(reactor.stop)
            runner.join(TIMEOUT)

    atexit.register(stop)
    return thread


def _log_to_logging() -> None:
    """Have Twisted log where the application does."""
    observers = [Discreet(STDLibLogObserver("qabel"), StoreError, DropServerError)]
    globalLogBeginner.beginLoggingTo(observers, redirectStandardIO=False, discardBuffer=True)
