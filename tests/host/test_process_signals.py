"""Signals: a daemon stops once and cleanly, ends at once on request, and reopens its log."""

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.daemons import Daemon
from tests.integration.processes import ROOT, TWISTD, wait_until

LISTEN = "--listen=tcp:0:interface=127.0.0.1"

SLOW_STOP = """
import os, sys, time
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from qabel.host.process_signals import ProcessSignals

ProcessSignals("test", reactor, None, sys.argv[1]).install()
reactor.callWhenRunning(print, "runs", flush=True)
reactor.addSystemEventTrigger("before", "shutdown", print, "stops", flush=True)
waiting = Deferred()
reactor.addSystemEventTrigger("before", "shutdown", lambda: waiting)
reactor.callLater(20, os._exit, 99)
reactor.run()
"""


def has(file: Path, text: str) -> bool | None:
    """Return True once a file has a text, and None before."""
    return (file.exists() and text in file.read_text()) or None


@pytest.fixture
def slow(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Return a process that runs a reactor whose clean stop never ends."""
    (tmp_path / "pid").write_text("1")
    command = [sys.executable, "-c", SLOW_STOP, str(tmp_path / "pid")]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "runs\n"
        yield process
        process.kill()


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_a_second_interrupt_ends_at_once(
    slow: "subprocess.Popen[str]", first: signal.Signals, tmp_path: Path
) -> None:
    """While a stop takes its time, an interrupt ends the process with one line."""
    slow.send_signal(first)
    assert slow.stdout.readline() == "stops\n"
    slow.send_signal(signal.SIGTERM)
    slow.send_signal(signal.SIGINT)
    assert slow.wait(10) == 130
    assert re.fullmatch("test: ended at once.*\n", slow.stderr.read())
    assert not (tmp_path / "pid").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_same_signal_twice_leaves_no_traceback(tmp_path: Path, number: signal.Signals) -> None:
    """A daemon that gets a signal again and again ends soon, and logs no error."""
    with Daemon(tmp_path, "alice").up() as alice:
        # Not all at once: signals that are pending already count once.
        while alice.process.process.poll() is None:
            alice.process.process.send_signal(number)
            time.sleep(0.001)
        assert alice.process.ended(5) in (-number, 130)
        text = alice.process.log + alice.process.errors
        assert "Traceback" not in text
        assert "Error" not in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_starting(tmp_path: Path, number: signal.Signals) -> None:
    """A signal before the daemon listens ends it without a traceback."""
    with Daemon(tmp_path, "alice") as alice:
        alice.process.wait_for("twistd")
        alice.process.process.send_signal(number)
        assert alice.process.ended(5) in (0, -number)
        assert "Traceback" not in alice.process.log + alice.process.errors
        assert not (alice.directory / "rest.sock").exists()


def test_a_hang_up_without_a_log_file_stops_cleanly(tmp_path: Path) -> None:
    """Without a log file, SIGHUP is a clean stop: the sockets are closed, and the exit is 0."""
    with Daemon(tmp_path, "alice").up() as alice:
        alice.process.process.send_signal(signal.SIGHUP)
        assert alice.process.ended(5) == 0
        assert "SIGHUP" in alice.process.log
        assert "Main loop terminated" in alice.process.log
        assert not (alice.directory / "rest.sock").exists()


def test_nohup_is_respected(tmp_path: Path) -> None:
    """A daemon that was started with SIGHUP ignored goes on."""
    old = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        daemon = Daemon(tmp_path, "alice")
    finally:
        signal.signal(signal.SIGHUP, old)
    with daemon.up() as alice:
        alice.process.process.send_signal(signal.SIGHUP)
        assert alice.health().status == 200
        assert alice.stop() < 5


@pytest.mark.parametrize("as_json", [[], ["--log-json"]])
def test_a_hang_up_opens_the_log_file_anew(tmp_path: Path, as_json: list[str]) -> None:
    """With a log file that was moved away, SIGHUP begins a new one; nothing else changes."""
    log, moved = tmp_path / "log", tmp_path / "log.old"
    command = [*TWISTD, "-n", "--pidfile=", f"--logfile={log}", "qabel-drop", LISTEN, *as_json]
    with subprocess.Popen([*command, f"--data-dir={tmp_path / 'data'}"], cwd=ROOT) as process:
        try:
            wait_until(lambda: has(log, "listens on"), "the log")
            log.rename(moved)
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: has(log, "opened anew"), "the new log")
            before = moved.read_text()
            process.send_signal(signal.SIGUSR1)
            wait_until(lambda: (tmp_path / "log.1").exists() or None, "the rotated log")
            process.terminate()
            assert process.wait(5) == -signal.SIGTERM
            assert "Main loop terminated" in log.read_text()
            assert moved.read_text() == before
        finally:
            process.kill()


@pytest.mark.parametrize("log_file", [False, True])
def test_closing_the_terminal_stops_cleanly(tmp_path: Path, log_file: bool) -> None:
    """A daemon in the foreground of a terminal stops cleanly when that is closed."""
    log = tmp_path / "log"
    option = [f"--logfile={log}"] if log_file else []
    command = [*TWISTD, "-n", f"--pidfile={tmp_path / 'pid'}", *option, "qabel-drop", LISTEN]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execv(command[0], [*command, f"--data-dir={tmp_path / 'data'}"])  # noqa: S606 - it replaces this process
    try:
        text = b""
        while not (log.read_text() if log.exists() else text.decode()).count("listens on"):
            if not log_file:
                text += os.read(terminal, 1000)
        os.close(terminal)
        ended: list[tuple[int, int]] = []

        def has_ended() -> bool:
            ended.append(os.waitpid(pid, os.WNOHANG))
            return ended[-1][0] == pid

        wait_until(lambda: has_ended() or None, "the end", 10)
        assert ended[-1] == (pid, 0)
        # twistd removes its own file at the end of a clean stop only.
        assert not (tmp_path / "pid").exists()
    finally:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
