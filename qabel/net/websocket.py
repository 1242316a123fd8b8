"""A WebSocket connection to a drop server (RFC 6455), from the opening handshake to its end.

It uses wsproto, as ``twisted.web.websocket`` does. That module's own client is not used: it offers
no subprotocol, omits the port from ``Host`` and buffers messages of any length.
"""

from collections.abc import Callable, Collection
from typing import Any

import attrs
from h11 import ProtocolError as HTTPError
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
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
from zope.interface import implementer

from qabel.drop.group_token import authorization
from qabel.drop.transport import hash_message, may_be_ours
from qabel.host.token_bucket import TokenBucket

SUBPROTOCOL = "v0.ws.drop.qabel.de"

OPEN_SECONDS = 30.0
"""Seconds for the opening handshake."""

PING_SECONDS = 30.0
"""Seconds between pings."""

PONG_SECONDS = 15.0
"""Seconds that the server has to send anything after a ping."""

MESSAGE_LIMIT = 65536
"""Bytes that a message may have."""

FRAMES_A_SECOND = 200.0
"""Frames that a server may send on average. Each piece that arrives counts as one more."""

FRAMES_AT_ONCE = 2000
"""Frames that a server may send at once after a quiet time."""

_SLICE = 256  # bytes that are parsed between two counts of the frames in them


@attrs.frozen(kw_only=True)
class WebSocketCallbacks:
    """Called on what happens on a connection; ``opened`` and ``rejected`` at most once."""

    opened: Callable[[], None]
    received: Callable[[Collection[bytes]], None]
    """One or more messages arrived; called with the hashes of those that may be for us."""
    flooded: Callable[[], None]
    """The server sent too many frames, and the connection was closed."""
    alive: Callable[[], None]
    """The server responded to a ping."""
    rejected: Callable[[int], None]
    """The server responded with this HTTP status: it offers no WebSocket here."""


