"""A drop server on real sockets, and a client that sends raw bytes."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import attrs
import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater

from qabel.dropserver.message_file import MessageFile
from qabel.dropserver.message_store import MessageStore, _StoreJob
from qabel.dropserver.message_values import MEGABYTE, Retention
from qabel.dropserver.postgresql.engine import PostgresEngine
from qabel.dropserver.service import DropServerService
from qabel.dropserver.wanted import Wanted
from qabel.host.endpoints import parse_endpoint
from qabel.host.listening import Listening
from tests.dropserver.postgresql.databases import DATABASE, cluster, database  # noqa: F401 - fixtures

T = TypeVar("T")


class Conversation(Protocol):
    """Sends bytes and collects what comes back."""

    def __init__(self) -> None:
        self.received = b""
        self.closed: Deferred[bytes] = Deferred()
        self._wanted: tuple[Callable[[bytes], bool], Deferred[bytes]] | None = None

    def dataReceived(self, data: bytes) -> None:
        """Collect bytes."""
        self.received += data
        self._look()

    def connectionLost(self, reason: object = None) -> None:
        """Fire ``closed`` with all that arrived."""
        self.closed.callback(self.received)

    def until(self, condition: Callable[[bytes], bool]) -> "Deferred[bytes]":
        """Return a Deferred that fires when what arrived fulfils a condition."""
        done: Deferred[bytes] = Deferred()
        self._wanted = (condition, done)
        self._look()
        return done.addTimeout(5, reactor)

    def _look(self) -> None:
        if self._wanted is not None and self._wanted[0](self.received):
            (_, done), self._wanted = self._wanted, None
            done.callback(self.received)


@attrs.frozen
class Answer:
    """A parsed HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes


@attrs.define(eq=False)
class Server:
    """A running drop server and ways to talk to it."""

    service: DropServerService
    port: int

    async def connect(self) -> Conversation:
        """Open a connection."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port)
        return await connectProtocol(endpoint, Conversation())

    async def raw(self, data: bytes) -> bytes:
        """Send bytes that end in a request to close, and return all that comes back."""
        conversation = await self.connect()
        conversation.transport.write(data)
        return await conversation.closed.addTimeout(10, reactor)

    async def ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """Send a request on a connection of its own and return the response."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        return parse(await self.raw("\r\n".join([*lines, "", ""]).encode() + body))

    async def post(self, path: str, body: bytes) -> Answer:
        """Post a message with the headers that clients send."""
        return await self.ask("POST", path, {"Authorization": "Client Qabel"}, body)

    async def on_file(self, work: Callable[[MessageFile], T]) -> T:
        """Do something to the message file, on the thread that uses it.

        A connection that is closed while another thread uses it ends the process.
        """
        store = self.service._store
        assert isinstance(store, MessageStore)
        done: T = await store._submit(_StoreJob(work=work))
        return done


def parse(data: bytes) -> Answer:
    """Parse an HTTP response."""
    head, _, body = data.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    assert re.fullmatch(r"HTTP/1\.1 \d{3} [ -~]+", status), status
    return Answer(int(status[9:12]), dict(line.split(": ", 1) for line in lines), body)


Running = Callable[..., AbstractAsyncContextManager[Server]]


def _engine(url: str, retention: Retention) -> PostgresEngine:
    limits = Wanted(
        lifetime=retention.lifetime,
        quota=retention.quota or 1000 * MEGABYTE,
        drop_quota=retention.drop_quota,
        drop_id_bits=retention.drop_id_bits,
    )
    return PostgresEngine(url, limits, reactor, on_refused=pytest.fail)


async def _heard(service: DropServerService) -> None:
    """Wait until push subscribers are accepted."""
    while not service.is_ready:
        await deferLater(reactor, 0.01)


@pytest.fixture
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Running:
    """Return an asynchronous context manager that runs a drop server.

    Its messages are in a file, unless the test asks for a database: see ``databases.in_both``.
    """
    url = request.getfixturevalue("database") if getattr(request, "param", "") == DATABASE else None

    @asynccontextmanager
    async def run(retention: Retention | None = None, **options: Any) -> AsyncIterator[Server]:
        if url is not None:
            options["engine"] = _engine(url, retention or Retention())
        service = DropServerService(
            tmp_path / "data", reactor=reactor, retention=retention or Retention(), **options
        )
        place = parse_endpoint("tcp:0:interface=127.0.0.1")
        listening = Listening(reactor, [place], service.site, name="test")
        service.startService()
        if url is not None:
            await _heard(service)
        listening.startService()
        try:
            yield Server(service, listening.addresses[0].port)
        finally:
            await listening.stopService()
            await service.stopService()

    return run
