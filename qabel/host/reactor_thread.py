"""Twisted's reactor in a thread of a program that has a main loop of its own, or none.

There is one reactor in a process, and it cannot be started again: the thread is begun once, and
ends with the program's main thread. Nothing here knows Qabel.
"""

import os
import threading
import warnings
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any, Self

from attrs import define, field
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.error import ReactorNotRunning
from twisted.logger import STDLibLogObserver, globalLogBeginner

from qabel.host.secretless_logs import Discreet

PATIENCE = 30.0
"""Seconds that the reactor may take to begin, and to end."""

GRACE = 1.0
"""Seconds past its deadline in which a call may end by itself, for the reactor keeps deadlines."""

LOGGER = "qabel"
"""The logger, of Python's ``logging``, that Twisted logs to."""


class EmbedError(Exception):
    """The daemon cannot be used in this way; the text says how it can."""


class Stopped(EmbedError):
    """What was called has stopped: start another one, if that is possible."""


class CallTimeout(EmbedError, TimeoutError):
    """A call took longer than it was given."""


@define(eq=False)
class Work:
    """A call on its way through the reactor's thread. All but ``done`` is for that thread alone."""

    function: Callable[[], Any]
    timeout: float | None
    done: "Future[Any]" = field(factory=Future, init=False)
    _running: "Deferred[None] | None" = field(default=None, init=False)
    _reason: BaseException | None = field(default=None, init=False)

    def begin(self, clock: Any) -> None:
        """Call the function, unless that was given up already."""
        if self._reason is not None:
            self._finish(self._reason)
            return
        self._running = Deferred.fromCoroutine(self._run())
        if self.timeout is not None and not self.done.done():
            late = CallTimeout(f"The call took longer than {self.timeout} seconds.")
            deadline = clock.callLater(self.timeout, self.give_up, late)
            self._running.addBoth(lambda _: deadline.active() and deadline.cancel())

    def give_up(self, reason: BaseException) -> None:
        """Cancel the call; it then ends with this reason."""
        if self._reason is None:
            self._reason = reason
        if self._running is not None:
            self._running.cancel()

    def abandon(self, reason: BaseException) -> None:
        """Wake who waits, when there is no reactor any more."""
        if not self.done.done():
            self._finish(reason)

    async def _run(self) -> None:
        # Caught here, and not from the Deferred: that would take away the traceback.
        try:
            result = self.function()
            if isinstance(result, Awaitable):
                result = await result
        except BaseException as error:  # noqa: BLE001 - it is raised again, by who waits
            self._finish(self._reason or error)
        else:
            self.done.set_result(result)

    def _finish(self, error: BaseException) -> None:
        self.done.set_exception(error)


@define(eq=False)
class ReactorThread:
    """The reactor, running in a thread of its own."""

    reactor: Any
    at_end: "set[Callable[[], Deferred[Any]]]" = field(factory=set, init=False)
    """Called when the reactor is to stop, which it does when they are done; for its thread."""
    _pid: int = field(factory=os.getpid, init=False)
    _works: set[Work] = field(factory=set, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)
    _ended: bool = field(default=False, init=False)
    _error: BaseException | None = field(default=None, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    @classmethod
    def get(cls) -> "ReactorThread":
        """Give the thread, running.

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
            raise EmbedError("This application runs the reactor itself: use make_service.")
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
                # Signals are the application's.
                self.reactor.run(installSignalHandlers=False)
            except BaseException as error:  # noqa: BLE001 - raised again, by who waits
                self._error = error
            finally:
                self._end()
                is_up.set()

        self._thread = threading.Thread(target=run, name="qabel-reactor", daemon=True)
        self._thread.start()
        if not is_up.wait(PATIENCE) or self._ended:
            raise EmbedError("The reactor cannot be started in this process.") from self._error
        # At its end Python waits for threads before it calls what was registered with atexit.
        # Among these threads are the reactor's own, which end when the reactor does.
        threading.Thread(target=self._end_with_program, name="qabel-end").start()

    @property
    def is_running(self) -> bool:
        """Whether calls can be made, from some thread of this process."""
        return not self._ended and self._pid == os.getpid()

    def check(self) -> None:
        """Raise EmbedError unless calls can be made from this thread."""
        if self._pid != os.getpid():
            raise EmbedError(
                "This process was forked from the one that the daemon runs in. Start processes "
                "before the daemon, or without fork, as multiprocessing does with spawn."
            )
        if threading.current_thread() is self._thread:
            raise EmbedError("This is the reactor's own thread: use the core directly.")
        if self._ended:
            raise Stopped("The reactor was stopped; it cannot be started again in this process.")

    def call(
        self,
        function: Callable[[], Any],
        timeout: float | None,
        *,
        group: set[Work] | None = None,
        cancel: bool = True,
    ) -> Any:
        """Call a function in the thread, and wait for what it, or what it awaits, gives.

        Args:
            function: may give a value, or something to await.
            timeout: seconds; None to wait as long as it takes.
            group: holds the call while it is under way; for the reactor's thread alone.
            cancel: whether to cancel what comes too late; it goes on otherwise.

        """
        self.check()
        work = Work(function, timeout if cancel else None)
        try:
            self._post_work(work, group)
            patience = None if timeout is None else timeout + (GRACE if cancel else 0.0)
            if wait([work.done], patience).not_done:
                raise CallTimeout(f"There is no answer after {timeout} seconds.")
        except BaseException as error:
            if cancel:
                self.reactor.callFromThread(work.give_up, error)
            raise
        return work.done.result()

    def post(self, function: Callable[[], object]) -> None:
        """Call a function in the thread some time, and do not wait."""
        if self.is_running:
            self.reactor.callFromThread(function)

    def _post_work(self, work: Work, group: set[Work] | None) -> None:
        def begin() -> None:
            if group is not None:
                group.add(work)
            work.begin(self.reactor)

        def forget(_: object) -> None:
            with self._lock:
                self._works.discard(work)
            if group is not None:
                group.discard(work)

        with self._lock:
            if self._ended:
                raise Stopped("The reactor was stopped.")
            self._works.add(work)
        work.done.add_done_callback(forget)
        self.reactor.callFromThread(begin)

    def _end(self) -> None:
        with self._lock:
            self._ended = True
            works = list(self._works)
        for work in works:
            work.abandon(Stopped("The reactor was stopped before the call was done."))

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
    """Have Twisted log where the application does."""
    showwarning = warnings.showwarning
    globalLogBeginner.beginLoggingTo(
        [Discreet(STDLibLogObserver(LOGGER))], redirectStandardIO=False, discardBuffer=True
    )
    # Python's warnings stay the application's.
    warnings.showwarning = showwarning
