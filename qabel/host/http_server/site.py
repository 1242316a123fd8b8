"""A server: all its connections, of which there are a limited number."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
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
"""Seconds that a trusted request may take to arrive when another client needs a connection."""


@attrs.frozen
class SourceLimit:
    """How many connections may come from one source at the same time."""

    of: Callable[[IAddress | None], Hashable | None]
    """Returns the source of a client's address, or None for one that is not limited."""
    most: int


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
    """Accepts connections, up to a number, and can close them all. It logs no request.

    Args:
        resource: responds to the requests.
        request_factory: makes them.
        refusals: the responses to what cannot be handled as a request.
        reactor: measures all times.
        max_connections: connections that are served at the same time.
        request_time: seconds within which a request must arrive, and that a connection may be
            without one.
        each: how many connections each source may have; None for any number.

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
        each: SourceLimit | None = None,
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
        self._each = each
        self._by_source: Counter[Hashable] = Counter()
        """How many connections each source has, of those that are limited."""
        self._is_closing = False
        self._closed: Deferred[None] | None = None
        self._waiting: dict[BoundedChannel, float] = {}
        """Connections without a whole request, those that wait the longest first."""
        self._working: set[BoundedChannel] = set()

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Accept a connection, if necessary in place of one without a request."""
        if self._is_closing:
            return None
        source = None if self._each is None else self._each.of(addr)
        if not (self._has_room_for(source) and self._has_room()):
            return _RefusedConnection(self.refusals.full, self.reactor)
        channel: Any = super().buildProtocol(addr)
        channel.source = source
        return channel

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._waiting) + len(self._working)

    def startFactory(self) -> None:
        """Do nothing: there is no access log, and no clock for its lines."""

    def stopFactory(self) -> None:
        """Do nothing: there is no access log."""

    def log(self, request: Any) -> None:
        """Do nothing: what is requested may be secret."""

    def acceptableProtocols(self) -> list[bytes]:
        """Return what TLS may agree on."""
        return [b"http/1.1"]

    def connected(self, channel: BoundedChannel) -> None:
        """Add a new connection, which waits for a request."""
        if channel.source is not None:
            self._by_source[channel.source] += 1
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
        """Remove a connection."""
        self._waiting.pop(channel, None)
        self._working.discard(channel)
        self._forget_source(channel)
        if self._closed is not None and not self.connections and not self._closed.called:
            self._closed.callback(None)

    async def close(self, grace: float = 1.0) -> None:
        """Close all connections; return when that is done.

        Args:
            grace: seconds in which requests that have arrived are still responded to.

        """
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

    def _has_room(self) -> bool:
        return self.connections < self._max_connections or self._make_room(self._to_spare())

    def _has_room_for(self, source: Hashable | None) -> bool:
        """Return whether a source may have one more, if necessary in place of one of its own."""
        if self._each is None or source is None or self._by_source[source] < self._each.most:
            return True
        return self._make_room(each for each in self._to_spare() if each.source == source)

    def _forget_source(self, channel: BoundedChannel) -> None:
        source, channel.source = channel.source, None
        if source is not None:
            self._by_source[source] -= 1
            if not self._by_source[source]:
                del self._by_source[source]

    def _make_room(self, to_spare: Iterator[BoundedChannel]) -> bool:
        """Close the first of some connections; return whether there was one."""
        channel = next(to_spare, None)
        if channel is None:
            return False
        self._waiting.pop(channel)
        self._forget_source(channel)
        # Not cut: it may be idle because it was just sent a response.
        channel.end()
        return True

    def _to_spare(self) -> Iterator[BoundedChannel]:
        # First those that are idle, or whose request has not shown a token so far. Then those
        # that have waited for long: a request of a good client arrives in a moment.
        yield from (each for each in self._waiting if not each.is_trusted)
        late = self.reactor.seconds() - ARRIVAL_TIME
        yield from (each for each, since in self._waiting.items() if since < late)
