"""WebSocket push: the subscribers of each topic, and what they get.

The frames are wsproto's. Twisted's own WebSocket resource is not used: it negotiates no
subprotocol, buffers what clients send without limit, and logs the path of a failed handshake,
which is secret.
"""

from collections.abc import Callable, Iterable

import attrs
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import ProtocolError
from zope.interface import implementer

from qabel.host.http_server.channel import BoundedChannel
from qabel.host.push.ping_rounds import PingRounds

MAX_SUBSCRIBERS = 800
MAX_SUBSCRIBERS_PER_TOPIC = 100

PING_INTERVAL = 30.0
"""Seconds between pings; a subscriber that sent nothing since the last one is disconnected."""

PING_TURNS = 60
"""Parts of that interval: in each of them, as many subscribers are pinged as in any other."""

BACKLOG_LIMIT = 262_144
"""Bytes that may wait for a slow subscriber, beyond what its connection buffers."""

INBOUND_LIMIT = 1_048_576
"""Bytes that a subscriber, which has nothing to say, may send between two pings."""

FRAMES_LIMIT = 20
"""Frames that it may send between two pings: the smallest takes as long to read as a large one."""

_GOING_AWAY = 1001  # RFC 6455, section 7.4.1


def _server_connection() -> Connection:
    return Connection(ConnectionType.SERVER)


@attrs.define(eq=False, repr=False)
class PushHub:
    """The push subscribers of all topics.

    Args:
        max_subscribers: subscribers in all.
        max_per_topic: subscribers of one topic.

    """

    _max_subscribers: int = attrs.field(default=MAX_SUBSCRIBERS, kw_only=True)
    _max_per_topic: int = attrs.field(default=MAX_SUBSCRIBERS_PER_TOPIC, kw_only=True)
    _subscribers: "dict[str, set[PushSubscriber]]" = attrs.field(factory=dict, init=False)
    """By topic."""
    _count: int = attrs.field(default=0, init=False)
    _pings: "PingRounds[PushSubscriber]" = attrs.field(
        factory=lambda: PingRounds(PING_TURNS), init=False
    )
    # A server's frames are not masked: the same frame serves all subscribers.
    _frames: Connection = attrs.field(factory=_server_connection, init=False)

    _log = Logger()

    def __len__(self) -> int:
        """Return how many subscribers there are."""
        return self._count

    @property
    def most(self) -> int:
        """How many subscribers there may be."""
        return self._max_subscribers

    def topics(self) -> list[str]:
        """Return the topics that have subscribers."""
        return list(self._subscribers)

    def has_capacity(self, topic: str) -> bool:
        """Return whether one more may subscribe to a topic."""
        here = len(self._subscribers.get(topic, ()))
        return self._count < self._max_subscribers and here < self._max_per_topic

    def has_subscribers(self, topic: str) -> bool:
        """Return whether anybody subscribes to a topic."""
        return topic in self._subscribers

    def add(self, subscriber: "PushSubscriber") -> None:
        """Add a subscriber, which gets all messages of its topic from now on."""
        self._subscribers.setdefault(subscriber.topic, set()).add(subscriber)
        self._pings.add(subscriber)
        self._count += 1

    def remove(self, subscriber: "PushSubscriber") -> None:
        """Remove a subscriber. Does nothing if it was removed before."""
        subscribers = self._subscribers.get(subscriber.topic, set())
        if subscriber in subscribers:
            subscribers.remove(subscriber)
            self._pings.remove(subscriber)
            self._count -= 1
            if not subscribers:
                del self._subscribers[subscriber.topic]

    def publish(self, topic: str, message: BytesMessage | TextMessage) -> None:
        """Send a message to all subscribers of a topic. Raises nothing, whatever they do."""
        if topic in self._subscribers:
            frame = self._frames.send(message)
            self._for_each(self._subscribers[topic], lambda each: each.deliver(frame))

    def tick(self) -> None:
        """Disconnect those that are dead of the subscribers whose turn it is, and ping the others.

        Call this ``PING_TURNS`` times in each ``PING_INTERVAL``.
        """
        self._for_each(self._pings.next(), PushSubscriber.tick)

    def close(self) -> None:
        """Close all connections with the status that the server is going away."""
        for subscribers in tuple(self._subscribers.values()):
            self._for_each(subscribers, lambda each: each.close(_GOING_AWAY))

    def _for_each(
        self, subscribers: "Iterable[PushSubscriber]", act: "Callable[[PushSubscriber], None]"
    ) -> None:
        for each in tuple(subscribers):
            try:
                act(each)
            except Exception:  # noqa: BLE001 - no subscriber may disturb another
                self._log.failure("a push subscriber failed")
                self.remove(each)
                each.abort()


@implementer(IPushProducer)
@attrs.define(eq=False, slots=False, repr=False)
class PushSubscriber(Protocol):
    """A WebSocket connection that subscribes to a topic. Its transport is a ``BoundedChannel``."""

    _hub: PushHub
    topic: str
    _on_excess: Callable[[], object] = attrs.field(default=lambda: None)
    """Called before it is cut off as it sends more than listeners do."""
    transport: BoundedChannel = attrs.field(init=False)
    _connection: Connection = attrs.field(factory=_server_connection, init=False)
    _alive: bool = attrs.field(default=True, init=False)
    """Whether anything arrived since the last ping."""
    _closing: bool = attrs.field(default=False, init=False)
    _paused: bool = attrs.field(default=False, init=False)
    _backlog: int = attrs.field(default=0, init=False)
    """Bytes written while paused."""
    _inbound: int = attrs.field(default=0, init=False)
    """Bytes that arrived since the last ping."""
    _frame_count: int = attrs.field(default=0, init=False)
    """Frames that arrived since then."""

    def connectionMade(self) -> None:
        """Subscribe to the topic."""
        self._hub.add(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Unsubscribe."""
        self._closing = True
        self._hub.remove(self)

    def dataReceived(self, data: bytes) -> None:
        """Answer ping and close frames; ignore everything else."""
        self._alive = True
        self._inbound += len(data)
        if self._closing:
            return
        if self._inbound > INBOUND_LIMIT:
            self._cut_off()
            return
        try:
            self._connection.receive_data(data)
            for event in self._connection.events():
                self._frame_count += 1
                if self._frame_count > FRAMES_LIMIT:
                    self._cut_off()
                    return
                if isinstance(event, Ping):
                    self._write(self._connection.send(event.response()))
                elif isinstance(event, CloseConnection):
                    self._answer_close(event)
        except ProtocolError:
            self.abort()

    def _cut_off(self) -> None:
        self._on_excess()
        self.abort()

    def deliver(self, frame: bytes) -> None:
        """Send a frame with a message."""
        if not self._closing:
            self._write(frame)

    def tick(self) -> None:
        """Disconnect the client if it is dead, or ping it."""
        if self._closing or not self._alive:
            self.abort()
            return
        self._alive = False
        self._inbound = self._frame_count = 0
        self._write(self._connection.send(Ping()))

    def close(self, code: int) -> None:
        """Close the connection with a status code, after what was written to it."""
        if not self._closing:
            self._write(self._connection.send(CloseConnection(code)))
            self._lose()

    def abort(self) -> None:
        """Close the connection immediately."""
        self._closing = True
        self.transport.abort()

    def pauseProducing(self) -> None:
        """Count what is written from now on: the connection's buffer is full."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Stop counting: the connection's buffer is empty."""
        self._paused = False
        self._backlog = 0

    def stopProducing(self) -> None:
        """Write nothing more: the connection is lost."""
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
                self.abort()
                return
        self.transport.write(data)
