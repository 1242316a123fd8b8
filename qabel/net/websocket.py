"""One WebSocket connection to a drop server (RFC 6455), from its opening to its end.

It stands on wsproto, as ``twisted.web.websocket`` does, but not on that: its client offers no
subprotocol, leaves the port out of ``Host`` and collects messages of any length in memory.
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
PING_SECONDS = 30.0
PONG_SECONDS = 15.0
"""How long after a ping the server has to show that it is there."""

MESSAGE_LIMIT = 65536


@attrs.frozen(kw_only=True)
class WebSocketCallbacks:
    """What is told of a connection. ``opened`` and ``refused`` come at most once."""

    opened: Callable[[], None]
    message: Callable[[], None]
    """One message or some came."""
    alive: Callable[[], None]
    """The server answered a ping."""
    refused: Callable[[int], None]
    """The server answered with this HTTP status: it does not speak WebSocket here."""


class WebSocket(Protocol):
    """A client that tells that messages come, and passes over what they say."""

    def __init__(
        self, host: str, target: str, clock: IReactorTime, events: WebSocketCallbacks
    ) -> None:
        self._host = host
        self._target = target
        self._clock = clock
        self._tell = events
        self._connection = WSConnection(ConnectionType.CLIENT)
        self._timer: IDelayedCall | None = None
        self._heard = False
        self._size = 0
        self._news = False
        self._pong = b""
        self._open = True
        self._waiting: list[Deferred[None]] = []

    def connectionMade(self) -> None:
        """Ask for a WebSocket."""
        self._timer = self._clock.callLater(OPEN_SECONDS, self._time_is_up)
        try:
            request = Request(host=self._host, target=self._target, subprotocols=[SUBPROTOCOL])
            self._write(self._connection.send(request))
        except (ProtocolError, HTTPError, ValueError):
            self.abort()

    def dataReceived(self, data: bytes) -> None:
        """Take the next bytes."""
        self._heard = True
        try:
            self._connection.receive_data(data)
            for event in self._connection.events():
                self._take(event)
        except (ProtocolError, HTTPError, ValueError):
            self.abort()
        # However many came at once: one answer to them, and one word of it.
        self._write(self._pong)
        self._pong = b""
        if self._news:
            self._news = False
            self._tell.message()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note the end."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._open = False
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

    def when_lost(self) -> Deferred[None]:
        """Fire when the connection is no more."""
        if not self._open:
            return succeed(None)
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    def abort(self) -> None:
        """Close at once."""
        if self._open and self.transport is not None:
            self.transport.abortConnection()  # type: ignore[attr-defined]

    def _take(self, event: Event) -> None:
        match event:
            case AcceptConnection():
                self._wait(PING_SECONDS, self._ping)
                self._tell.opened()
            case RejectConnection():
                self._tell.refused(event.status_code)
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
                self._wait(PONG_SECONDS, self._time_is_up)
                if self.transport is not None:
                    self.transport.loseConnection()

    def _ping(self) -> None:
        self._timer = None
        self._heard = False
        self._write(self._connection.send(Ping()))
        self._wait(PONG_SECONDS, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._heard:
            self._wait(PING_SECONDS - PONG_SECONDS, self._ping)
            self._tell.alive()
        else:
            self.abort()

    def _time_is_up(self) -> None:
        self._timer = None
        self.abort()

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.callLater(seconds, then)

    def _write(self, data: bytes) -> None:
        if data and self.transport is not None:
            self.transport.write(data)


class WebSocketFactory(Factory):
    """Makes the one protocol of one connection."""

    noisy = False

    def __init__(self, make: Callable[[], WebSocket]) -> None:
        self._make = make

    def buildProtocol(self, addr: object) -> WebSocket:
        """Make the protocol."""
        return self._make()
