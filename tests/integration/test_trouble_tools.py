"""The command where something is broken: it says what, and never ends in a traceback."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.integration.bad_servers import BadServer, Peer, Request
from tests.integration.daemons import Daemon
from tests.integration.test_trouble_store import locked

TOKEN = {"name": "reader", "scopes": ["read"]}
QABEL = [sys.executable, "-m", "qabel.cli"]


def run(directory: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end."""
    command = [*QABEL, "--data-dir", str(directory), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """Return the data directory of a daemon that has run, and was stopped."""
    with Daemon(tmp_path, "alice").up() as alice:
        alice.stop()
    return alice.directory


def test_a_wrong_key_of_a_stopped_daemon(stopped: Path) -> None:
    """``qabel doctor`` tries the key, whether or not the daemon runs."""
    (stopped / "database-key").write_text(os.urandom(32).hex() + "\n")
    found = run(stopped, "doctor")
    assert "The key does not open" in found.stdout
    assert found.returncode


def test_a_damaged_database_of_a_stopped_daemon(stopped: Path) -> None:
    """``qabel doctor`` reads all of a database, and says where it is damaged."""
    path = stopped / "qabel.db"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size - 3000)
        file.write(os.urandom(16))
    found = run(stopped, "doctor")
    assert "FAIL  database" in found.stdout
    assert found.returncode


def test_a_database_that_does_not_respond(tmp_path: Path) -> None:
    """While another program holds up the database, both commands tell what is known."""
    with Daemon(tmp_path, "alice").up() as alice, locked(alice.directory):
        writing = threading.Thread(target=alice.api.ask, args=("POST", "/tokens", TOKEN))
        writing.start()
        with ThreadPoolExecutor() as pool:
            found = list(pool.map(partial(run, alice.directory), ("status", "doctor")))
        writing.join()
    for each in found:
        assert "Traceback" not in each.stderr
        assert "qabel.db is in use by another process" in each.stdout


@pytest.mark.parametrize("body", [b'{"status":"running"}', b"null", b'{"outbox":5}'])
@pytest.mark.parametrize("command", ["status", "doctor"])
def test_a_daemon_that_says_something_else(tmp_path: Path, command: str, body: bytes) -> None:
    """Answers in which something is missing, or all is, are no reason to fail without a word."""

    def answer(peer: Peer, request: Request) -> None:
        peer.answer("200 OK", "Server: qabel", "Content-Type: application/json", body=body)

    (tmp_path / "api-token").touch(mode=0o600)
    (tmp_path / "api-token").write_text("t" * 43)
    with BadServer(answer) as daemon:
        found = run(tmp_path, "--url", daemon.url, command)
    assert "Traceback" not in found.stderr
    assert found.stdout + found.stderr
