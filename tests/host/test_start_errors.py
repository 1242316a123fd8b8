"""Start errors: one line, exit status 1, and a traceback only for defects."""

import subprocess
import sys


def python(code: str) -> "subprocess.CompletedProcess[str]":
    """Run code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )


def test_a_start_error_is_one_line() -> None:
    """A StartError that nobody catches is one line on standard error, and status 1."""
    done = python(
        "from qabel.host.start_errors import *;"
        "report_start_errors('qabel-x'); raise StartError('a\\nb')"
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "qabel-x: a b\n")


def test_other_errors_are_shown_in_full() -> None:
    """Any other exception is a defect of ours, shown with its traceback."""
    done = python(
        "from qabel.host.start_errors import *; report_start_errors('qabel-x'); raise KeyError('x')"
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_a_running_reactor_ends_with_status_1() -> None:
    """What shows only with the reactor running ends the process cleanly, and not well."""
    done = python(
        "import sys; from twisted.internet import reactor;"
        "from qabel.host.start_errors import fail_start;"
        "from twisted.logger import globalLogBeginner; globalLogBeginner.beginLoggingTo([id]);"
        "reactor.callWhenRunning(fail_start, 'no luck', reactor);"
        "reactor.addSystemEventTrigger('before', 'shutdown',"
        "print, 'cleaned up', file=sys.__stdout__);"
        "reactor.run()"
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "cleaned up\n", "no luck\n")
