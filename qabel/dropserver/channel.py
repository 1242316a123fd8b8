"""The HTTP server below the drop server's resource: bounded in all, and silent about everything.

Drop ids are secrets and stand in every request line, so nothing here logs a request or a client.
"""

from io import BytesIO
from typing import Any, cast

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress, IProtocol, IReactorTime, ITCPTransport
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.resource import IResource
from twisted.web.server import Request, Site

from qabel.dropserver.message_file import MESSAGE_LIMIT

DISCARD_LIMIT = 2_621_440
"""Bytes of a body that are read and thrown away for the sake of a proper answer, as deployed."""

IDLE_TIMEOUT = 60.0
"""Seconds that a connection may be silent before, in or after a request."""

CLOSE_TIMEOUT = 2.0
"""Seconds that connections get to take the rest of what is sent, when the server stops."""

_TOO_LARGE = (
    b"HTTP/1.1 413 Request Entity Too Large\r\nConnection: close\r\n"
    b'Content-Type: application/json\r\nContent-Length: 30\r\n\r\n{"error": "Message too large"}'
)


class DropRequest(Request):
    """A request whose body is kept up to one byte more than a message may have."""

    channel: "DropChannel"
    content: BytesIO
    defaultContentType = None
    gone = False
    """Whether the connection was lost: nothing can be answered any more."""

    _refused = False
    _received = 0

    def gotLength(self, length: int | None) -> None:
        """Make room for the body, in memory; refuse one that is far too large before it comes."""
        self.content = BytesIO()
        if length is not None and length > DISCARD_LIMIT:
            # Or Twisted would ask for the body.
            self.requestHeaders.removeHeader(b"Expect")
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        """Take a piece of the body."""
        if self._refused:
            return
        self._received += len(data)
        if self._received > DISCARD_LIMIT:
            self._refuse()
        self.content.write(data[: max(0, MESSAGE_LIMIT + 1 - self.content.tell())])

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Go on to the resource, unless the answer is out already."""
        if not self._refused:
            super().requestReceived(command, path, version)

    def connectionLost(self, reason: Failure) -> None:
        """Learn that nobody waits for the answer."""
        self.gone = True
        super().connectionLost(reason)

    def _refuse(self) -> None:
        self._refused = True
        self.channel.write(_TOO_LARGE)
        self.channel.loseConnection()

    def __repr__(self) -> str:
        return "<DropRequest>"


class DropChannel(HTTPChannel):
    """A connection, which can go over to another protocol after its handshake."""

    site: "DropSite"
    _successor: IProtocol | None = None
    _timed_out = False

    def connectionMade(self) -> None:
        """Begin, and be counted."""
        self.site.channels.add(self)
        super().connectionMade()

    def upgrade(self, successor: IProtocol) -> None:
        """Hand all that comes from now on to another protocol; it writes to this channel."""
        self.setTimeout(None)
        self._successor = successor
        successor.makeConnection(self)

    def dataReceived(self, data: bytes) -> None:
        """Take bytes."""
        if self._successor is None:
            super().dataReceived(data)
        else:
            self._successor.dataReceived(data)

    def timeoutConnection(self) -> None:
        """Let go of a silent client: first politely, then not. Twisted's would log its address."""
        if self._timed_out:
            self.abortConnection()
            return
        self._timed_out = True
        self.setTimeout(self.abortTimeout)
        self.loseConnection()

    def abortConnection(self) -> None:
        """Cut the connection, whatever it has still to take."""
        cast("ITCPTransport", self.transport).abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End, whatever was going on."""
        super().connectionLost(reason)
        if self._successor is not None:
            self._successor.connectionLost(reason)
        self.site.forget(self)


class DropSite(Site):
    """Makes the connections, up to a number, and can close them all. HTTP/1.1 only.

    ``reactor`` is for timeouts.
    """

    protocol = DropChannel  # type: ignore[assignment]
    requestFactory = DropRequest
    noisy = False

    def __init__(
        self, resource: IResource, reactor: IReactorTime, *, max_connections: int = 1024
    ) -> None:
        super().__init__(
            resource, reactor=reactor, timeout=IDLE_TIMEOUT, parsePOSTFormSubmission=False
        )
        self.channels: set[DropChannel] = set()
        self._max_connections = max_connections
        self._closing: Deferred[None] | None = None

    def startFactory(self) -> None:
        """Start nothing: Twisted's would tell the time for its log, every second."""

    def stopFactory(self) -> None:
        """Stop nothing."""

    def log(self, request: Any) -> None:
        """Log no request."""

    def acceptableProtocols(self) -> list[bytes]:
        """Say what TLS may agree on: what WebSockets and limited bodies work with."""
        return [b"http/1.1"]

    def buildProtocol(  # type: ignore[override]
        self, addr: IAddress | None
    ) -> DropChannel | None:
        """Take a connection, or close it at once if there are too many."""
        if len(self.channels) >= self._max_connections or self._closing is not None:
            return None
        return cast("DropChannel", super().buildProtocol(addr))

    def forget(self, channel: DropChannel) -> None:
        """Learn that a connection is closed."""
        self.channels.discard(channel)
        if not self.channels and self._closing is not None:
            closing, self._closing = self._closing, None
            closing.callback(None)

    def close(self) -> "Deferred[None]":
        """Close all connections; fires when that is done, which takes `CLOSE_TIMEOUT` at most."""
        if not self.channels:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._closing = done
        for channel in tuple(self.channels):
            channel.loseConnection()
        if not done.called:
            cut = self.reactor.callLater(CLOSE_TIMEOUT, self._cut)
            done.addCallback(lambda _: cut.cancel() if cut.active() else None)
        return done

    def _cut(self) -> None:
        for channel in tuple(self.channels):
            channel.abortConnection()
