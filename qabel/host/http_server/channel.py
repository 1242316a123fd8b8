"""One connection, within limits."""

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Protocol

import attrs
from twisted.internet.interfaces import IProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from qabel.host.http_server.transports import close, is_tls_over, stop_writing

LINGER_TIME = 2.0
"""Seconds that a client gets to take what was sent before the connection is cut."""

READ_AHEAD = 16 * 1024
"""Bytes read and kept while a request is being handled; reading shows that a client is gone."""


@attrs.frozen
class Refusals:
    """Whole responses, as bytes, to what cannot be handled as a request."""

    malformed: bytes
    """It is not HTTP, or its headers are too many or too long."""
    too_slow: bytes
    """The request did not arrive completely in time."""
    full: bytes
    """There are too many connections."""


class ConnectionTable(Protocol):
    """What a channel needs of its site."""

    refusals: Refusals
    request_time: float
    """Seconds within which a request must arrive, and that a connection may be without one."""

    def connected(self, channel: "BoundedChannel") -> None:
        """Add a new connection, which waits for a request."""

    def idle(self, channel: "BoundedChannel") -> None:
        """Note that a connection waits for a request."""

    def busy(self, channel: "BoundedChannel") -> None:
        """Note that a connection has a request."""

    def disconnected(self, channel: "BoundedChannel") -> None:
        """Remove a connection."""


