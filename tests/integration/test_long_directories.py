"""A data directory with a long path works, for the daemon and the command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qabel.host.data_directory import LONGEST
from tests.host.test_socket_paths import directory_of
from tests.integration.processes import ROOT, Twistd

COMMAND = [sys.executable, "-m", "qabel.cli"]


def run(data: Path, *arguments: str) -> None:
    """Run the command for a data directory."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env={**os.environ, "QABEL_DATA_DIR": str(data)},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("letter", ["x", "ü", " "])
@pytest.mark.parametrize("size", [98, 107, 108, 200, LONGEST + len("/rest.sock")])
def test_a_long_data_directory(tmp_path: Path, size: int, letter: str) -> None:
    """The daemon starts and serves its Unix socket, and the command finds it there."""
    data = directory_of(tmp_path, size, letter)
    arguments = ["qabel-rest", f"--data-dir={data}", "--listen=tcp:0:interface=127.0.0.1"]
    with Twistd(tmp_path / "process", *arguments) as daemon:
        daemon.wait_for(rf"listens on .*{data.name[-3:]}/rest\.sock")
        run(data, "status")
        run(data, "backup", "b" * 100)
        assert daemon.stop() in (0, -15)
    assert not (data / "rest.sock").exists()


def test_a_directory_that_is_too_long(tmp_path: Path) -> None:
    """The daemon says so, with the limit, before anything is created."""
    data = directory_of(tmp_path, 1000) / "data"
    with Twistd(tmp_path / "process", "qabel-rest", f"--data-dir={data}") as daemon:
        assert daemon.ended() == 1
    assert f"{data} has 995 bytes; at most {LONGEST} are possible" in daemon.errors
    assert not data.exists()


def test_a_socket_name_that_is_too_long(tmp_path: Path) -> None:
    """The daemon says which, and how long it may be, before anything is created."""
    data, name = tmp_path / "data", "x" * 100
    listen = f"--listen=unix:{tmp_path}/{name}"
    with Twistd(tmp_path / "process", "qabel-rest", f"--data-dir={data}", listen) as daemon:
        assert daemon.ended() == 1
    assert f"{tmp_path}/{name} has 100 bytes; at most" in daemon.errors
    assert not data.exists()
