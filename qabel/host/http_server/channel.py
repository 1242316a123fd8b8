"""One connection, within limits."""

from collections.abc import Iterable
from typing import Any, Protocol

import attrs
from twisted.internet.interfaces import IProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

LINGER_TIME = 2.0
"""Seconds for which what a refused client still sends is discarded, so that it reads the answer."""


@attrs.frozen
class Refusals:
    """Whole responses to what cannot be handled as a request, as bytes."""

    malformed: bytes
    """It is not HTTP, or its headers are too many or too long."""
    too_slow: bytes
    """The request did not arrive completely in time."""
    full: bytes
    """There are too many connections."""


class Connections(Protocol):
    """What a channel tells of itself: ``BoundedSite``."""

    refusals: Refusals
    request_time: float
    """Seconds within which a request must arrive, and that a connection may be without one."""

    def connected(self, channel: "BoundedChannel") -> None:
        """Note a new connection."""

    def idle(self, channel: "BoundedChannel") -> None:
        """Note that a connection waits for a request."""

    def busy(self, channel: "BoundedChannel") -> None:
        """Note that a connection has a request."""

    def disconnected(self, channel: "BoundedChannel") -> None:
        """Note that a connection has ended."""


class BoundedChannel(HTTPChannel):
    """A connection whose requests must arrive in time, however often a byte comes.

    After a handshake it can go over to another protocol.
    """

    maxHeaders = 100
    site: Connections
    is_stream = False
    """Whether the response under way has no end of its own."""

    _arriving = False
    """Whether a part of a request is here."""
    _refused = False
    """Whether the connection was answered its last, and only waits for its end."""
    _successor: IProtocol | None = None

    def connectionMade(self) -> None:
        """Begin to wait for a request."""
        super().connectionMade()
        self.site.connected(self)

    def dataReceived(self, data: bytes) -> None:
        """Take what has come, unless nothing is wanted any more."""
        if self._successor is not None:
            self._successor.dataReceived(data)
        elif not self._refused:
            super().dataReceived(data)

    def resetTimeout(self) -> None:
        """Give the time for a whole request with its first byte, not with each."""
        if not self._arriving:
            self._arriving = True
            super().resetTimeout()

    def allContentReceived(self) -> None:
        """Handle a request that has arrived."""
        self._arriving = False
        if not self._refused:
            self.site.busy(self)
            super().allContentReceived()

    def requestDone(self, request: Any) -> None:
        """Wait for the next request."""
        self.site.idle(self)
        super().requestDone(request)
        if not self.persistent:
            # Whoever does not read the rest of the response holds the connection no longer.
            self.setTimeout(self.site.request_time)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Write what belongs together in one piece, as chunks of a thousand streams at a time."""
        self.write(b"".join(iovec))

    def upgrade(self, successor: IProtocol) -> None:
        """Hand all that comes from now on to another protocol, which writes to this channel."""
        self.setTimeout(None)
        self.site.busy(self)
        self._successor = successor
        successor.makeConnection(self)

    def timeoutConnection(self) -> None:
        """End a connection without a request; one with half of it is told why."""
        if self._refused:
            self.abort()
        elif self._arriving:
            self.refuse(self.site.refusals.too_slow)
        else:
            self._refused = True
            self.loseConnection()
            self.setTimeout(LINGER_TIME)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse a line that is too long to be of any use."""
        self.refuse(self.site.refusals.malformed)

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(self.site.refusals.malformed)

    def refuse(self, response: bytes) -> None:
        """Send a whole response now, whatever else comes, and end the connection."""
        if self._refused:
            return
        self._refused = True
        self.clearLineBuffer()
        transport: Any = self.transport
        transport.write(response)
        # Closed at once, with bytes unread, the system would take the response back.
        if hasattr(transport, "loseWriteConnection"):
            transport.loseWriteConnection()
        self.setTimeout(LINGER_TIME)

    def abort(self) -> None:
        """Close the connection, whatever is still to be sent."""
        self._refused = True
        self.setTimeout(None)
        transport: Any = self.transport
        transport.abortConnection()

    @property
    def is_trusted(self) -> bool:
        """Whether the request that arrives is from somebody who is known."""
        return bool(self.requests) and self.requests[-1].is_trusted

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget the connection."""
        self.site.disconnected(self)
        super().connectionLost(reason)
        if self._successor is not None:
            self._successor.connectionLost(reason)
