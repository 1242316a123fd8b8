"""``qabel key change``: a new key for the database, while no daemon is running."""

import subprocess
import sys
from pathlib import Path

from tests.integration.client import Api
from tests.integration.processes import Twistd


def qabel(directory: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command."""
    command = [sys.executable, "-m", "qabel.cli", "--data-dir", str(directory), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_key_is_changed_only_while_no_daemon_runs(tmp_path: Path) -> None:
    """While a daemon is running, it fails in one line; afterwards the daemon starts as before."""
    directory = tmp_path / "data"
    arguments = [
        "qabel-rest",
        "--data-dir",
        str(directory),
        "--listen",
        "tcp:0:interface=127.0.0.1",
    ]
    with Twistd(tmp_path / "log", *arguments) as daemon:
        daemon.wait_for(r"rest\.sock")
        Api(directory).good("PUT", "/settings", {"key": "poll_interval", "value": 7})
        rejected = qabel(directory, "key", "change")
        assert rejected.returncode == 1
        assert "in use" in rejected.stderr
        assert "Traceback" not in rejected.stderr
        daemon.stop()
    before = (directory / "database-key").read_text().split()[0]
    changed = qabel(directory, "key", "change")
    assert changed.returncode == 0, changed.stderr
    assert changed.stdout.startswith("The database has a new key")
    assert r"\n" not in changed.stdout + changed.stderr
    assert (directory / "database-key").read_text().split()[0] != before
    with Twistd(tmp_path / "log", *arguments) as daemon:
        daemon.wait_for(r"rest\.sock")
        assert Api(directory).good("GET", "/settings")["poll_interval"] == 7
