"""Servers on real sockets that misbehave in whatever way a test needs."""

import base64
import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from qabel.drop.multipart import Part, closing_boundary, content_type, encode_part
from qabel.drop.url import DropURL

reactor: Any = _reactor

DROP_ID = "SeCrEt0000000000000000000000000000000000000"
BOUNDARY = "b0b0-b0b0"
DATE = "Mon, 23 Nov 2026 07:38:48 +0000"
LATEST = "1795419528.328829"

NOTHING = b"HTTP/1.1 204 No Content\r\n\r\n"
NOT_MODIFIED = b"HTTP/1.1 304 Not Modified\r\n\r\n"
TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def head(*lines: str, status: str = "200 OK") -> bytes:
    """Return the status line and headers of a response."""
    return "\r\n".join((f"HTTP/1.1 {status}", *lines, "", "")).encode()


def multipart_head(*lines: str) -> bytes:
    """Return the status line and headers of a response with messages."""
    return head(f"Content-Type: {content_type(BOUNDARY)}", *lines)


def part(body: bytes) -> bytes:
    """Return a message as a part."""
    return encode_part(BOUNDARY, body, DATE)


def multipart(bodies: Iterable[bytes]) -> bytes:
    """Return the whole body of a response."""
    return b"".join(map(part, bodies)) + closing_boundary(BOUNDARY)


def drop_answer(*bodies: bytes, latest: str | None = LATEST) -> bytes:
    """Return a response like the deployed server's: without length, ended by the connection."""
    lines = [] if latest is None else [f"X-Qabel-Latest: {latest}"]
    return multipart_head(*lines) + multipart(bodies)


class Connection(Protocol):
    """A connection that collects requests and calls the server's handler for each."""

    factory: "Server"

    def connectionMade(self) -> None:
        """Register the connection."""
        self.received = b""
        self.requests: list[bytes] = []
        self.lost: Deferred[None] = Deferred()
        self.factory.connections.append(self)
        if self.factory.greet is not None:
            self.factory.greet(self)

    def dataReceived(self, data: bytes) -> None:
        """Split what arrived into requests."""
        self.received += data
        while b"\r\n\r\n" in self.received:
            request_head, rest = self.received.split(b"\r\n\r\n", 1)
            length = 0
            for line in request_head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if len(rest) < length:
                return
            request = request_head + b"\r\n\r\n" + rest[:length]
            self.received = rest[length:]
            self.requests.append(request)
            self.factory.requests.append(request)
            self.factory.handle(self, request)
            self.factory.wake(request)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Record the end."""
        self.lost.callback(None)

    def send(self, data: bytes, *, close: bool = False) -> None:
        """Write data, and close the connection if ``close`` is set."""
        self.transport.write(data)
        if close:
            self.transport.loseConnection()


Handler = Callable[[Connection, bytes], object]


class Server(Factory):
    """Listens on loopback and passes each request, with its connection, to a handler."""

    protocol = Connection
    noisy = False

    def __init__(
        self, handle: Handler, greet: Callable[[Connection], object] | None = None
    ) -> None:
        self.handle = handle
        self.greet = greet
        self.requests: list[bytes] = []
        self.connections: list[Connection] = []
        self.scheme = "http"
        self._next: list[Deferred[bytes]] = []
        self._port: Any = None

    def listen(self, tls: object = None) -> "Server":
        """Listen on a port that the system chooses."""
        if tls is None:
            self._port = reactor.listenTCP(0, self, interface="127.0.0.1")
        else:
            self.scheme = "https"
            self._port = reactor.listenSSL(0, self, tls, interface="127.0.0.1")
        self.number = self._port.getHost().port
        return self

    def url(self, host: str = "127.0.0.1", drop_id: str = DROP_ID) -> DropURL:
        """Return the URL of a drop on this server."""
        return DropURL.parse(f"{self.scheme}://{host}:{self.number}/{drop_id}")

    def wake(self, request: bytes) -> None:
        """Fire what ``next_request`` returned."""
        waiting, self._next = self._next, []
        for each in waiting:
            each.callback(request)

    def next_request(self) -> "Deferred[bytes]":
        """Return a Deferred that fires with the next request."""
        waiting: Deferred[bytes] = Deferred()
        self._next.append(waiting)
        return waiting

    async def all_closed(self) -> None:
        """Wait until all connections are closed."""
        await gatherResults([each.lost for each in self.connections])

    async def stop_listening(self) -> None:
        """Stop listening: new connections are refused."""
        await maybeDeferred(self._port.stopListening)

    async def stop(self) -> None:
        """Stop listening and close all connections."""
        await self.stop_listening()
        for each in self.connections:
            if not each.lost.called:
                each.transport.abortConnection()
        await self.all_closed()


def always(answer: bytes, *, close: bool = False) -> Handler:
    """Return a handler that sends the same response to every request."""
    return lambda connection, _: connection.send(answer, close=close)


def silent(connection: Connection, request: bytes) -> None:
    """Never respond."""


def accept_push(request: bytes, *, subprotocol: str | None = "v0.ws.drop.qabel.de") -> bytes:
    """Return the deployed server's response to a WebSocket handshake."""
    key = next(
        line.split(b": ")[1]
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key:")
    )
    token = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11")  # noqa: S324 - RFC 6455
    lines = [
        "Upgrade: WebSocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {base64.b64encode(token.digest()).decode()}",
        "Sec-WebSocket-Origin: *",
    ]
    if subprotocol is not None:
        lines.append(f"Sec-WebSocket-Protocol: {subprotocol}")
    return head(*lines, status="101 Switching Protocols")


def frame(payload: bytes, first: int = 0x82) -> bytes:
    """Return a server's frame; its ``first`` byte 0x82 stands for a complete binary message."""
    size = len(payload)
    if size < 126:
        length = bytes([size])
    else:
        length = b"\x7e" + size.to_bytes(2) if size < 65536 else b"\x7f" + size.to_bytes(8)
    return bytes([first]) + length + payload


async def until(true: Callable[[], object]) -> None:
    """Let the reactor run until a condition holds, for at most ten seconds."""
    limit = reactor.seconds() + 10
    while not true():
        assert reactor.seconds() < limit, "the condition never held"
        await turn()


def turn(seconds: float = 0) -> "Deferred[None]":
    """Return a Deferred that fires after a turn of the reactor, or after some seconds."""
    waited: Deferred[None] = Deferred()
    reactor.callLater(seconds, waited.callback, None)
    return waited


class Taken(list[bytes]):
    """Collects the bodies that a fetch hands over."""

    def __call__(self, parts: list[Part]) -> None:
        """Collect the bodies of parts."""
        self.extend(part.body for part in parts)


class Flood:
    """A producer that writes the same bytes repeatedly, as fast as the connection takes them."""

    def __init__(self, connection: Connection, data: bytes, limit: int | None = None) -> None:
        self.connection = connection
        self.data = data
        self.limit = limit
        self.written = 0

    def resumeProducing(self) -> None:
        """Write the bytes once more."""
        if self.limit is not None and self.written >= self.limit:
            self.connection.transport.unregisterProducer()
            return
        self.written += len(self.data)
        self.connection.transport.write(self.data)

    def stopProducing(self) -> None:
        """Do nothing more."""
