"""Guards HTTP connections: bounds headers, detects stale connections, enforces closing."""

import re
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure

from qabel.net.errors import HeadersTooLong, StaleConnection

HEADERS_LIMIT = 65536
"""Bytes that the status line and headers of a response may have."""

INTERIM_LIMIT = 8
"""Interim responses (status 1xx) that may precede a response: Twisted logs each of them."""

CLOSE_SECONDS = 2.0
"""Seconds that a TLS server has to agree to the end of a connection."""

_SLICE = 256  # bytes of headers that are parsed between two checks
_BLANK_LINE = re.compile(rb"\n(?=\r?\n)")


class ConnectionGuard(ProtocolWrapper):
    """Stands between Twisted's HTTP client and its connection.

    The HTTP client pauses or resumes its transport once it has read the headers of a response;
    until then, all bytes that arrive belong to headers.
    """

    factory: "GuardFactory"
    transport: Any
    _exchanges = 0
    _in_headers = False
    _header_bytes = 0
    _header_tail = b""
    _interim = 0
    _gave_up = False
    _closing: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Report the new connection."""
        self.factory.on_open(self)

    def writeSequence(self, data: Any) -> None:
        """Send the head of a request: the headers of its response follow."""
        self._exchanges += 1
        self._in_headers = True
        self._header_bytes = self._interim = 0
        self._header_tail = b""
        self.transport.writeSequence(data)

    def pauseProducing(self) -> None:
        """Stop reading: the headers are complete."""
        self._in_headers = False
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Read on: the headers are complete."""
        self._in_headers = False
        self.transport.resumeProducing()

    def dataReceived(self, data: bytes) -> None:
        """Pass bytes on, and check them while they may belong to headers."""
        start = 0
        while self._in_headers and start < len(data):
            piece = data[start : start + _SLICE]
            start += len(piece)
            exchange = self._exchanges
            self.wrappedProtocol.dataReceived(piece)
            # The end of a response may lead to the next request at once.
            is_same = exchange == self._exchanges
            if is_same and self._in_headers and self._too_long(piece):
                self._gave_up = True
                self.transport.abortConnection()
                return
        if start < len(data):
            self.wrappedProtocol.dataReceived(data[start:])

    def _too_long(self, piece: bytes) -> bool:
        """Return whether the headers exceed a limit with this piece, which is all headers."""
        self._header_bytes += len(piece)
        seen = self._header_tail + piece
        # A blank line in front of the response's own headers ends an interim response.
        self._interim += len(_BLANK_LINE.findall(seen))
        self._header_tail = seen[-2:] if seen.endswith(b"\n\r") else seen[-1:]
        return self._header_bytes > HEADERS_LIMIT or self._interim > INTERIM_LIMIT

    def loseConnection(self) -> None:
        """Close the connection, by force if the other side does not cooperate."""
        self._gave_up = self._gave_up or self._in_headers
        self.transport.loseConnection()
        if self._closing is None and self.wrappedProtocol is not None:
            self._closing = self.factory.clock.callLater(CLOSE_SECONDS, self._abort)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Pass the end on, with the reason that we know better."""
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        if self._gave_up:
            reason = Failure(HeadersTooLong())
        elif self._in_headers and self._header_bytes == 0 and self._exchanges > 1:
            reason = Failure(StaleConnection())
        self.factory.on_lost(self)
        super().connectionLost(reason)

    def _abort(self) -> None:
        self._closing = None
        self.transport.abortConnection()


class GuardFactory(WrappingFactory):
    """Wraps the protocol of a connection in a ConnectionGuard.

    ``on_open`` and ``on_lost`` are called with the guard when its connection opens and ends.
    """

    protocol = ConnectionGuard
    noisy = False

    def __init__(
        self,
        factory: Any,
        clock: IReactorTime,
        *,
        on_open: Callable[[ConnectionGuard], object],
        on_lost: Callable[[ConnectionGuard], object],
    ) -> None:
        super().__init__(factory)
        factory.noisy = False
        self.clock = clock
        self.on_open = on_open
        self.on_lost = on_lost
