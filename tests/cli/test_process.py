"""The command as a process: closed pipes, Ctrl-C, full disks."""

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from qabel.cli.text import width
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


def in_a_terminal(columns: int, *words: str, interrupt_at: str = "") -> tuple[int, str]:
    """Run it in a terminal, end it when a text is there, and return the status and all text."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    process = start(
        *words, stdin=theirs, stdout=theirs, stderr=theirs, env={**env, "NO_COLOR": "1"}
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # The other end was closed.
        while piece := os.read(ours, 4096):
            shown += piece
            if interrupt_at and interrupt_at.encode() in shown:
                process.send_signal(signal.SIGINT)
                interrupt_at = ""
    os.close(ours)
    return process.wait(), shown.decode()


def test_follow_in_a_terminal(alice: QabelCommand) -> None:
    """It says what it waits for; Ctrl-C ends it, and the next prompt has a line of its own."""
    words = ["--data-dir", str(alice.directory), "follow"]
    status, shown = in_a_terminal(80, *words, interrupt_at="Ctrl-C.")
    assert status == 130
    assert shown == "Waiting for messages. To stop, press Ctrl-C.\r\n\r\n"


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_tables_fit_the_terminal(alice: QabelCommand, columns: int) -> None:
    """No row of a table is wider than the terminal."""
    alias = "長い名前e\u0301👩\u200d👧" * 20
    alice.json("contact", "add", alias, "6" * 64, f"http://127.0.0.1:1/{'z' * 43}")
    for command in ("contact", "identity", "server", "status"):
        words = ["--data-dir", str(alice.directory), command]
        status, shown = in_a_terminal(columns, *words)
        assert status == 0
        table = shown[shown.index("ID" if command != "status" else "DROP") :]
        assert len(table.split("\r\n")) > 2
        assert all(width(row) <= columns for row in table.split("\r\n"))
    alice.json("contact", "delete", alias, "--yes")


def test_a_terminal_too_narrow_for_a_code(alice: QabelCommand) -> None:
    """A QR code that would wrap is not drawn."""
    words = ["--data-dir", str(alice.directory), "identity", "qr", "Alice"]
    status, shown = in_a_terminal(40, *words)
    assert status == 1
    assert "--output FILE.png" in shown


def test_help_fits_the_terminal() -> None:
    """Help is as narrow as the terminal, but for its examples."""
    _, shown = in_a_terminal(44, "contact", "--help")
    assert max(map(len, shown.split("\r\n"))) <= 44


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
    assert "3    No daemon is reachable" in shown
    assert "..." not in shown.partition("Commands:")[2]


def test_help_without_a_command() -> None:
    """Without arguments, it shows the help."""
    result = call()
    assert result.exit_status == 2
    assert "Commands:" in result.err
    assert wait_until(lambda: call("--version").out or None, "the version").startswith("qabel ")
