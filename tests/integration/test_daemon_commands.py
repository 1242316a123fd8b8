"""The commands of the daemons as people start them, in a shell or a terminal."""

import contextlib
import http.client
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import pytest

from tests.integration.processes import DEADLINE, ROOT, wait_until


def command(name: str, *arguments: str) -> list[str]:
    """Return a command line; the scripts of an installation do the same."""
    code = f"from qabel.daemon_commands import {name}; {name}()"
    return [sys.executable, "-c", code, *arguments]


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


class Started(contextlib.AbstractContextManager["Started"]):
    """A command whose standard error goes to a file. It is killed at the end."""

    def __init__(
        self, where: Path, name: str, *arguments: str, env: Mapping[str, str] | None = None
    ) -> None:
        where.mkdir(exist_ok=True)
        self.name = f"qabel-{name}"
        self._err = where / f"{len(list(where.glob('*.err')))}.err"
        with self._err.open("wb") as err:
            self.process = subprocess.Popen(
                command(name, *arguments),
                cwd=where,
                env={**ENVIRONMENT, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=err,
            )

    @property
    def errors(self) -> str:
        """What it has written so far."""
        return self._err.read_text()

    def port(self) -> int:
        """Wait until it is ready, and return its port on loopback."""
        pattern = rf"{self.name} listens on 127\.0\.0\.1:(\d+)[^$]*is ready"

        def look() -> "re.Match[str] | None":
            found = re.search(pattern, self.errors)
            assert found or self.process.poll() is None, self.errors
            return found

        return int(wait_until(look, "the port")[1])

    def ended(self) -> int:
        """Wait until it has ended, and return its exit status."""
        return self.process.wait(DEADLINE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def health(port: int) -> int:
    """Return the status of a daemon's health."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    with contextlib.closing(connection):
        connection.request("GET", "/health?live")
        return connection.getresponse().status


def test_two_daemons_and_a_drop_server_in_one_directory(tmp_path: Path) -> None:
    """They start from the same directory, leave nothing in it, and stop with status 0."""
    place = tmp_path / "place"
    with (
        Started(place, "drop", f"--data-dir={tmp_path / 'drops'}", "--port=0") as drops,
        Started(place, "rest", f"--data-dir={tmp_path / 'alice'}", "--port=0") as alice,
        Started(place, "rest", f"--data-dir={tmp_path / 'bob'}", "--port=0") as bob,
    ):
        assert {health(alice.port()), health(bob.port())} == {200}
        assert drops.port()
        for each, number in ((drops, signal.SIGTERM), (alice, signal.SIGINT)):
            each.process.send_signal(number)
        bob.process.terminate()
        assert [each.ended() for each in (drops, alice, bob)] == [0, 0, 0]
        assert "Traceback" not in drops.errors + alice.errors + bob.errors
    assert {each.suffix for each in place.iterdir()} == {".err"}
    assert not (tmp_path / "alice" / "rest.sock").exists()


@pytest.mark.parametrize("as_json", [[], ["--log-json"]])
def test_rotating_the_log(tmp_path: Path, as_json: list[str]) -> None:
    """A log file that was moved away is opened anew on SIGHUP, and the daemon goes on."""
    log, moved = tmp_path / "log", tmp_path / "log.1"
    arguments = [f"--data-dir={tmp_path / 'data'}", "--port=0", "--log=../log", *as_json]
    with Started(tmp_path / "place", "rest", *arguments) as alice:
        wait_until(lambda: (log.exists() and "is ready" in log.read_text()) or None, "the log")
        log.rename(moved)
        alice.process.send_signal(signal.SIGHUP)
        wait_until(lambda: (log.exists() and "opened anew" in log.read_text()) or None, "the log")
        before = moved.read_text()
        alice.process.terminate()
        assert alice.ended() == 0
        assert moved.read_text() == before
        assert "Stopped" in log.read_text()
        assert log.stat().st_mode & 0o777 == 0o600
        assert alice.errors == ""
        if as_json:
            assert all(json.loads(each) for each in (before + log.read_text()).splitlines())


def test_truncating_the_log(tmp_path: Path) -> None:
    """A log file that logrotate copies and truncates goes on from its start."""
    log = tmp_path / "log"
    arguments = [f"--data-dir={tmp_path / 'data'}", "--port=0", f"--log={log}"]
    with Started(tmp_path / "place", "drop", *arguments) as drops:
        wait_until(lambda: (log.exists() and "is ready" in log.read_text()) or None, "the log")
        os.truncate(log, 0)
        drops.process.terminate()
        assert drops.ended() == 0
        assert log.read_bytes()[:2] == b"20"


def test_a_hang_up_without_a_log_file(tmp_path: Path) -> None:
    """Without a log file, SIGHUP changes nothing."""
    with Started(tmp_path, "rest", f"--data-dir={tmp_path / 'data'}", "--port=0") as alice:
        port = alice.port()
        alice.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "SIGHUP" in alice.errors or None, "the line")
        assert health(port) == 200


def test_a_taken_port(tmp_path: Path) -> None:
    """A port in use is one line that says what to do, and status 1."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        for name in ("rest", "drop", "block"):
            data = f"--data-dir={tmp_path / name}"
            with Started(tmp_path, name, data, f"--port={port}") as started:
                assert started.ended() == 1
            [line] = [each for each in started.errors.splitlines() if each.startswith("qabel-")]
            assert line == (
                f"qabel-{name}: cannot listen on tcp:{port}:interface=127.0.0.1: Address already "
                "in use; stop the program that uses it, or choose another port: --port or --listen"
            )
            assert "Traceback" not in started.errors


REFUSED = {
    "--frob": (2, "option --frob not recognized (see --help)"),
    "--port=x": (2, "--port must be a number from 0 to 65535, not 'x'"),
    "--port=1 --listen=tcp:2": (2, "--port and --listen cannot be combined"),
    "--listen=tcp:9796": (2, "use tcp:9796:interface=127.0.0.1 for this machine only"),
    "--log=/dev/null/x": (1, "cannot open the log file /dev/null/x: Not a directory"),
    "--data-dir=/proc/1": (1, "the data directory /proc/1"),
}


@pytest.mark.parametrize("options", REFUSED)
def test_what_is_refused(tmp_path: Path, options: str) -> None:
    """What is wrong with the command line is one line, and nothing else."""
    with Started(tmp_path, "rest", *options.split(), env={"HOME": str(tmp_path)}) as started:
        status, text = REFUSED[options]
        assert started.ended() == status
    assert started.errors.startswith("qabel-rest: ")
    assert text in started.errors
    assert started.errors.count("\n") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to somebody else")
def test_the_data_directory_of_another_user(tmp_path: Path) -> None:
    """It is refused in one line that names the user, and stays as it is."""
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    os.chown(directory, 65534, -1)
    with Started(tmp_path, "rest", f"--data-dir={directory}") as started:
        assert started.ended() == 1
    assert "belongs to another user (nobody)" in started.errors
    assert started.errors.count("\n") == 1
    assert list(directory.iterdir()) == []


class Terminal(contextlib.AbstractContextManager["Terminal"]):
    """A command in the foreground of a pseudo-terminal. It is killed at the end."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.text = ""
        self._status: int | None = None
        line = command("rest", *arguments)
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.execve(line[0], line, {**ENVIRONMENT, "TERM": "xterm", **environment})  # noqa: S606 - it replaces this process

    def until(self, text: str) -> None:
        """Read until there is a text."""

        def look() -> bool | None:
            if select.select([self._terminal], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):  # the other side is closed
                    self.text += os.read(self._terminal, 4096).decode()
            return text in self.text or None

        wait_until(look, f"{text!r} in the terminal")

    def press_control_c(self) -> None:
        """Interrupt as people do."""
        os.write(self._terminal, b"\x03")

    def close(self) -> None:
        """Close the window."""
        os.close(self._terminal)
        self._terminal = -1

    def ended(self) -> int:
        """Wait until it has ended, and return its exit status."""

        def look() -> int | None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            return os.waitstatus_to_exitcode(status) if pid else None

        self._status = wait_until(look, "the end")
        return self._status

    def __exit__(self, *_: object) -> None:
        if self._terminal >= 0:
            os.close(self._terminal)
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def test_in_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It logs short lines with colours, and Ctrl-C is a clean stop."""
    monkeypatch.delitem(ENVIRONMENT, "NO_COLOR", raising=False)
    with Terminal(f"--data-dir={tmp_path / 'data'}", "--port=0") as terminal:
        terminal.until("is ready")
        assert re.search(r"\x1b\[2m\d\d:\d\d:\d\d\x1b\[0m qabel-rest listens on", terminal.text)
        assert "[qabel." not in terminal.text
        assert "Site" not in terminal.text
        terminal.press_control_c()
        terminal.until("Stopped.")
        assert terminal.ended() == 0
    assert not (tmp_path / "data" / "rest.sock").exists()


def test_without_colors(tmp_path: Path) -> None:
    """With NO_COLOR the lines are the same, without colours."""
    with Terminal(f"--data-dir={tmp_path / 'data'}", "--port=0", NO_COLOR="1") as terminal:
        terminal.until("is ready")
        assert "\x1b" not in terminal.text
        assert re.search(r"^\d\d:\d\d:\d\d qabel-rest listens on", terminal.text, re.MULTILINE)


@pytest.mark.parametrize("pause", [0.02, 0.1, 0.3])
def test_an_interrupt_while_it_starts(tmp_path: Path, pause: float) -> None:
    """Ctrl-C before it is ready ends it as well, without a traceback."""
    with Terminal(f"--data-dir={tmp_path / 'data'}", "--port=0") as terminal:
        time.sleep(pause)
        terminal.press_control_c()
        # Until Python itself has begun, the system ends it, or Python in its own way.
        status = terminal.ended()
        assert status in (0, 1, 130, -signal.SIGINT)
        assert "Traceback" not in terminal.text or "/qabel/" not in terminal.text


@pytest.mark.parametrize("log", [[], ["--log"]])
def test_closing_the_window(tmp_path: Path, log: list[str]) -> None:
    """A daemon in the foreground of a terminal stops cleanly with it."""
    file = tmp_path / "log"
    options = [f"{each}={file}" for each in log]
    with Terminal(f"--data-dir={tmp_path / 'data'}", "--port=0", *options) as terminal:
        if log:
            wait_until(lambda: (file.exists() and "is ready" in file.read_text()) or None, "it")
        else:
            terminal.until("is ready")
        terminal.close()
        assert terminal.ended() == 0
    assert not (tmp_path / "data" / "rest.sock").exists()
