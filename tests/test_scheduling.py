"""A process of the tests that crashes costs one test, and the others go on."""

import re
import subprocess
import sys
from pathlib import Path

from tests.integration.processes import ROOT

CRASHING = """
import os, pathlib, signal

def test_before():
    pass

def test_crashing():
    mark = pathlib.Path(__file__).with_suffix(".mark")
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)

def test_after():
    pass
"""

QUIET = """
import time

def test_one():
    time.sleep(0.05)
"""


def test_a_crash(tmp_path: Path) -> None:
    """It is named, all else is run, and the run comes to its end."""
    # Enough are done before the crash that another process would be given nothing but these.
    for number in range(12):
        (tmp_path / f"test_a{number:02}.py").write_text(QUIET)
    for number in range(4):
        (tmp_path / f"test_c{number}.py").write_text(QUIET)
    (tmp_path / "test_b.py").write_text(CRASHING)
    arguments = ["-n2", "--dist=loadfile", "--no-loadscope-reorder", "-ptests.scheduling"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c/dev/null", f"--rootdir={tmp_path}", *arguments, "."],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert re.search(r"crashed while running 'test_b\.py::test_crashing'", done.stdout)
    assert re.search(r"1 failed, 19 passed", done.stdout), done.stdout