class BoundedChannel(HTTPChannel):
    """A connection that takes no more time or memory than a client may use.

    A request must arrive in time, however often a byte comes. While a client does not read its
    responses, no further request of it is handled. One that half closes the connection is taken to
    be gone, as most are. After a handshake, another protocol can take over.
    """

    maxHeaders = 100
    site: ConnectionTable
    transport: Any
    source: Hashable | None = None
    """Where it comes from, if connections from there are counted."""
    is_stream = False
    """Whether the response under way has no end of its own."""
    is_full = False
    """Whether the client has yet to take what was written before it is sent more."""

    is_arriving = False
    """Whether a part of a request has arrived."""

    _is_aborted = False
    """Whether the connection was cut, which Twisted reports in the reactor's next turn."""
    _is_busy = False
    """Whether a request is being handled."""
    _is_over = False
    """Whether the last response was written: what still arrives is discarded."""
    _is_closing = False
    """Whether the connection is cut when the time is up next."""
    _held: Callable[[], None] | None = None
    """Handles the request that waits until the client has taken the responses before it."""
    _successor: IProtocol | None = None

    def __init__(self) -> None:
        super().__init__()
        self._ahead = bytearray()
        """What arrived while a request was being handled."""

    def connectionMade(self) -> None:
        """Wait for a request."""
        super().connectionMade()
        self.site.connected(self)

    def dataReceived(self, data: bytes) -> None:
        """Parse what has arrived, unless it is for another protocol, or for later."""
        if self._successor is not None or self._is_busy:
            self.rawDataReceived(data)
        elif not self._is_over:
            super().dataReceived(data)

    def rawDataReceived(self, data: bytes) -> None:
        """Take a part of a body, or what follows a request that is being handled."""
        if self._successor is not None:
            self._successor.dataReceived(data)
        elif self._is_busy:
            # Not left to Twisted, which reads without limit while a response cannot be written.
            self._ahead += data
            if len(self._ahead) > READ_AHEAD:
                self.transport.pauseProducing()
        else:
            super().rawDataReceived(data)

    def headerReceived(self, line: bytes) -> bool:
        """Take a header; refuse one that Twisted cannot parse, such as a length of 5000 digits."""
        try:
            return bool(super().headerReceived(line))
        except ValueError:
            self.refuse(self.site.refusals.malformed)
            return False

    def allHeadersReceived(self) -> None:
        """Show the head to the request, which decides whether its body is wanted."""
        request = self.requests[-1]
        self._path = request.head_received(self._command, self._path, self._version)
        super().allHeadersReceived()

    def resetTimeout(self) -> None:
        """Begin the time for a request with its first byte, and not anew with each."""
        if not self.is_arriving:
            self.is_arriving = True
            super().resetTimeout()

    def allContentReceived(self) -> None:
        """Handle a request that has arrived."""
        self.is_arriving = False
        if not self._is_over:
            self._is_busy = True
            self.site.busy(self)
            super().allContentReceived()

    def hold(self, handle: Callable[[], None]) -> None:
        """Call ``handle`` once the connection is no longer full, unless that takes too long.

        Otherwise a client could have a thousand requests handled without reading a response.
        """
        self._held = handle
        self.setTimeout(self.site.request_time)

    def requestDone(self, request: Any) -> None:
        """Wait for the next request."""
        self._is_busy = False
        self.site.idle(self)
        super().requestDone(request)
        if not self.persistent:
            self._is_over = True
            # A client that does not read the rest of the response is not waited for any longer.
            self.setTimeout(self.site.request_time)
        self._go_on()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Register a producer, and pause it at once if the connection is full already."""
        super().registerProducer(producer, streaming)
        # Over TLS, a transport that is full says so only once: before the producer was there.
        if self.is_full and streaming:
            producer.pauseProducing()

    def pauseProducing(self) -> None:
        """Note that the transport holds as much as it may."""
        self.is_full = True
        super().pauseProducing()

    def resumeProducing(self) -> None:
        """Go on writing: the transport has sent what it held."""
        if self.is_lost:
            self.abort()
            return
        self.is_full = False
        super().resumeProducing()
        held, self._held = self._held, None
        if held is not None:
            self.setTimeout(None)
            held()

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Write pieces as one, which is faster for chunks of a thousand streams at a time."""
        self.write(b"".join(iovec))

    def upgrade(self, successor: IProtocol) -> None:
        """Pass all that arrives from now on to another protocol, which writes to this channel."""
        self.setTimeout(None)
        self._successor = successor
        successor.makeConnection(self)
        self._go_on()
        self.transport.resumeProducing()

    def timeoutConnection(self) -> None:
        """Close an idle connection; refuse a request that has arrived in part."""
        if self._is_closing or self._held is not None:
            self.abort()
        elif self.is_arriving and not self._is_over:
            self.refuse(self.site.refusals.too_slow)
        else:
            self.end()

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse a request with a line that is too long."""
        self.refuse(self.site.refusals.malformed)

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(self.site.refusals.malformed)

    def refuse(self, response: bytes) -> None:
        """Send a whole response, discard all that still arrives, and end the connection soon."""
        if self._is_over:
            return
        self._is_over = self._is_closing = True
        self.clearLineBuffer()
        self.write(response)
        stop_writing(self.transport)
        self.setTimeout(LINGER_TIME)

    def end(self) -> None:
        """Close the connection once the system has what was written, or after LINGER_TIME."""
        self._is_over = self._is_closing = True
        self.setTimeout(LINGER_TIME)
        self.transport.unregisterProducer()
        close(self.transport)

    def abort(self) -> None:
        """Close the connection immediately, whatever is still to be sent."""
        self._is_over = self._is_aborted = True
        self.setTimeout(None)
        self.transport.abortConnection()

    @property
    def is_trusted(self) -> bool:
        """Whether the request that arrives is from a known client."""
        return bool(self.requests) and self.requests[-1].is_trusted

    @property
    def is_lost(self) -> bool:
        """Whether nothing that is written arrives any more, even if Twisted has yet to say so."""
        return self._is_aborted or (not self._is_over and is_tls_over(self.transport))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Remove the connection, and report the loss to its request or its successor."""
        self.site.disconnected(self)
        super().connectionLost(reason)
        if self._successor is not None:
            self._successor.connectionLost(reason)

    def _go_on(self) -> None:
        ahead, self._ahead = bytes(self._ahead), bytearray()
        if ahead:
            self.dataReceived(ahead)
