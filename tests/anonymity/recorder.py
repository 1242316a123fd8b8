"""A proxy in front of a drop server, which records what the server sees and can treat drops badly.

A circuit of a SOCKS proxy counts as one connection: it is what joins requests there.
"""

from typing import Any

from attrs import define, field
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol

from tests.anonymity.recording import PUSH, Exchange
from tests.anonymity.request_reader import Request, RequestReader

RETRY_AFTER = 10
"""Seconds, in responses with status 429."""

EMPTY = b"Content-Length: 0\r\n\r\n"

ANSWERS = {
    "503": b"HTTP/1.1 503 Service Unavailable\r\n" + EMPTY,
    "429": b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: %d\r\n" % RETRY_AFTER + EMPTY,
    "404": b"HTTP/1.1 404 Not Found\r\n" + EMPTY,
    "slow body": b'HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: application/octet-stream\r\n\r\n",
}
"""What a provoked server responds to requests that read a drop."""

CLOSED = "closed push"
"""Whose WebSockets are closed, and whose new ones are too."""

REFUSED = "503 to postings"
"""To which nothing can be posted."""

KINDS = (*ANSWERS, CLOSED, REFUSED)


@define(eq=False)
class Recorder(Factory):
    """The factory of the proxy's connections.

    Args:
        reactor: opens connections.
        upstream: the port of the drop server, on the loopback interface.

    """

    reactor: Any
    upstream: int
    exchanges: list[Exchange] = field(factory=list, init=False)
    provoked: dict[str, str] = field(factory=dict, init=False)
    """Which drops are treated badly, and how."""
    open: "set[Recorded]" = field(factory=set, init=False)
    circuits: dict[int, int] = field(factory=dict, init=False)
    """The circuits of connections that come from a SOCKS proxy, by their local port there."""
    _port: Any = field(default=None, init=False)
    _number: int = field(default=0, init=False)

    def buildProtocol(self, addr: IAddress) -> "Recorded":
        """Return the protocol of a new connection."""
        self._number += 1
        return Recorded(self, self._number)

    async def listen(self, port: int = 0) -> int:
        """Listen, and return the port."""
        endpoint = TCP4ServerEndpoint(self.reactor, port, interface="127.0.0.1")
        self._port = await endpoint.listen(self)
        number: int = self._port.getHost().port
        return number

    async def go_away(self) -> int:
        """Close all connections and refuse new ones; return the port to listen on again."""
        number: int = self._port.getHost().port
        await self._port.stopListening()
        for each in list(self.open):
            each.transport.abortConnection()
        return number

    def provoke(self, drops: dict[str, str]) -> None:
        """Treat these drops badly, each in its way, and no others."""
        self.provoked = drops
        for each in list(self.open):
            if each.is_dripping or (each.pushes in drops and drops[each.pushes] == CLOSED):
                each.transport.abortConnection()

    def answer_to(self, request: Request) -> bytes | None:
        """Return the response to a request of a drop that is treated badly, or None."""
        kind = self.provoked.get(request.drop)
        if request.method == "POST":
            return ANSWERS["503"] if kind == REFUSED else None
        if request.method == PUSH and kind == CLOSED:
            return b""
        return ANSWERS.get(kind or "")


class Recorded(Protocol):
    """One connection of a client."""

    transport: Any

    def __init__(self, recorder: Recorder, number: int) -> None:
        self._recorder, self._number = recorder, number
        self._reader = RequestReader()
        self._server: Any = None
        self._waiting: list[bytes] = []
        self._last: Exchange | None = None
        self.pushes = ""
        """The drop of the WebSocket, if it is one."""
        self._dripping: Any = None

    @property
    def is_dripping(self) -> bool:
        """Whether a response is sent that goes on slowly until the connection is closed."""
        return self._dripping is not None

    def connectionMade(self) -> None:
        """Connect to the server as well."""
        self._recorder.open.add(self)
        endpoint = TCP4ClientEndpoint(self._recorder.reactor, "127.0.0.1", self._recorder.upstream)
        endpoint.connect(Factory.forProtocol(Upstream)).addCallbacks(self._connected, self._failed)

    def dataReceived(self, data: bytes) -> None:
        """Record requests, and pass them on."""
        try:
            requests = self._reader.feed(data)
        except ValueError:
            self.transport.abortConnection()
            return
        for each in requests:
            self._ask(each)
        if self._reader.is_tunnel:
            self._send(self._reader.rest())

    def connectionLost(self, reason: Any = None) -> None:
        """Close the connection to the server."""
        self._recorder.open.discard(self)
        if self._dripping is not None:
            self._dripping.cancel()
        if self._server is not None:
            self._server.transport.loseConnection()

    def answered(self, data: bytes) -> None:
        """Pass on what the server sent."""
        if self._last is not None and self._last.ended is None:
            self._note(data)
        self.transport.write(data)

    def _ask(self, request: Request) -> None:
        now = self._recorder.reactor.seconds()
        body = request.body if request.method == "POST" else b""
        number = -self._recorder.circuits.get(self.transport.getPeer().port, -self._number)
        self._last = Exchange(number, request.method, request.drop, now, body=body)
        self._recorder.exchanges.append(self._last)
        answer = self._recorder.answer_to(request)
        if request.method == PUSH:
            self.pushes = request.drop
        if answer is None:
            self._send(request.raw)
            return
        self._note(answer)
        self.transport.write(answer)
        if not answer:
            self.transport.loseConnection()
        elif b"multipart" in answer:
            self._drip()

    def _drip(self) -> None:
        self.transport.write(b"x")
        self._dripping = self._recorder.reactor.callLater(1, self._drip)

    def _note(self, data: bytes) -> None:
        assert self._last is not None
        self._last.ended = self._recorder.reactor.seconds()
        self._last.status = int(data[9:12] or 0)

    def _send(self, data: bytes) -> None:
        if self._server is None:
            self._waiting.append(data)
        else:
            self._server.transport.write(data)

    def _connected(self, server: "Upstream") -> None:
        self._server, server.client = server, self
        if self not in self._recorder.open:
            server.transport.loseConnection()
        server.transport.write(b"".join(self._waiting))

    def _failed(self, _: object) -> None:
        self.transport.abortConnection()


class Upstream(Protocol):
    """The connection to the drop server that belongs to a client's."""

    transport: Any
    client: Recorded | None = None

    def dataReceived(self, data: bytes) -> None:
        """Pass on what the server sent."""
        if self.client is not None:
            self.client.answered(data)

    def connectionLost(self, reason: Any = None) -> None:
        """Close the client's connection."""
        if self.client is not None:
            self.client.transport.loseConnection()
