"""The block server as a real process: used by several writers while it is killed."""

import http.client
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import define, field

from tests.integration.processes import ROOT, Twistd

WRITERS = 6
KILLS = 5
LARGEST = 300_000


def command(data: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of qabel-block."""
    code = "from qabel.daemon_commands import block; block()"
    return subprocess.run(
        [sys.executable, "-c", code, arguments[0], f"--data-dir={data}", *arguments[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def token(tmp_path: Path) -> str:
    """Return a token that was made before the server has ever run."""
    made = command(tmp_path / "data", "token", "new", "anna", "--quota", "100M")
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@pytest.fixture
def server(tmp_path: Path) -> Iterator["Restarted"]:
    """Return a server that can be killed."""
    made = Restarted(tmp_path)
    made.start()
    yield made
    made.process.kill()


@define(eq=False)
class Restarted:
    """A server that is started again and again on one port."""

    folder: Path
    port: int = 0
    process: Twistd = field(init=False)

    def options(self) -> list[str]:
        """Return further options."""
        return []

    def start(self) -> None:
        """Start it."""
        self.process = Twistd(
            self.folder / "logs",
            "qabel-block",
            f"--data-dir={self.folder / 'data'}",
            f"--listen=tcp:{self.port}:interface=127.0.0.1",
            *self.options(),
        )
        self.port = self.process.port("qabel-block")

    def ask(
        self, method: str, path: str, token: str = "", body: bytes = b"", tag: str = ""
    ) -> tuple[int, bytes, str]:
        """Return the status, the body and the tag of a response. Raises OSError, HTTPException."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Authorization": f"Token {token}"} if token else {}
        if tag:
            headers["If-Match"] = tag
        try:
            connection.request(method, f"/api/v0{path}", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers.get("ETag", "")
        finally:
            connection.close()


@define(eq=False)
class BlockWriter:
    """Replaces one object again and again, and knows what must be there."""

    server: Restarted
    path: str
    token: str
    random: random.Random
    tag: str = ""
    possible: list[bytes] = field(factory=lambda: [b""])
    """What was answered with 204 last, and what had no answer since."""
    stored: int = 0

    def run(self, is_over: threading.Event) -> None:
        """Write until it is over."""
        while not is_over.is_set():
            body = self.random.randbytes(self.random.randrange(1, LARGEST))
            self.possible.append(body)
            try:
                status, _, tag = self.server.ask("POST", self.path, self.token, body, self.tag)
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
                self.look(is_over)
                continue
            assert status == 204
            self.possible, self.tag = [body], tag
            self.stored += 1

    def look(self, is_over: threading.Event) -> None:
        """Find out what is there after a lost answer."""
        while not is_over.is_set():
            try:
                status, body, self.tag = self.server.ask("GET", self.path)
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
                continue
            assert (body if status == 200 else b"") in self.possible
            self.possible = [body if status == 200 else b""]
            return


def test_nothing_that_was_answered_is_lost(server: Restarted, token: str, tmp_path: Path) -> None:
    """Whenever it is killed, each object is what was stored last, whole, and is accounted for."""
    prefix = json.loads(server.ask("POST", "/prefix/", token)[1])["prefix"]
    is_over = threading.Event()
    writers = [
        BlockWriter(server, f"/files/{prefix}/blocks/{n}", token, random.Random(n))  # noqa: S311
        for n in range(WRITERS)
    ]
    threads = [threading.Thread(target=each.run, args=[is_over]) for each in writers]
    for each in threads:
        each.start()
    chance = random.Random(7)  # noqa: S311 - it decides when it is killed
    for _ in range(KILLS):
        is_over.wait(chance.uniform(0.1, 0.6))
        server.process.kill()
        server.start()
    is_over.wait(0.3)
    is_over.set()
    for each in threads:
        each.join()
    assert sum(each.stored for each in writers) > WRITERS
    for each in writers:
        status, body, _ = server.ask("GET", each.path)
        assert (body if status == 200 else b"") in each.possible
    server.process.stop()
    checked = command(tmp_path / "data", "check")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_tokens_are_changed_while_it_runs(server: Restarted, token: str, tmp_path: Path) -> None:
    """They count at once."""
    data = tmp_path / "data"
    assert server.ask("GET", "/quota/", token)[0] == 200
    assert command(data, "token", "quota", "anna", "--quota=1M").returncode == 0
    assert json.loads(server.ask("GET", "/quota/", token)[1])["quota"] == 2**20
    assert command(data, "token", "revoke", "anna").returncode == 0
    assert server.ask("GET", "/quota/", token)[0] == 403
    other = command(data, "token", "new", "anna").stdout.strip()
    assert server.ask("GET", "/quota/", other)[0] == 200
    assert command(data, "check").returncode == 0


def test_a_large_object_takes_no_memory(server: Restarted, token: str) -> None:
    """It goes to the disk as it arrives, and comes from there as it is read."""
    prefix = json.loads(server.ask("POST", "/prefix/", token)[1])["prefix"]
    path, body = f"/files/{prefix}/blocks/large", random.Random(1).randbytes(80_000_000)  # noqa: S311
    before = peak_memory(server.process.process.pid)
    assert server.ask("POST", path, token, body)[0] == 204
    assert server.ask("GET", path)[1] == body
    assert peak_memory(server.process.process.pid) - before < 30_000_000


def peak_memory(pid: int) -> int:
    """Return the most memory that a process has had, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    pytest.skip("this system does not tell how much memory a process had")
