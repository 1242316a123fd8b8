"""A WebSocket connection to a drop server (RFC 6455), from the opening handshake to its end.

It uses wsproto, as ``twisted.web.websocket`` does. That module's own client is not used: it offers
no subprotocol, omits the port from ``Host`` and buffers messages of any length.
"""

from collections.abc import Callable

import attrs
from h11 import ProtocolError as HTTPError
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    Message,
    Ping,
    RejectConnection,
    Request,
)
from wsproto.utilities import ProtocolError

SUBPROTOCOL = "v0.ws.drop.qabel.de"

OPEN_SECONDS = 30.0
"""Seconds for the opening handshake."""

PING_SECONDS = 30.0
"""Seconds between pings."""

PONG_SECONDS = 15.0
"""Seconds that the server has to send anything after a ping."""

MESSAGE_LIMIT = 65536
"""Bytes that a message may have."""


@attrs.frozen(kw_only=True)
class WebSocketCallbacks:
    """Called on what happens on a connection; ``opened`` and ``rejected`` at most once."""

    opened: Callable[[], None]
    received: Callable[[], None]
    """One or more messages arrived."""
    alive: Callable[[], None]
    """The server responded to a ping."""
    rejected: Callable[[int], None]
    """The server responded with this HTTP status: it offers no WebSocket here."""


@attrs.define(eq=False, slots=False, repr=False)
class WebSocket(Protocol):
    """A client that reports that messages arrive and discards their content.

    Args:
        host: the ``Host`` header, with the port if it is not the default.
        target: the path of the request.
        clock: measures the time limits.
        callbacks: called on what happens.

    """

    _host: str
    _target: str
    _clock: IReactorTime
    _callbacks: WebSocketCallbacks
    _connection: WSConnection = attrs.field(
        init=False, factory=lambda: WSConnection(ConnectionType.CLIENT)
    )
    _timer: IDelayedCall | None = attrs.field(default=None, init=False)
    _heard: bool = attrs.field(default=False, init=False)
    """Whether anything arrived since the last ping."""
    _size: int = attrs.field(default=0, init=False)
    """Bytes so far of the message that is arriving."""
    _news: bool = attrs.field(default=False, init=False)
    _pong: bytes = attrs.field(default=b"", init=False)
    _open: bool = attrs.field(default=True, init=False)
    _waiting: list[Deferred[None]] = attrs.field(factory=list, init=False)

    def connectionMade(self) -> None:
        """Send the opening handshake."""
        self._timer = self._clock.callLater(OPEN_SECONDS, self._time_out)
        try:
            request = Request(host=self._host, target=self._target, subprotocols=[SUBPROTOCOL])
            self._write(self._connection.send(request))
        except (ProtocolError, HTTPError, ValueError):
            self.abort()

    def dataReceived(self, data: bytes) -> None:
        """Handle the frames in the next bytes."""
        self._heard = True
        try:
            self._connection.receive_data(data)
            for event in self._connection.events():
                self._handle(event)
        except (ProtocolError, HTTPError, ValueError):
            self.abort()
        # However many frames arrived at once: one pong for them, and one call.
        self._write(self._pong)
        self._pong = b""
        if self._news:
            self._news = False
            self._callbacks.received()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Stop the timer and fire what ``when_lost`` returned."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._open = False
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

    def when_lost(self) -> Deferred[None]:
        """Return a Deferred that fires when the connection has ended."""
        if not self._open:
            return succeed(None)
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    def abort(self) -> None:
        """Close the connection immediately."""
        if self._open and self.transport is not None:
            self.transport.abortConnection()  # type: ignore[attr-defined]

    def _handle(self, event: Event) -> None:
        match event:
            case AcceptConnection():
                self._set_timer(PING_SECONDS, self._ping)
                self._callbacks.opened()
            case RejectConnection():
                self._callbacks.rejected(event.status_code)
                self.abort()
            case Message():
                self._size += len(event.data)
                if self._size > MESSAGE_LIMIT:
                    self.abort()
                if event.message_finished:
                    self._size = 0
                    self._news = True
            case Ping():
                self._pong = self._connection.send(event.response())
            case CloseConnection():
                if self._connection.state is ConnectionState.REMOTE_CLOSING:
                    self._write(self._connection.send(event.response()))
                self._set_timer(PONG_SECONDS, self._time_out)
                if self.transport is not None:
                    self.transport.loseConnection()

    def _ping(self) -> None:
        self._timer = None
        self._heard = False
        self._write(self._connection.send(Ping()))
        self._set_timer(PONG_SECONDS, self._check_pong)

    def _check_pong(self) -> None:
        self._timer = None
        if self._heard:
            self._set_timer(PING_SECONDS - PONG_SECONDS, self._ping)
            self._callbacks.alive()
        else:
            self.abort()

    def _time_out(self) -> None:
        self._timer = None
        self.abort()

    def _set_timer(self, seconds: float, action: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.callLater(seconds, action)

    def _write(self, data: bytes) -> None:
        if data and self.transport is not None:
            self.transport.write(data)


@attrs.define(eq=False, slots=False, repr=False)
class WebSocketFactory(Factory):
    """Makes the protocol of a single connection."""

    noisy = False

    _make: Callable[[], WebSocket]

    def buildProtocol(self, addr: object) -> WebSocket:
        """Make the protocol."""
        return self._make()
