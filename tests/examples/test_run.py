"""What ``make run`` and ``make demo`` start."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.processes import DEADLINE, ROOT, wait_until

BUSY = "ports 9696 and 9697 are not both free"


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_what_is_printed_at_the_start_works(tmp_path: Path) -> None:
    """The three commands that it prints work when they are pasted, and Ctrl-C is a success."""
    if not (is_free(9696) and is_free(9697)):
        pytest.skip(BUSY)
    output = tmp_path / "output"
    with output.open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, str(ROOT / "examples" / "run.py")],
            cwd=tmp_path,
            env={**os.environ, "QABEL_DATA_DIR": str(tmp_path / "data")},
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: "Ctrl-C stops it" in output.read_text() or None, "the welcome")
        commands = re.findall(r"^  (curl .*)$", output.read_text(), re.MULTILINE)
        assert len(commands) == 3
        for command in commands:
            shell = ["bash", "-c", f"{command} --silent --fail-with-body"]
            subprocess.run(shell, check=True, timeout=DEADLINE, capture_output=True)
        running.send_signal(signal.SIGINT)
        assert running.wait(DEADLINE) == 0
    finally:
        running.kill()
        running.wait()


def test_the_demo_ends_well() -> None:
    """Two people exchange messages, and both are heard."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "demo.py")],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("received: ") == 2
