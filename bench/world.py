"""Real processes to measure: a drop server with messages in it, a daemon, and a client."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from attrs import define

from qabel.dropserver.message_file import MessageFile
from qabel.dropserver.message_values import Post, Retention
from tests.integration.client import Api
from tests.integration.processes import Twistd

INSIDE = Path(__file__).parent / "inside"
"""Modules that a measured daemon loads when it starts."""

LISTEN = "tcp:0:interface=127.0.0.1"


@define
class Daemon:
    """A running daemon."""

    api: Api
    process: Twistd
    turns: Path
    """The file to which the length of the reactor's longest turn is written, if it is measured."""

    def forget_turns(self) -> None:
        """Start to look for the longest turn again."""
        self.turns.write_text("")

    def longest_turn(self) -> float:
        """Return the longest turn of the reactor, in seconds."""
        return float(self.turns.read_text() or 0)

    def peak_memory(self) -> float:
        """Return the most memory that it has had, in MB."""
        return memory(self.process.process.pid, "VmHWM") / 1024

    def memory(self) -> float:
        """Return the memory that it has, in MB."""
        return memory(self.process.process.pid) / 1024

    def cpu(self) -> float:
        """Return the seconds of CPU time that its threads have used."""
        return cpu(self.process.process.pid)


def memory(pid: int, field: str = "VmRSS") -> float:
    """Return the memory that a process has, in kB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
    assert found is not None
    return float(found[1])


def cpu(pid: int) -> float:
    """Return the seconds of CPU time that the threads of a process have used."""
    # In nanoseconds, where /proc/PID/stat counts hundredths of a second.
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(each.read_text().split()[0]) for each in threads) / 1e9


@contextmanager
def drop_server(folder: Path) -> Iterator[str]:
    """Run a drop server; yield its URL."""
    arguments = ["qabel-drop", "--data-dir", str(folder / "drops"), "--listen", LISTEN]
    with Twistd(folder / "drops.log", *arguments) as process:
        yield f"http://127.0.0.1:{process.port('qabel-drop')}"
        process.stop()


@contextmanager
def daemon(
    folder: Path,
    name: str = "me",
    *arguments: str,
    timed: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Daemon]:
    """Run a daemon; with ``timed``, one that measures the turns of its reactor."""
    directory = folder / name
    command = ["qabel-rest", "--data-dir", str(directory), "--listen", LISTEN, *arguments]
    turns = folder / f"{name}.turns"
    turns.touch()
    env = dict(environment or {})
    if timed:
        env |= {"PYTHONPATH": str(INSIDE), "QABEL_BENCH_TURNS": str(turns)}
    with Twistd(folder / f"{name}.log", *command, env=env) as process:
        process.wait_for(r"listens on .*rest\.sock")
        yield Daemon(Api(directory, process.port("qabel-rest")), process, turns)
        process.stop()


@contextmanager
def bare_process(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Run a peer; yield its port."""
    with process_at_port(module, *arguments, environment=environment) as (_, port):
        yield port


@contextmanager
def process_at_port(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[int, int]]:
    """Run a module as a process; yield its id and its port, which it prints."""
    command = [sys.executable, "-m", module, *arguments]
    env = {**os.environ, **(environment or {})}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            process.terminate()


def bare_route(status: int, size: int) -> AbstractContextManager[int]:
    """Run a bare Klein application with one route, ``GET /bare``; yield its port."""
    return bare_process("bench.bare", str(status), str(size))


def fill(folder: Path, drop_id: str, messages: list[bytes]) -> None:
    """Fill a drop of a drop server that is not running."""
    (folder / "drops").mkdir(mode=0o700, exist_ok=True)
    limits = Retention(drop_quota=10**9, quota=10**12)
    file = MessageFile(folder / "drops" / "drops.sqlite", limits)
    for start in range(0, len(messages), 1000):
        file.append(Post(drop_id, body) for body in messages[start : start + 1000])
    file.close()


class Connection:
    """A persistent connection for one request after another, with little work of its own."""

    def __init__(self, port: int, token: str = "") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._headers = f"Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"

    def get(self, path: str, method: str = "GET") -> float:
        """Send one request; return the seconds until the whole response has arrived."""
        request = f"{method} {path} HTTP/1.1\r\n{self._headers}\r\n".encode()
        start = time.perf_counter()
        self._exchange(request, bodiless=method == "HEAD")
        return time.perf_counter() - start

    def post(self, path: str, body: object) -> int:
        """Send JSON; return the status of the response."""
        data = json.dumps(body).encode()
        more = f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        return self._exchange(f"POST {path} HTTP/1.1\r\n{self._headers}{more}\r\n".encode() + data)

    def _exchange(self, request: bytes, *, bodiless: bool = False) -> int:
        self._socket.sendall(request)
        response = b""
        while (end := response.find(b"\r\n\r\n") + 4) < 4:
            response += self._more()
        length = re.search(rb"\r\nContent-Length: (\d+)\r\n", response[:end], re.IGNORECASE)
        size = end + (int(length[1]) if length and not bodiless else 0)
        got = len(response)
        while got < size:
            got += len(self._more())
        return int(response[9:12])

    def _more(self) -> bytes:
        data = self._socket.recv(1 << 20)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()
