"""WebSocket push: who listens to which drop, and what they get (Qabel-Protocol-Drop, "Push").

The frames are wsproto's. Twisted's own WebSocket resource is not used: it agrees on no subprotocol,
holds what clients send without limit, and logs the path, a secret, of a handshake that fails.
"""

import re
from typing import Any

from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping
from wsproto.utilities import ProtocolError, generate_accept_token
from zope.interface import implementer

from qabel.dropserver.channel import DropChannel
from qabel.dropserver.stamps import format_http_date, format_latest

SUBPROTOCOL = b"v0.ws.drop.qabel.de"

MAX_SUBSCRIBERS = 800
MAX_SUBSCRIBERS_PER_DROP = 100

PING_INTERVAL = 30.0
"""Seconds between pings; a listener that has sent nothing since the last one is cut off."""

BACKLOG_LIMIT = 262_144
"""Bytes that wait for a slow listener, past what its connection holds, before it is cut off."""

INBOUND_LIMIT = 1_048_576
"""Bytes that a listener, who has nothing to say, may send between two pings."""

_KEY = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==")


class BadHandshake(Exception):
    """A request that is no WebSocket handshake; the status and text to answer with."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def accept_handshake(headers: Headers) -> bytes:
    """Answer a WebSocket handshake (RFC 6455, section 4.2); raises BadHandshake."""
    if b"websocket" not in _tokens(headers, b"Upgrade", lower=True):
        raise BadHandshake(400, "Not a WebSocket handshake")
    if b"upgrade" not in _tokens(headers, b"Connection", lower=True):
        raise BadHandshake(400, "Missing Connection: Upgrade header")
    if _tokens(headers, b"Sec-WebSocket-Version") != [b"13"]:
        raise BadHandshake(426, "Only WebSocket version 13")
    keys = headers.getRawHeaders(b"Sec-WebSocket-Key", [])
    if len(keys) != 1 or _KEY.fullmatch(keys[0]) is None:
        raise BadHandshake(400, "Missing Sec-WebSocket-Key header")
    answer = [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: WebSocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + generate_accept_token(keys[0]),
    ]
    if SUBPROTOCOL in _tokens(headers, b"Sec-WebSocket-Protocol"):
        answer.append(b"Sec-WebSocket-Protocol: " + SUBPROTOCOL)
    return b"\r\n".join([*answer, b"", b""])


def _tokens(headers: Headers, name: bytes, *, lower: bool = False) -> list[bytes]:
    values = b",".join(headers.getRawHeaders(name, []))
    return [(token.lower() if lower else token).strip() for token in values.split(b",")]


class PushHub:
    """All listeners of all drops."""

    _log = Logger()

    def __init__(
        self,
        *,
        max_subscribers: int = MAX_SUBSCRIBERS,
        max_per_drop: int = MAX_SUBSCRIBERS_PER_DROP,
    ) -> None:
        self._listeners: dict[str, set[PushSubscriber]] = {}
        self._count = 0
        self._max_listeners = max_subscribers
        self._max_per_drop = max_per_drop
        # Frames of a server are not masked: one is good for all who listen.
        self._frames = Connection(ConnectionType.SERVER)

    def has_capacity(self, drop_id: str) -> bool:
        """Tell whether one more may listen to a drop."""
        here = len(self._listeners.get(drop_id, ()))
        return self._count < self._max_listeners and here < self._max_per_drop

    def add(self, listener: "PushSubscriber") -> None:
        """Have a listener hear of messages from now on."""
        self._listeners.setdefault(listener.drop_id, set()).add(listener)
        self._count += 1

    def remove(self, listener: "PushSubscriber") -> None:
        """Let go of a listener, which may be gone already."""
        listeners = self._listeners.get(listener.drop_id, set())
        if listener in listeners:
            listeners.remove(listener)
            self._count -= 1
            if not listeners:
                del self._listeners[listener.drop_id]

    def publish(self, drop_id: str, stamp: int, body: bytes) -> None:
        """Send a message to all who listen to its drop. Raises nothing, whatever they do."""
        if drop_id not in self._listeners:
            return
        head = (
            f"X-Qabel-Latest: {format_latest(stamp)}\nLast-Modified: {format_http_date(stamp)}\n\n"
        )
        frame = self._frames.send(BytesMessage(head.encode("ascii") + body))
        self._each(self._listeners[drop_id], "deliver", frame)

    def tick(self) -> None:
        """Cut off the dead and ping the others: to be called every `PING_INTERVAL`."""
        for listeners in tuple(self._listeners.values()):
            self._each(listeners, "tick")

    def close(self) -> None:
        """Tell all listeners that the server goes away."""
        for listeners in tuple(self._listeners.values()):
            self._each(listeners, "close", 1001)

    def _each(self, listeners: "set[PushSubscriber]", method: str, *arguments: Any) -> None:
        for listener in tuple(listeners):
            try:
                getattr(listener, method)(*arguments)
            except Exception:  # noqa: BLE001 - no listener may hurt another
                self._log.failure("a listener failed")
                self.remove(listener)
                listener.cut()


@implementer(IPushProducer)
class PushSubscriber(Protocol):
    """One WebSocket connection that listens to one drop. Its transport is a `DropChannel`."""

    transport: DropChannel

    def __init__(self, hub: PushHub, drop_id: str) -> None:
        self.drop_id = drop_id
        self._hub = hub
        self._connection = Connection(ConnectionType.SERVER)
        self._alive = True
        self._closing = False
        self._paused = False
        self._backlog = 0
        self._inbound = 0

    def connectionMade(self) -> None:
        """Begin to listen."""
        self._hub.add(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Listen no more."""
        self._closing = True
        self._hub.remove(self)

    def dataReceived(self, data: bytes) -> None:
        """Take frames: answer pings and the end, pass over all else."""
        self._alive = True
        self._inbound += len(data)
        if self._closing:
            return
        if self._inbound > INBOUND_LIMIT:
            self.cut()
            return
        try:
            self._connection.receive_data(data)
            for event in self._connection.events():
                if isinstance(event, Ping):
                    self._write(self._connection.send(event.response()))
                elif isinstance(event, CloseConnection):
                    self._answer_close(event)
        except ProtocolError:
            self.cut()

    def deliver(self, frame: bytes) -> None:
        """Send a frame with a message."""
        if not self._closing:
            self._write(frame)

    def tick(self) -> None:
        """See if the other side is there, and ask it to say so."""
        if self._closing or not self._alive:
            self.cut()
            return
        self._alive = False
        self._inbound = 0
        self._write(self._connection.send(Ping()))

    def close(self, code: int) -> None:
        """End the connection with a reason; what has been sent still arrives."""
        if not self._closing:
            self._write(self._connection.send(CloseConnection(code)))
            self._lose()

    def cut(self) -> None:
        """End the connection at once."""
        self._closing = True
        self.transport.abortConnection()

    def pauseProducing(self) -> None:
        """Learn that the connection holds as much as it should."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Learn that the connection has sent what it held."""
        self._paused = False
        self._backlog = 0

    def stopProducing(self) -> None:
        """Learn that the connection is lost."""
        self._closing = True

    def _answer_close(self, event: CloseConnection) -> None:
        if self._connection.state is not ConnectionState.CLOSED:
            self._write(self._connection.send(event.response()))
        self._lose()

    def _lose(self) -> None:
        self._closing = True
        self.transport.loseConnection()

    def _write(self, data: bytes) -> None:
        if self._paused:
            self._backlog += len(data)
            if self._backlog > BACKLOG_LIMIT:
                self.cut()
                return
        self.transport.write(data)
