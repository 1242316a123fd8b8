"""The daemon under a service manager, as systemd is one: it gets a socket, and tells how it is."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.client import Api
from tests.integration.processes import DEADLINE, ROOT, TWISTD

SOCKET = "--listen=systemd:domain=UNIX:name=rest"

HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""
"""Puts the socket where services look for it, and becomes the service."""


class Manager:
    """As much of a service manager as a daemon sees: a socket it is handed, and one to notify."""

    def __init__(self, directory: Path) -> None:
        self.handed = directory / "rest.sock"
        self.directory = directory
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.handed))
        self._listening.listen()
        self.address: str | tuple[str, int] = str(self.handed)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(str(directory / "notify"))
        self._notify.settimeout(DEADLINE)
        self._process: subprocess.Popen[bytes] | None = None

    def hand_over_tcp(self, host: str) -> None:
        """Hand over a TCP socket instead."""
        self._listening.close()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listening = socket.socket(family)
        self._listening.bind((host, 0))
        self._listening.listen()
        self.address = self._listening.getsockname()[:2]

    def start(self, name: str, *options: str) -> "subprocess.Popen[bytes]":
        """Start a daemon as a service."""
        number = self._listening.fileno()
        twistd = [*TWISTD[1:], "-n", "--pidfile=", name, *options]
        log = (self.directory / "log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-c", HAND_OVER, str(number), *twistd],
            cwd=ROOT,
            env={
                **os.environ,
                "LISTEN_FDS": "1",
                "LISTEN_FDNAMES": "rest",
                "NOTIFY_SOCKET": str(self.directory / "notify"),
                "WATCHDOG_USEC": "200000",
            },
            pass_fds=[number],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        log.close()
        return self._process

    def hear(self, state: bytes) -> None:
        """Wait until a state is told, and pass over the signs of life on the way."""
        while (heard := self._notify.recv(4096)) != state:
            assert heard == b"WATCHDOG=1"

    def ask(self, path: str) -> bytes:
        """Ask through the socket that it was handed, and give the first line of the answer."""
        with socket.socket(self._listening.family) as client:
            client.settimeout(DEADLINE)
            client.connect(self.address)
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            return client.recv(65536).split(b"\r\n")[0]

    @property
    def log(self) -> str:
        """What the daemon has written."""
        return (self.directory / "log").read_text()

    def close(self) -> None:
        """End all."""
        self._listening.close()
        self._notify.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """Be a service manager."""
    managing = Manager(tmp_path)
    yield managing
    managing.close()


def test_the_daemon_as_a_service(manager: Manager) -> None:
    """It serves on the socket that it was handed, leaves it as it is, says ready and stopping."""
    data = manager.directory / "data"
    manager.handed.chmod(0o620)
    daemon = manager.start("qabel-rest", f"--data-dir={data}", SOCKET)
    assert manager.ask("/health?live") == b"HTTP/1.1 200 OK"
    assert manager.handed.stat().st_mode & 0o777 == 0o620
    manager.hear(b"READY=1")
    manager.hear(b"WATCHDOG=1")
    manager.hear(b"WATCHDOG=1")
    assert manager.ask("/status").startswith(b"HTTP/1.1 401")
    daemon.terminate()
    manager.hear(b"STOPPING=1")
    assert daemon.wait(5) in (0, -signal.SIGTERM)
    assert manager.handed.is_socket()


def test_the_socket_outlives_the_daemon(manager: Manager) -> None:
    """While the daemon is restarted, clients wait at its socket, which keeps its mode."""
    manager.handed.chmod(0o660)
    arguments = ("qabel-rest", f"--data-dir={manager.directory / 'data'}", SOCKET)
    daemon = manager.start(*arguments)
    manager.hear(b"READY=1")
    assert manager.handed.stat().st_mode & 0o777 == 0o660
    daemon.terminate()
    daemon.wait(DEADLINE)
    with socket.socket(socket.AF_UNIX) as early:
        early.settimeout(DEADLINE)
        early.connect(str(manager.handed))
        early.sendall(b"GET /health?live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        manager.start(*arguments)
        assert early.recv(65536).startswith(b"HTTP/1.1 200 OK")
    assert manager.ask("/health?live") == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize(("name", "status"), [("qabel-drop", b"400"), ("qabel-block", b"404")])
def test_servers_as_services(manager: Manager, name: str, status: bytes) -> None:
    """They say ready, alive and stopping too."""
    data = manager.directory / "data"
    server = manager.start(name, f"--data-dir={data}", SOCKET)
    manager.hear(b"READY=1")
    assert manager.ask("/no-such-place").startswith(b"HTTP/1.1 " + status)
    server.terminate()
    manager.hear(b"STOPPING=1")
    assert server.wait(5) in (0, -signal.SIGTERM)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("name", ["qabel-rest", "qabel-drop", "qabel-block"])
def test_a_loopback_socket(manager: Manager, name: str, host: str) -> None:
    """A TCP socket of the service manager on a loopback address needs no --allow-remote."""
    manager.hand_over_tcp(host)
    manager.start(name, f"--data-dir={manager.directory / 'data'}", "--listen=systemd:name=rest")
    manager.hear(b"READY=1")
    assert manager.ask("/no/such/place").startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize("name", ["qabel-rest", "qabel-drop", "qabel-block"])
def test_a_socket_that_others_can_reach(manager: Manager, name: str) -> None:
    """It needs --allow-remote, even if it is said to be a Unix socket, and nothing is created."""
    manager.hand_over_tcp("0.0.0.0")  # noqa: S104 - this is what is tested
    data = manager.directory / "data"
    daemon = manager.start(name, f"--data-dir={data}", SOCKET)
    assert daemon.wait(DEADLINE) == 1
    assert "is reachable from other hosts; pass --allow-remote" in manager.log
    assert not data.exists()


def test_the_command_at_the_socket_of_a_service(manager: Manager) -> None:
    """Who may connect to the socket uses the command with a token of their own, and needs one."""
    data = manager.directory / "data"
    manager.start("qabel-rest", f"--data-dir={data}", "--listen=systemd:name=rest")
    manager.hear(b"READY=1")
    token = Api(data).good("POST", "/tokens", {"name": "chat", "scopes": ["status"]})["token"]

    def status(**env: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "qabel.cli", "--url", f"unix:{manager.handed}", "status"],
            cwd=ROOT,
            env={**os.environ, "QABEL_DATA_DIR": str(data), **env},
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )

    assert status(QABEL_TOKEN=token).returncode == 0
    without = status()
    assert without.returncode == 1
    assert "set QABEL_TOKEN" in without.stderr
