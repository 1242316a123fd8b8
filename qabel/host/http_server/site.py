"""All connections of a server, of which there are a limited number."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.resource import IResource
from twisted.web.server import Site

from qabel.host.http_server.channel import LINGER_TIME, BoundedChannel, Refusals
from qabel.host.http_server.request import BoundedRequest

ARRIVAL_TIME = 5.0
"""Seconds that a request may take to arrive when somebody else waits for the connection."""


@attrs.define(eq=False, slots=False)
class _RefusedConnection(Protocol):
    """A connection that is one too many."""

    _response: bytes
    _clock: IReactorTime
    _timer: IDelayedCall | None = attrs.field(default=None, init=False)

    def connectionMade(self) -> None:
        """Refuse it. Over TLS, the client must make its handshake first, and may never do so."""
        transport: Any = self.transport
        transport.write(self._response)
        transport.loseConnection()
        self._timer = self._clock.callLater(LINGER_TIME, transport.abortConnection)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget it."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()


class BoundedSite(Site):
    """Makes the connections, up to a number, and can end them all. HTTP/1.1 only, without a log.

    Args:
        resource: answers the requests.
        request_factory: makes them.
        refusals: what those are told who are not answered by it.
        reactor: measures all times.
        max_connections: how many there may be at once.
        request_time: seconds within which a request must arrive, and that a connection may be
            without one.

    """

    protocol = BoundedChannel  # type: ignore[assignment]
    displayTracebacks = False
    noisy = False

    def __init__(
        self,
        resource: IResource,
        request_factory: type[BoundedRequest],
        refusals: Refusals,
        *,
        reactor: IReactorTime,
        max_connections: int,
        request_time: float,
    ) -> None:
        super().__init__(
            resource,
            requestFactory=request_factory,
            timeout=request_time,
            reactor=reactor,
            parsePOSTFormSubmission=False,
        )
        self.refusals = refusals
        self.request_time = request_time
        self._max_connections = max_connections
        self._is_closing = False
        self._closed: Deferred[None] | None = None
        self._waiting: dict[BoundedChannel, float] = {}
        """Connections without a whole request, those that wait the longest first."""
        self._working: set[BoundedChannel] = set()

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Take a connection, if need be in place of one that waits for nothing."""
        if self._is_closing:
            return None
        if self.connections >= self._max_connections and not self._make_room():
            return _RefusedConnection(self.refusals.full, self.reactor)
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

    def acceptableProtocols(self) -> list[bytes]:
        """Return what TLS may agree on."""
        return [b"http/1.1"]

    def connected(self, channel: BoundedChannel) -> None:
        """Note a new connection."""
        self.idle(channel)

    def idle(self, channel: BoundedChannel) -> None:
        """Note that a connection waits for a request."""
        self._working.discard(channel)
        self._waiting[channel] = self.reactor.seconds()

    def busy(self, channel: BoundedChannel) -> None:
        """Note that a connection has a request."""
        self._waiting.pop(channel, None)
        self._working.add(channel)

    def disconnected(self, channel: BoundedChannel) -> None:
        """Note that a connection has ended."""
        self._waiting.pop(channel, None)
        self._working.discard(channel)
        if self._closed is not None and not self.connections and not self._closed.called:
            self._closed.callback(None)

    async def close(self, grace: float = 1.0) -> None:
        """End all connections: those with a request after some seconds to answer it in."""
        self._is_closing = True
        for channel in self._working:
            channel.persistent = 0
        for channel in [each for each in self._working if each.is_stream]:
            channel.abort()
        for channel in list(self._waiting):
            channel.end()
        if self.connections:
            self._closed = Deferred()
            with suppress(DeferredTimeout):
                await self._closed.addTimeout(grace, self.reactor)
            self._closed = None
        for channel in [*self._working, *self._waiting]:
            channel.abort()
        self._is_closing = False

    def _make_room(self) -> bool:
        """End the connection that can best be spared; return whether there was one."""
        channel = next(self._to_spare(), None)
        if channel is None:
            return False
        self._waiting.pop(channel)
        # Not cut: it may be idle because it was just sent a response.
        channel.end()
        return True

    def _to_spare(self) -> Iterator[BoundedChannel]:
        # Be they idle or strangers that send slowly, nothing is lost; a request takes no time to
        # arrive, so those that wait the longest are not in the middle of a good one.
        yield from (each for each in self._waiting if not each.is_trusted)
        late = self.reactor.seconds() - ARRIVAL_TIME
        yield from (each for each, since in self._waiting.items() if since < late)
