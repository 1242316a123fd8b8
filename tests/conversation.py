"""Speaking HTTP with a server on a real socket, as raw bytes."""

import re
from collections.abc import Callable

import attrs
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol


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
class Speaker:
    """Speaks with a server on a port of this machine."""

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


def parse(data: bytes) -> Answer:
    """Parse an HTTP response."""
    head, _, body = data.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    assert re.fullmatch(r"HTTP/1\.1 \d{3} [ -~]+", status), status
    return Answer(int(status[9:12]), dict(line.split(": ", 1) for line in lines), body)
