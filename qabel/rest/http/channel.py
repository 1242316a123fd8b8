"""What one connection, and all together, may ask for: sizes, times, numbers."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.resource import IResource
from twisted.web.server import Site

from qabel.contract.rejection import problem
from qabel.contract.reply import Reply
from qabel.rest.http.access_control import AccessControl
from qabel.rest.http.replies import raw

MAX_BODY = 1024 * 1024
"""Bytes of a request's body."""

REQUEST_TIME = 30.0
"""Seconds within which a request is here in whole, and that a connection may be without one."""

LINGER_TIME = 2.0
"""Seconds for which what a refused client still sends is thrown away, so that it reads why."""

ARRIVAL_TIME = 5.0
"""Seconds that a body may take to arrive when somebody else waits for the connection."""

TOO_LARGE = problem(413, f"A request's body may have at most {MAX_BODY} bytes.", limit=MAX_BODY)
_TOO_SLOW = problem(408, f"The request was not here in whole after {REQUEST_TIME:.0f} seconds.")
_MALFORMED = problem(400, "This is no HTTP request, or one whose headers are too many or too long.")
_FULL = problem(
    503, "There are too many connections; close some.", headers=((b"Retry-After", b"1"),)
)


class ApiChannel(HTTPChannel):
    """One connection. A request is here in whole within a time, however often a byte comes."""

    maxHeaders = 100
    site: "ApiSite"
    is_stream = False
    """Whether its answer has no end of its own."""

    _arriving = False
    """Whether a part of a request is here."""
    _refused = False
    """Whether the connection was answered its last, and only waits for its end."""

    def connectionMade(self) -> None:
        """Begin to wait for a request."""
        super().connectionMade()
        self.site.connected(self)

    def dataReceived(self, data: bytes) -> None:
        """Take what has come, unless nothing is wanted any more."""
        if not self._refused:
            super().dataReceived(data)

    def resetTimeout(self) -> None:
        """Give the time for a whole request with its first byte, not with each."""
        if not self._arriving:
            self._arriving = True
            super().resetTimeout()

    def allContentReceived(self) -> None:
        """Handle a request that is here."""
        self._arriving = False
        if not self._refused:
            self.site.busy(self)
            super().allContentReceived()

    def requestDone(self, request: Any) -> None:
        """Wait for the next request."""
        self.site.idle(self)
        super().requestDone(request)
        if not self.persistent:
            # Whoever does not read the rest of the answer holds the connection no longer than this.
            self.setTimeout(REQUEST_TIME)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Write what belongs together in one piece, as chunks of a thousand streams at a time."""
        self.write(b"".join(iovec))

    def timeoutConnection(self) -> None:
        """End a connection without a request; one with half of it is told why."""
        if self._refused:
            self.abort()
        elif self._arriving:
            self.refuse(_TOO_SLOW)
        else:
            self._refused = True
            self.loseConnection()
            self.setTimeout(LINGER_TIME)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse a line that is too long to be of any use."""
        self.refuse(_MALFORMED)

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(_MALFORMED)

    def refuse(self, reply: Reply) -> None:
        """Answer now, whatever else comes, and end the connection."""
        if self._refused:
            return
        self._refused = True
        self.clearLineBuffer()
        transport: Any = self.transport
        transport.write(raw(reply))
        # Closed at once, with bytes unread, the system would take the answer back.
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
    def is_known(self) -> bool:
        """Whether the request that arrives is from somebody who may ask something."""
        return bool(self.requests) and self.requests[-1].decision.access is not None

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget the connection."""
        self.site.disconnected(self)
        super().connectionLost(reason)


class _Full(Protocol):
    """A connection that is one too many."""

    def connectionMade(self) -> None:
        self.transport.write(raw(_FULL))  # type: ignore[union-attr]
        self.transport.loseConnection()  # type: ignore[union-attr]


class ApiSite(Site):
    """Holds the connections, of which there are a limited number."""

    protocol = ApiChannel  # type: ignore[assignment]
    displayTracebacks = False

    def __init__(
        self,
        resource: IResource,
        request_factory: Any,
        access_control: AccessControl,
        open_paths: frozenset[bytes],
        *,
        reactor: Any,
        max_connections: int,
    ) -> None:
        """Prepare.

        Args:
            resource: answers what access control lets through.
            request_factory: makes the requests.
            access_control: decides who may ask.
            open_paths: paths for which no token is needed.
            reactor: for times.
            max_connections: how many connections there may be at once.

        """
        super().__init__(
            resource,
            requestFactory=request_factory,
            timeout=REQUEST_TIME,
            reactor=reactor,
            parsePOSTFormSubmission=False,
        )
        self.access_control = access_control
        self.open_paths = open_paths
        self._max_connections = max_connections
        self._closing: Deferred[None] | None = None
        self._waiting: dict[ApiChannel, float] = {}
        """Connections without a whole request, those that wait the longest first."""
        self._working: set[ApiChannel] = set()

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Take a connection, if need be in place of one that waits for nothing."""
        if self.connections >= self._max_connections and not self._make_room():
            return _Full()
        return super().buildProtocol(addr)

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._waiting) + len(self._working)

    def startFactory(self) -> None:
        """Do nothing: there is no access log, and no clock for its lines."""

    def stopFactory(self) -> None:
        """Do nothing: there is no access log."""

    def log(self, request: Any) -> None:
        """Do nothing: what was asked for is nobody's business."""

    def connected(self, channel: ApiChannel) -> None:
        """Note a new connection."""
        self.idle(channel)

    def idle(self, channel: ApiChannel) -> None:
        """Note that a connection waits for a request."""
        self._working.discard(channel)
        self._waiting[channel] = self.reactor.seconds()

    def busy(self, channel: ApiChannel) -> None:
        """Note that a connection has a request."""
        self._waiting.pop(channel, None)
        self._working.add(channel)

    def disconnected(self, channel: ApiChannel) -> None:
        """Note that a connection has ended."""
        self._waiting.pop(channel, None)
        self._working.discard(channel)
        if self._closing is not None and not self.connections and not self._closing.called:
            self._closing.callback(None)

    def _make_room(self) -> bool:
        """End the connection that can best be spared; tells whether there was one."""
        channel = next(self._to_spare(), None)
        if channel is None:
            return False
        self._waiting.pop(channel)
        channel.abort()
        return True

    def _to_spare(self) -> Iterator[ApiChannel]:
        # Be they idle or strangers that send slowly, nothing is lost; a request takes no time to
        # arrive, so those that wait the longest are not in the middle of a good one.
        yield from (each for each in self._waiting if not each.is_known)
        late = self.reactor.seconds() - ARRIVAL_TIME
        yield from (each for each, since in self._waiting.items() if since < late)

    async def close(self, grace: float = 1.0) -> None:
        """End all connections: those with a request after a time in which it may be answered."""
        for channel in [*self._waiting, *(each for each in self._working if each.is_stream)]:
            channel.abort()
        for channel in self._working:
            channel.persistent = 0
        if self._working:
            self._closing = Deferred()
            with suppress(DeferredTimeout):
                await self._closing.addTimeout(grace, self.reactor)
            self._closing = None
        for channel in [*self._working, *self._waiting]:
            channel.abort()
