"""What a daemon does on signals: it stops once, however often it is asked, and reloads files.

Nothing here knows Qabel.
"""

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import attrs
from twisted.internet.error import ReactorNotRunning
from twisted.logger import Logger

TERMINAL = "/dev/tty"
"""The controlling terminal of a process; it cannot be opened when there is none any more."""

TERMINAL_GRACE = 0.2
"""Seconds after SIGHUP until a terminal that was closed is gone for this process too."""


@attrs.define(eq=False)
class ProcessSignals:
    """The handlers of SIGINT, SIGTERM and SIGHUP.

    The first SIGINT or SIGTERM stops the reactor; a SIGINT after that ends the process at once, and
    a SIGTERM changes nothing. SIGHUP calls ``reload``, if there is one; without one, or when the
    terminal was closed, it stops the reactor. A process that was started with SIGHUP ignored, as by
    ``nohup``, goes on ignoring it.

    Args:
        name: of the daemon, for a line on standard error.
        reactor: Twisted's reactor.
        reload: opens the log file anew, and reads others again; None if there are none.
        pid_file: removed if the process ends at once, as twistd would do.

    """

    _name: str
    _reactor: Any
    _reload: Callable[[], None] | None = None
    _pid_file: str | None = None
    _is_stopping: bool = attrs.field(default=False, init=False)
    _had_terminal: bool = attrs.field(default=False, init=False)

    _log = Logger()

    def install(self) -> None:
        """Install the handlers, in the main thread; signals before the reactor runs wait for it."""
        self._had_terminal = _has_terminal()
        self._reactor.addSystemEventTrigger("before", "shutdown", self._note_stop)
        self._handle_stops()
        # The reactor installs its own when it begins to run.
        self._reactor.callWhenRunning(self._handle_stops)
        hang_up = getattr(signal, "SIGHUP", None)
        if hang_up is not None and signal.getsignal(hang_up) is not signal.SIG_IGN:
            signal.signal(hang_up, lambda *_: self._reactor.callFromThread(self._hung_up))

    def _handle_stops(self) -> None:
        for number, stop in (
            (signal.SIGINT, self._reactor.sigInt),
            (signal.SIGTERM, self._reactor.sigTerm),
        ):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._stopper(stop))

    def _stopper(self, stop: Callable[..., object]) -> Callable[[int, FrameType | None], None]:
        def handle(number: int, frame: FrameType | None) -> None:
            if not self._is_stopping:
                self._is_stopping = True
                stop(number, frame)
            elif number == signal.SIGINT:
                self._end_at_once(number)

        return handle

    def _note_stop(self) -> None:
        self._is_stopping = True

    def _end_at_once(self, number: int) -> NoReturn:
        if self._pid_file:
            with contextlib.suppress(OSError):
                Path(self._pid_file).unlink()
        line = f"{self._name}: ended at once, as it was interrupted again while it stopped\n"
        with contextlib.suppress(OSError):
            os.write(2, line.encode())
        os._exit(128 + number)

    def _hung_up(self) -> None:
        if self._reload is None:
            self._stop()
        elif self._had_terminal:
            self._reactor.callLater(TERMINAL_GRACE, self._reload_or_stop)
        else:
            self._reload()

    def _reload_or_stop(self) -> None:
        if self._reload is not None and _has_terminal():
            self._reload()
        else:
            self._stop()

    def _stop(self) -> None:
        if self._is_stopping:
            return
        self._is_stopping = True
        self._log.info("Stopping: the terminal was closed (SIGHUP).")
        with contextlib.suppress(ReactorNotRunning):
            self._reactor.stop()


def _has_terminal() -> bool:
    """Return whether this process has a controlling terminal."""
    try:
        os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
