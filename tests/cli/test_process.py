"""The command as a process: closed pipes, Ctrl-C, full disks."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import QabelCommand, call
from tests.integration.processes import wait_until

QABEL = [sys.executable, "-m", "qabel.cli"]


def start(*words: str, **options: object) -> "subprocess.Popen[bytes]":
    """Start it with pipes for its output."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen([*QABEL, *words], **pipes)  # type: ignore[call-overload, no-any-return]


def test_closed_pipe(alice: QabelCommand) -> None:
    """``qabel … | head`` ends quietly, as if by SIGPIPE."""
    process = start("--data-dir", str(alice.directory), "identity", "qr", "Alice")
    process.stdout.close()  # type: ignore[union-attr]
    assert process.wait() == 141
    assert process.stderr.read() == b""  # type: ignore[union-attr]
    process.stderr.close()  # type: ignore[union-attr]


def test_interrupt(alice: QabelCommand) -> None:
    """Ctrl-C ends ``qabel follow`` with status 130, and no traceback."""
    process = start("--data-dir", str(alice.directory), "follow", "--since", "0", "--kind", "all")
    assert process.stdout.readline()  # type: ignore[union-attr]
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err.strip() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk(alice: QabelCommand) -> None:
    """Output that cannot be written is an error of one line."""
    with Path("/dev/full").open("wb") as full:
        process = start("--data-dir", str(alice.directory), "status", stdout=full)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert err.startswith(b"qabel: Cannot write the output")
    assert err.count(b"\n") == 1


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_closed_streams(alice: QabelCommand, closed: int) -> None:
    """The parent process may have closed any of the standard streams."""
    script = f'exec "$@" {closed}>&-'
    words = [*QABEL, "--data-dir", str(alice.directory), "status"]
    ended = subprocess.run(["sh", "-c", script, "sh", *words], capture_output=True, check=False)
    assert ended.returncode == 0
    assert b"Traceback" not in ended.stderr


def test_poor_locale(alice: QabelCommand) -> None:
    """Letters that the locale lacks are escaped."""
    alice.json("contact", "add", "Zoë 世", "6" * 64, f"http://127.0.0.1:1/{'z' * 43}")
    env = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    words = [*QABEL, "--data-dir", str(alice.directory), "contact", "list"]
    ended = subprocess.run(words, capture_output=True, check=True, env=env)
    alice.json("contact", "delete", "Zoë 世", "--yes")
    assert rb"Zo\xeb \u4e16" in ended.stdout


def test_help() -> None:
    """Help lists the exit statuses, and every command in a line that is not cut off."""
    shown = call("--help").out
    assert "3  No daemon is reachable" in shown
    assert "..." not in shown.partition("Commands:")[2]


def test_help_without_a_command() -> None:
    """Without arguments, it shows the help."""
    result = call()
    assert result.exit_status == 2
    assert "Commands:" in result.err
    assert wait_until(lambda: call("--version").out or None, "the version").startswith("qabel ")
