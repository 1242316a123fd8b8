"""Running a daemon as a command of its own, in the foreground, without ``twistd``.

It is the same service with the same options as the ``twistd`` plugin, but there is no pid file, the
log goes to standard error, and the exit status says how it ended. Nothing here knows Qabel.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import TypeVar

from twisted.application.service import IService
from twisted.logger import ILogObserver, Logger, globalLogBeginner

from qabel.host.daemon_options import DaemonOptions
from qabel.host.log_destination import DESTINATION
from qabel.host.start_errors import StartError, has_failed, report_line

_log = Logger()

Options = TypeVar("Options", bound=DaemonOptions)


class DaemonExit(IntEnum):
    """How a daemon in the foreground ended. After a second interrupt it is 130."""

    STOPPED = 0
    FAILED = 1
    USAGE = 2


def run_in_foreground(
    options: Options, make_service: Callable[[Options], IService], arguments: Sequence[str]
) -> int:
    """Run a daemon until it is stopped, and return the exit status.

    What keeps it from starting is one line on standard error.

    Args:
        options: parses the arguments.
        make_service: makes the service, and installs the handlers of signals.
        arguments: the command line, without the name of the program.

    """
    try:
        options.parseOptions(arguments)
    except StartError as error:
        report_line(f"{options.name}: {error}")
        return DaemonExit.USAGE
    DESTINATION.log_in_foreground(options["log"], as_json=bool(options["log-json"]))
    try:
        service = make_service(options)
        # What the service has added to the log before takes effect on all that is written.
        globalLogBeginner.beginLoggingTo([_observer()])
        service.privilegedStartService()
        service.startService()
    except StartError as error:
        report_line(f"{options.name}: {error}")
        return DaemonExit.FAILED
    except Exception:  # noqa: BLE001 - the log has the traceback, and the user a line
        _log.failure("{name} failed to start", name=options.name)
        report_line(f"{options.name}: unexpected error; see the log")
        return DaemonExit.FAILED
    return _run(service)


def _observer() -> ILogObserver:
    try:
        return DESTINATION()
    except OSError as error:
        why = error.strerror or str(error)
        raise StartError(f"cannot open the log file {DESTINATION.file}: {why}") from None


def _run(service: IService) -> int:
    """Run the reactor until something stops it, and the service with it."""
    from twisted.internet import reactor  # noqa: PLC0415 - importing it chooses it

    reactor.addSystemEventTrigger("before", "shutdown", _note, "Stopping.")
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    reactor.run()
    _note("Stopped.")
    return DaemonExit.FAILED if has_failed() else DaemonExit.STOPPED


def _note(text: str) -> None:
    """Log a text, unless the daemon failed to start: then the reason stays the last line."""
    if not has_failed():
        _log.info(text)
