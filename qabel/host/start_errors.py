"""Why a daemon cannot start: one line for its user, and exit status 1 with no traceback.

Nothing here knows Qabel.
"""

import atexit
import contextlib
import os
import sys
from types import TracebackType
from typing import Any, NoReturn

from twisted.logger import Logger

from qabel.host.log_destination import DESTINATION

_log = Logger()

_failures: list[str] = []
"""Why this process fails."""


class StartError(Exception):
    """Why a daemon cannot start; the text is one line for its user."""


def report_start_errors(name: str) -> None:
    """Make an uncaught StartError end the process with one line and exit status 1.

    When starting raises, ``twistd`` removes its pid file, informs a waiting parent, and lets the
    exception propagate to the interpreter. ``name`` is what the line begins with.
    """
    show_other = sys.__excepthook__

    def show(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, StartError):
            report_line(f"{name}: {error}")
        else:
            show_other(kind, error, traceback)

    sys.excepthook = show


def fail_start(message: str, reactor: Any) -> None:
    """End a process whose reactor is already running: one line, a clean stop, exit status 1."""
    report_line(message)
    _failures.append(message)
    atexit.register(_exit_failed)
    if reactor.running:
        reactor.stop()


def has_failed() -> bool:
    """Return whether the start has failed with the reactor running."""
    return bool(_failures)


def report_line(line: str) -> None:
    """Write a line to standard error, and to the log if there is one; once, where they are one."""
    line = " ".join(line.split())
    stream = sys.__stderr__ or sys.stderr
    # Once logging has begun, Twisted replaces sys.stderr; before that, it would write there too.
    has_begun = stream is not sys.stderr
    is_log = has_begun and DESTINATION.is_standard_error
    if not (is_log and DESTINATION.as_json):
        with contextlib.suppress(OSError):
            stream.write(line + "\n")
            stream.flush()
    if has_begun and (DESTINATION.as_json or not is_log):
        _log.critical("{line}", line=line)


def _exit_failed() -> NoReturn:
    """Exit with status 1, which twistd offers no way to do once the reactor has run."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)
