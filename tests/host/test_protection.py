"""Processes that hold keys: what they leave behind when they crash, and who can look into them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = str(Path(__file__).parents[2])

PROTECTED = """
import os, resource, signal
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
if {protect}:
    from qabel.host.protection import protect_process
    protect_process()
print(oct(os.umask(0)), resource.getrlimit(resource.RLIMIT_CORE), flush=True)
os.kill(os.getpid(), signal.SIGQUIT)
"""


def crash(directory: Path, *, protect: bool) -> tuple[str, bool]:
    """Crash a process that may write core dumps; return what it printed, and whether it did."""
    command = [sys.executable, "-c", PROTECTED.format(protect=protect)]
    process = subprocess.Popen(
        command,
        cwd=directory,
        env={**os.environ, "PYTHONPATH": ROOT},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as out:
        said = out.read()
    # Not by its own wait, which drops whether core was dumped.
    _, status = os.waitpid(process.pid, 0)
    process.returncode = -os.WTERMSIG(status)
    return said, os.WCOREDUMP(status)


def test_a_protected_process_leaves_no_core_dump(tmp_path: Path) -> None:
    """Where the system writes core dumps, it writes none of a protected process."""
    said, dumped = crash(tmp_path, protect=True)
    assert said == "0o77 (0, 0)\n"
    assert not dumped
    assert list(tmp_path.iterdir()) == []


def test_another_process_leaves_one(tmp_path: Path) -> None:
    """Without protection there is one: this is what it is for."""
    said, dumped = crash(tmp_path, protect=False)
    if said.endswith(" (0, 0)\n") or not dumped:
        pytest.skip("this system writes no core dumps at all")
    assert dumped


@pytest.mark.skipif(sys.platform != "linux", reason="it is of Linux")
def test_a_protected_process_cannot_be_looked_into() -> None:
    """On Linux its memory and its environment are closed to other processes of its user."""
    code = (
        "import ctypes; from qabel.host.protection import protect_process;"
        "prctl = ctypes.CDLL(None).prctl; before = prctl(3); protect_process();"
        "print(before, prctl(3))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    assert done.stdout == "1 0\n"