@implementer(IPushProducer)
@attrs.define(eq=False, slots=False, repr=False)
class WebSocket(Protocol):
    """A client that reports that messages arrive, by their hashes, and discards their content.

    Args:
        host: the ``Host`` header, with the port if it is not the default.
        target: the path of the request.
        clock: measures the time limits.
        callbacks: called on what happens.
        token: of the closed group that the server is for; None if there is none.

    """

    _host: str
    _target: str
    _clock: IReactorTime
    _callbacks: WebSocketCallbacks
    _token: str | None = attrs.field(default=None, repr=False)
    _connection: WSConnection = attrs.field(
        init=False, factory=lambda: WSConnection(ConnectionType.CLIENT)
    )
    _timer: IDelayedCall | None = attrs.field(default=None, init=False)
    _heard: bool = attrs.field(default=False, init=False)
    """Whether anything arrived since the last ping."""
    _size: int = attrs.field(default=0, init=False)
    """Bytes so far of the message that is arriving."""
    _content: bytearray = attrs.field(factory=bytearray, init=False)
    """The first bytes of that message."""
    _news: bool = attrs.field(default=False, init=False)
    _hashes: list[bytes] = attrs.field(factory=list, init=False)
    _ping: Ping | None = attrs.field(default=None, init=False)
    """The last ping of the server, until it is answered."""
    _allowed: TokenBucket = attrs.field(
        init=False,
        default=attrs.Factory(
            lambda self: TokenBucket(self._clock, FRAMES_A_SECOND, FRAMES_AT_ONCE), takes_self=True
        ),
    )
    _aborted: bool = attrs.field(default=False, init=False)
    """Whether nothing that arrives matters any more."""
    _lost: bool = attrs.field(default=False, init=False)
    _waiting: list[Deferred[None]] = attrs.field(factory=list, init=False)

    def connectionMade(self) -> None:
        """Send the opening handshake."""
        self.transport.registerProducer(self, True)  # type: ignore[union-attr]
        self._timer = self._clock.callLater(OPEN_SECONDS, self._time_out)
        try:
            request = Request(
                host=self._host,
                target=self._target,
                subprotocols=[SUBPROTOCOL],
                extra_headers=_headers(self._token),
            )
            self._write(self._connection.send(request))
        except (ProtocolError, HTTPError, ValueError):
            self.abort()

    def dataReceived(self, data: bytes) -> None:
        """Handle the frames in the next bytes, unless there are too many of them."""
        self._heard = True
        frames = 1
        for start in range(0, len(data), _SLICE):
            if self._aborted:
                return
            frames += self._parse(data[start : start + _SLICE])
            if not self._allowed.take(frames):
                self._flooded()
            frames = 0
        if self._aborted:
            return
        # However many frames arrived at once: one pong for them, and one call.
        if self._ping is not None:
            self._write(self._connection.send(self._ping.response()))
            self._ping = None
        if self._news:
            hashes, self._hashes, self._news = self._hashes, [], False
            self._callbacks.received(hashes)

    def pauseProducing(self) -> None:
        """Close the connection: it is stuck, as hardly anything is ever sent."""
        self.abort()

    def resumeProducing(self) -> None:
        """Do nothing."""

    def stopProducing(self) -> None:
        """Do nothing."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Stop the timer and fire what ``when_lost`` returned."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._aborted = self._lost = True
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

    def when_lost(self) -> Deferred[None]:
        """Return a Deferred that fires when the connection has ended."""
        if self._lost:
            return succeed(None)
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    def abort(self) -> None:
        """Close the connection immediately."""
        if not self._lost and self.transport is not None:
            self._aborted = True
            self.transport.abortConnection()  # type: ignore[attr-defined]

    def _flooded(self) -> None:
        if not self._aborted:
            self._callbacks.flooded()
            self.abort()

    def _parse(self, data: bytes) -> int:
        """Handle the frames in a few bytes and return how many there are."""
        frames = 0
        try:
            self._connection.receive_data(data)
            for event in self._connection.events():
                frames += not isinstance(event, Message) or event.frame_finished
                if not self._aborted:
                    self._handle(event)
        except (ProtocolError, HTTPError, ValueError):
            self.abort()
        return frames

    def _handle(self, event: Event) -> None:
        match event:
            case AcceptConnection():
                self._set_timer(PING_SECONDS, self._send_ping)
                self._callbacks.opened()
            case RejectConnection():
                self._callbacks.rejected(event.status_code)
                self.abort()
            case Message():
                self._add(event)
            case Ping():
                self._ping = event
            case CloseConnection():
                if self._connection.state is ConnectionState.REMOTE_CLOSING:
                    self._write(self._connection.send(event.response()))
                self._set_timer(PONG_SECONDS, self._time_out)
                if self.transport is not None:
                    self.transport.unregisterProducer()  # type: ignore[attr-defined]
                    self.transport.loseConnection()

    def _add(self, event: "Message[Any]") -> None:
        self._size += len(event.data)
        if self._size > MESSAGE_LIMIT:
            self.abort()
        elif isinstance(event.data, (bytes, bytearray)):
            self._content += event.data
        if event.message_finished:
            self._size = 0
            self._end_message()

    def _end_message(self) -> None:
        _, _, message = bytes(self._content).partition(b"\n\n")
        self._content.clear()
        self._news = True
        if may_be_ours(message):
            self._hashes.append(hash_message(message))

    def _send_ping(self) -> None:
        self._timer = None
        self._heard = False
        self._write(self._connection.send(Ping()))
        self._set_timer(PONG_SECONDS, self._check_pong)

    def _check_pong(self) -> None:
        self._timer = None
        if self._heard:
            self._set_timer(PING_SECONDS - PONG_SECONDS, self._send_ping)
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


def _headers(token: str | None) -> list[tuple[bytes, bytes]]:
    return [] if token is None else [(b"Authorization", authorization(token))]


@attrs.define(eq=False, slots=False, repr=False)
class WebSocketFactory(Factory):
    """Makes the protocol of a single connection."""

    noisy = False

    _make: Callable[[], WebSocket]

    def buildProtocol(self, addr: object) -> WebSocket:
        """Make the protocol."""
        return self._make()
