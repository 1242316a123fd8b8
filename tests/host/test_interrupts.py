"""Interrupts before there is anything to stop."""

import signal
import subprocess
import sys


def test_an_interrupt_is_quiet() -> None:
    """It ends the process at once, with the usual status and without a traceback."""
    code = (
        "import signal; from qabel.host.interrupts import end_quietly_on_interrupt;"
        "end_quietly_on_interrupt(); signal.raise_signal(signal.SIGINT); print('goes on')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGINT, "", "")


def test_ignored_interrupts_stay_ignored() -> None:
    """A process that was started with interrupts ignored, as a job of a shell, goes on."""
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN);"
        "from qabel.host.interrupts import end_quietly_on_interrupt;"
        "end_quietly_on_interrupt(); signal.raise_signal(signal.SIGINT); print('goes on')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "goes on\n", "")
