"""Twisted's reactor in a thread, for a program that has a main loop of its own, or none.

There is one reactor in a process, and it cannot be restarted: the thread is started once, and
ends with the program's main thread. Nothing here knows Qabel.
"""

import os
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import wait
from contextlib import suppress
from typing import Any, Self

from attrs import define, field
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.error import ReactorNotRunning
from twisted.logger import STDLibLogObserver, globalLogBeginner

from qabel.host.log_limits import LimitedObserver
from qabel.host.reactor_calls import CallTimeout, EmbedError, ReactorCall, Stopped
from qabel.host.secretless_logs import SecretlessObserver

PATIENCE = 30.0
"""Seconds that the reactor may take to start, and to stop."""

GRACE = 1.0
"""Seconds that a call gets beyond its timeout, which the reactor enforces, to end by itself."""

LOGGER = "qabel"
"""The logger, of Python's ``logging``, that Twisted logs to."""


@define(eq=False)
class ReactorThread:
    """The reactor, running in a thread of its own."""

    reactor: Any
    at_end: "set[Callable[[], Deferred[Any]]]" = field(factory=set, init=False)
    """Called before the reactor stops, which waits for them; for the reactor's thread alone."""
    _pid: int = field(factory=os.getpid, init=False)
    _calls: set[ReactorCall] = field(factory=set, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)
    _ended: bool = field(default=False, init=False)
    _error: BaseException | None = field(default=None, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    @classmethod
    def get(cls) -> "ReactorThread":
        """Return the running thread, started if necessary.

        Raises EmbedError if the application runs the reactor itself, or has done so.
        """
        global _current  # noqa: PLW0603 - there is one reactor in a process
        if _current is not None:
            _current.check()
        with _starting:
            if _current is None:
                _current = cls._start()
            return _current

    @classmethod
    def _start(cls) -> Self:
        from twisted.internet import reactor as installed  # noqa: PLC0415 - importing chooses it

        reactor: Any = installed
        if reactor.running:
            raise EmbedError("This application runs the reactor itself; use make_service.")
        thread = cls(reactor)
        thread._begin()
        return thread

    def _begin(self) -> None:
        is_up = threading.Event()
        self.reactor.callWhenRunning(_log_to_logging)
        self.reactor.callWhenRunning(is_up.set)
        self.reactor.addSystemEventTrigger("before", "shutdown", self._close_all)

        def run() -> None:
            try:
                # Signals belong to the application.
                self.reactor.run(installSignalHandlers=False)
            except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
                self._error = error
            finally:
                self._end()
                is_up.set()

        self._thread = threading.Thread(target=run, name="qabel-reactor", daemon=True)
        self._thread.start()
        if not is_up.wait(PATIENCE) or self._ended:
            raise EmbedError("The reactor cannot be started in this process.") from self._error
        # On exit, Python waits for threads before it runs atexit handlers. Among these threads are
        # the reactor's own, which end when the reactor does.
        threading.Thread(target=self._end_with_program, name="qabel-end").start()

    @property
    def is_running(self) -> bool:
        """Whether calls can be made from other threads of this process."""
        return not self._ended and self._pid == os.getpid()

    def check(self) -> None:
        """Raise EmbedError unless calls can be made from this thread."""
        if self._pid != os.getpid():
            raise EmbedError(
                "This process was forked from the one that the daemon runs in. Start processes "
                'before the daemon, or without fork: multiprocessing can use "spawn".'
            )
        if threading.current_thread() is self._thread:
            raise EmbedError("This is the reactor's own thread; use the core directly.")
        if self._ended:
            raise Stopped("The reactor was stopped; it cannot be started again in this process.")

    def call(
        self,
        function: Callable[[], Any],
        timeout: float | None,
        *,
        group: set[ReactorCall] | None = None,
        cancel: bool = True,
    ) -> Any:
        """Call a function in the thread, and wait for its result.

        Args:
            function: may return a value, or something to await.
            timeout: seconds; None to wait as long as it takes.
            group: holds the call while it is running; for the reactor's thread alone.
            cancel: whether to cancel a call that takes too long; otherwise it goes on.

        Raises:
            CallTimeout: the call took too long.
            Stopped: the reactor was stopped, before the call or during it.
            EmbedError: no calls can be made from this thread or process.
            BaseException: what the function raised.

        """
        self.check()
        call = ReactorCall(function, timeout if cancel else None)
        try:
            self._post(call, group)
            patience = None if timeout is None else timeout + (GRACE if cancel else 0.0)
            if wait([call.done], patience).not_done:
                raise CallTimeout(f"The call got no answer within {timeout} seconds.")
        except BaseException as error:
            if cancel:
                self.reactor.callFromThread(call.give_up, error)
            raise
        return call.done.result()

    def post(self, function: Callable[[], object]) -> None:
        """Call a function in the thread, without waiting for it."""
        if self.is_running:
            self.reactor.callFromThread(function)

    def _post(self, call: ReactorCall, group: set[ReactorCall] | None) -> None:
        def begin() -> None:
            if group is not None:
                group.add(call)
            call.begin(self.reactor)

        def forget(_: object) -> None:
            with self._lock:
                self._calls.discard(call)
            if group is not None:
                group.discard(call)

        with self._lock:
            if self._ended:
                raise Stopped("The reactor was stopped.")
            self._calls.add(call)
        call.done.add_done_callback(forget)
        self.reactor.callFromThread(begin)

    def _end(self) -> None:
        with self._lock:
            self._ended = True
            calls = list(self._calls)
        for call in calls:
            call.abandon(Stopped("The reactor was stopped before the call was done."))

    def _close_all(self) -> "Deferred[Any]":
        return gatherResults([maybeDeferred(each) for each in self.at_end], consumeErrors=True)

    def _end_with_program(self) -> None:
        threading.main_thread().join()
        if self.is_running and self._thread is not None:
            self.reactor.callFromThread(self._stop_reactor)
            self._thread.join(PATIENCE)

    def _stop_reactor(self) -> None:
        with suppress(ReactorNotRunning):
            self.reactor.stop()


_starting = threading.Lock()
_current: ReactorThread | None = None


def _log_to_logging() -> None:
    """Make Twisted log to Python's ``logging``."""
    showwarning = warnings.showwarning
    globalLogBeginner.beginLoggingTo(
        [LimitedObserver(SecretlessObserver(STDLibLogObserver(LOGGER)))],
        redirectStandardIO=False,
        discardBuffer=True,
    )
    # Python's warnings are still the application's.
    warnings.showwarning = showwarning
