"""A daemon's process: its data directory and lock, its clock, and how it ends when it must."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from qabel.host.process import (
    DirectoryLock,
    StartError,
    close_to_others,
    private_directory,
)


def mode(path: Path) -> int:
    """Give a path's permissions."""
    return stat.S_IMODE(path.stat().st_mode)


def python(code: str) -> "subprocess.CompletedProcess[str]":
    """Run code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )


def test_a_data_directory_is_made_private(tmp_path: Path) -> None:
    """A new directory, and what it lies in, is made; only its owner can enter it."""
    assert mode(private_directory(tmp_path / "a" / "b")) == 0o700


def test_an_open_directory_is_closed(tmp_path: Path) -> None:
    """An empty directory, or one that was used before, is closed to others."""
    for name, files in {"empty": [], "used": ["lock", "file"]}.items():
        path = tmp_path / name
        path.mkdir()
        path.chmod(0o755)
        for file in files:
            (path / file).touch()
        private_directory(path)
        assert mode(path) == 0o700


def test_a_directory_for_other_things_is_left_alone(tmp_path: Path) -> None:
    """An open directory that holds something else is refused, not closed."""
    tmp_path.chmod(0o755)
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(StartError, match=r"chmod 700"):
        private_directory(tmp_path)
    assert mode(tmp_path) == 0o755


def test_a_directory_that_cannot_be_is_told(tmp_path: Path) -> None:
    """A file in the way is a StartError."""
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match="cannot be used"):
        private_directory(tmp_path / "file" / "data")
    with pytest.raises(StartError, match="cannot be used"):
        private_directory(tmp_path / "file")


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    """A second lock on a directory fails, and names the process, until the first is released."""
    with DirectoryLock(tmp_path), pytest.raises(StartError, match="this process"):
        DirectoryLock(tmp_path).acquire()
    assert mode(tmp_path / "lock") == 0o600
    second = DirectoryLock(tmp_path).acquire()
    second.release()
    second.release()


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    """A process that is gone, however, holds no lock."""
    code = (
        "import os, pathlib; from qabel.host.process import DirectoryLock;"
        f"DirectoryLock(pathlib.Path({str(tmp_path)!r})).acquire(); os.kill(os.getpid(), 9)"
    )
    assert python(code).returncode == -9
    DirectoryLock(tmp_path).acquire().release()


JUMP = """
import time
from twisted.internet import reactor
from qabel.host.process import use_steady_clock

offset = 0.0
reactor.seconds = lambda: time.time() + offset   # the time of day, which can be set
ran = []
reactor.callLater(0.05, ran.append, "set before")
{steady}

def jump():
    global offset
    offset = -3600.0
    reactor.callLater(0.05, ran.append, "set after")
    reactor.callLater(0.1, reactor.stop)

reactor.callWhenRunning(jump)
from threading import Timer
timer = Timer({deadline}, lambda: reactor.callFromThread(reactor.stop))
timer.daemon = True
timer.start()
reactor.run()
print(ran)
"""


def test_timers_run_on_when_the_clock_is_set_back() -> None:
    """With the steady clock the real reactor's timers run, though the time of day jumps back."""
    steady = JUMP.format(steady="use_steady_clock(reactor); use_steady_clock(reactor)", deadline=20)
    assert python(steady).stdout == "['set before', 'set after']\n"


def test_timers_stand_still_without_the_steady_clock() -> None:
    """Without it a timer set before the jump waits an hour: this is what it is for."""
    assert "set before" not in python(JUMP.format(steady="", deadline=0.5)).stdout


def test_a_start_error_is_one_line() -> None:
    """A StartError that nobody catches is one line on standard error, and status 1."""
    done = python(
        "from qabel.host.process import *; report_start_errors('qabel-x');raise StartError('a\\nb')"
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "qabel-x: a b\n")


def test_other_errors_are_shown_in_full() -> None:
    """Any other exception is a fault of ours, with its traceback."""
    done = python(
        "from qabel.host.process import *; report_start_errors('qabel-x'); raise KeyError('x')"
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_a_running_reactor_ends_with_status_1() -> None:
    """What shows only with the reactor running ends the process cleanly, and not well."""
    done = python(
        "import sys; from twisted.internet import reactor;"
        "from qabel.host.process import fail_start;"
        "from twisted.logger import globalLogBeginner; globalLogBeginner.beginLoggingTo([id]);"
        "reactor.callWhenRunning(fail_start, 'no luck', reactor);"
        "reactor.addSystemEventTrigger('before', 'shutdown',"
        "print, 'cleaned up', file=sys.__stdout__);"
        "reactor.run()"
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "cleaned up\n", "no luck\n")


def test_open_files_are_closed_to_others(tmp_path: Path) -> None:
    """What others may read is theirs no longer; what is missing is passed over."""
    file, folder = tmp_path / "file", tmp_path / "folder"
    file.touch()
    file.chmod(0o644)
    folder.mkdir()
    folder.chmod(0o755)
    close_to_others([file, folder, tmp_path / "missing"])
    assert (mode(file), mode(folder)) == (0o600, 0o700)


def test_keep_for_good() -> None:
    """What is there is looked at no more, and whole looks at the rest are seldom."""
    code = (
        "import gc; from qabel.host.process import keep_for_good; keep_for_good(); "
        "print(gc.get_freeze_count() > 1000, gc.get_threshold() > (700, 10, 10), gc.isenabled())"
    )
    assert python(code).stdout == "True True True\n"
