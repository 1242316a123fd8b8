"""A running daemon as the threads of an application see it."""

import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

import attrs
from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.core.errors import Conflict
from qabel.core.options import CoreOptions
from qabel.core.service import CoreService
from qabel.daemon import Daemon
from qabel.embed.embedded_service import ANY_PORT, make_service, parse_directory, parse_key
from qabel.embed.message_delivery import Deliver, MessageDelivery
from qabel.host.endpoints import show_address
from qabel.host.reactor_calls import EmbedError, ReactorCall, Stopped
from qabel.host.reactor_thread import ReactorThread
from qabel.store.key_record import KeySource

T = TypeVar("T")

TIMEOUT = 30.0
"""Seconds that a call may take by default."""


def start(
    data_dir: str | PathLike[str],
    *,
    listen: str | Sequence[str] = ANY_PORT,
    drop_server: str | None = None,
    auth: bool = True,
    key: str | KeySource = "file",
    options: CoreOptions | None = None,
    modules: Sequence[str] | None = None,
    timeout: float = TIMEOUT,
) -> "EmbeddedDaemon":
    """Start the daemon with the reactor in a thread of its own, and wait until it listens.

    The arguments are those of ``make_service``; ``timeout`` is in seconds. Several daemons may run
    at the same time, in different directories. A daemon ends with the program's main thread at the
    latest.

    Raises:
        StartError: it cannot start; the message is one line.
        CallTimeout: it takes too long.
        EmbedError: this is the reactor's own thread, or the application runs the reactor.

    """
    _check_timeout(timeout)
    directory = parse_directory(data_dir)
    thread = ReactorThread.get()
    # In this thread, as it may ask for a passphrase: the reactor's thread must not wait.
    source = parse_key(key, directory)

    async def begin() -> EmbeddedDaemon:
        daemon = make_service(
            directory,
            listen=listen,
            drop_server=drop_server,
            auth=auth,
            key=source,
            options=options,
            modules=modules,
        )
        embedded = EmbeddedDaemon(thread, daemon)
        await embedded.begin()
        return embedded

    embedded: EmbeddedDaemon = thread.call(begin, timeout)
    return embedded


def _check_timeout(timeout: float) -> None:
    if not timeout > 0:
        raise ValueError("timeout must be a positive number of seconds")


@attrs.define(eq=False, repr=False)
class EmbeddedDaemon:
    """A running daemon, which ``start`` returns. Every method is thread-safe."""

    _thread: ReactorThread
    _daemon: Daemon
    _stopped: threading.Event = attrs.field(factory=threading.Event, init=False)
    # These two are for the reactor's thread alone.
    _stopping: DeferredLock = attrs.field(factory=DeferredLock, init=False)
    _calls: set[ReactorCall] = attrs.field(factory=set, init=False)

    _log: ClassVar[Logger] = Logger()

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
        self._check_running()
        for address in self._daemon.addresses:
            if hasattr(address, "port"):
                return f"http://{show_address(address)}"
        raise EmbedError("The daemon listens on no TCP endpoint; use its socket.")

    @property
    def socket(self) -> Path:
        """The Unix socket that serves the same API to users who may read the data directory."""
        return self._daemon.socket

    @property
    def token(self) -> str:
        """The main token, which is secret."""
        self._check_running()
        return self._daemon.core.tokens.path.read_text("ascii").strip()

    def page_url(self, timeout: float = TIMEOUT) -> str:
        """Return an address of the web page for people, which lets one browser in, once.

        It contains a code, which can be used for a minute: ask for another one each time, and put
        it where other users cannot see it, such as not among the arguments of a process.

        Raises:
            EmbedError: the daemon listens on no TCP endpoint of this machine.
            Stopped: the daemon has stopped.
            CallTimeout: it took too long.

        """
        try:
            return self.call(lambda core: core.console.new_code(), timeout).url
        except Conflict:
            raise EmbedError(
                "The page is served over TCP on this machine only: listen on a loopback address."
            ) from None

    def call(
        self, function: "Callable[[CoreService], T | Awaitable[T]]", timeout: float = TIMEOUT
    ) -> T:
        """Call ``function(core)`` in the reactor's thread, and return its result.

        Args:
            function: returns a value or an awaitable; what it raises is raised here.
            timeout: seconds; a call that takes longer is cancelled.

        Raises:
            Stopped: the daemon has stopped, before the call or during it.
            CallTimeout: it took too long.
            EmbedError: this is the reactor's own thread; use the core directly there.

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
        """Call ``callback(message)`` for each message, in the application's own thread.

        Messages are delivered one after another, by a thread of their own, so that ``deliver`` may
        take its time. If it raises, the same message is tried again after a second.

        Args:
            callback: gets each message in the form of ``GET /drop``.
            deliver: calls a function in the application's thread.
            since: the cursor to continue from (``X-Qabel-Latest``); None for new messages only.

        Returns:
            A function that ends the delivery.

        """
        if not (callable(callback) and callable(deliver)):
            raise TypeError("callback and deliver must be callable")
        follower = self.call(lambda core: core.events.follow(since, kinds=frozenset({"drop"})))
        delivery = MessageDelivery(
            lambda: self._call(lambda _: follower.next(), None), callback, deliver, self._stopped
        )
        threading.Thread(target=delivery.run, name="qabel-messages", daemon=True).start()

        def end() -> None:
            delivery.end()
            self._thread.post(follower.close)

        return end

    def stop(self, timeout: float = TIMEOUT) -> None:
        """Stop the daemon, and wait until everything is on the disk.

        Running calls are cancelled. Does nothing if it has stopped. Raises CallTimeout if it takes
        longer than ``timeout`` seconds; it then continues to stop, and another call waits for it.
        """
        _check_timeout(timeout)
        if self._thread.is_running:
            with suppress(Stopped):
                # If the reactor is stopped meanwhile, it ends only after its daemons.
                self._thread.call(self._stop, timeout, cancel=False)

    async def begin(self) -> None:
        """Start the service, or raise StartError. Only for ``start``, in the reactor's thread."""
        self._thread.at_end.add(self._stop)
        try:
            self._daemon.startService()
            await self._daemon.ready
        except BaseException:
            await self._stop().addErrback(self._log_stop_failure)
            raise

    def _log_stop_failure(self, failure: Failure) -> None:
        self._log.failure("stopping a daemon that had failed to start failed too", failure)

    def _check_running(self) -> None:
        if self._stopped.is_set():
            raise Stopped("The daemon has stopped; start another one.")

    def _call(self, function: Callable[[CoreService], Any], timeout: float | None) -> Any:
        def act() -> Any:
            self._check_running()
            return function(self._daemon.core)

        self._check_running()
        return self._thread.call(act, timeout, group=self._calls)

    def _stop(self) -> "Deferred[Any]":
        """Stop the service, or wait until it has stopped. For the reactor's thread."""
        return self._stopping.run(lambda: Deferred.fromCoroutine(self._stop_once()))

    async def _stop_once(self) -> None:
        if self._stopped.is_set():
            return
        self._stopped.set()
        for call in list(self._calls):
            call.give_up(Stopped("The daemon stopped before the call was complete."))
        try:
            await self._daemon.stopService()
        finally:
            self._thread.at_end.discard(self._stop)
