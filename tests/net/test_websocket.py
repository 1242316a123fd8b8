"""The WebSocket client in memory, against wsproto's server side."""

import attrs
import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)

from qabel.net.websocket import (
    FRAMES_A_SECOND,
    FRAMES_AT_ONCE,
    MESSAGE_LIMIT,
    OPEN_SECONDS,
    PING_SECONDS,
    PONG_SECONDS,
    SUBPROTOCOL,
    WebSocket,
    WebSocketCallbacks,
    WebSocketFactory,
)


@attrs.define(eq=False)
class Peer:
    """A WebSocket on a transport in memory, and the server at its other end."""

    clock: Clock = attrs.field(factory=Clock)
    called: list = attrs.field(factory=list)
    server: WSConnection = attrs.field(factory=lambda: WSConnection(ConnectionType.SERVER))
    transport: StringTransport = attrs.field(factory=StringTransport)
    socket: WebSocket = attrs.field(init=False)

    def __attrs_post_init__(self):
        callbacks = WebSocketCallbacks(
            opened=lambda: self.called.append("opened"),
            received=lambda _: self.called.append("received"),
            flooded=lambda: self.called.append("flooded"),
            alive=lambda: self.called.append("alive"),
            rejected=self.called.append,
        )
        self.socket = WebSocketFactory(
            lambda: WebSocket("drop.example:8443", "/path/ws", self.clock, callbacks)
        ).buildProtocol(None)
        self.socket.makeConnection(self.transport)

    def sent(self):
        """Return the events that the client has sent since the last call."""
        self.server.receive_data(self.transport.value())
        self.transport.clear()
        return list(self.server.events())

    def send(self, *events):
        """Send events of the server in one piece."""
        self.socket.dataReceived(b"".join(map(self.server.send, events)))

    def open(self):
        """Complete the opening handshake."""
        [request] = self.sent()
        self.send(AcceptConnection(subprotocol=SUBPROTOCOL))
        return request


@pytest.fixture
def peer():
    """Return a WebSocket whose handshake is sent; its timers must be gone at the end."""
    peer = Peer()
    yield peer
    peer.socket.connectionLost()
    assert peer.clock.getDelayedCalls() == []


def test_handshake(peer):
    """The request names host and port, the path and the subprotocol."""
    request = peer.open()
    assert isinstance(request, Request)
    assert (request.host, request.target) == ("drop.example:8443", "/path/ws")
    assert request.subprotocols == [SUBPROTOCOL]
    assert peer.called == ["opened"]


def test_rejected(peer):
    """A response of plain HTTP is reported by its status, and the connection aborted."""
    peer.sent()
    peer.send(RejectConnection(status_code=404))
    assert peer.called == [404]
    assert peer.transport.disconnecting


def test_no_handshake_in_time(peer):
    """A server that does not respond to the handshake is aborted."""
    peer.clock.advance(OPEN_SECONDS - 1)
    assert not peer.transport.disconnecting
    peer.clock.advance(1)
    assert peer.transport.disconnecting


def test_messages(peer):
    """Messages that arrive together are reported once, whatever they are."""
    peer.open()
    peer.send(BytesMessage(b"one"), TextMessage("two"))
    assert peer.called == ["opened", "received"]
    peer.send(BytesMessage(b"three", message_finished=False))
    assert peer.called == ["opened", "received"]
    peer.send(BytesMessage(b"four"))
    assert peer.called == ["opened", "received", "received"]


def test_message_limit(peer):
    """A message may have MESSAGE_LIMIT bytes in all its frames, and no more."""
    peer.open()
    peer.send(BytesMessage(bytes(MESSAGE_LIMIT - 1), message_finished=False))
    peer.send(BytesMessage(b"x"))
    peer.send(BytesMessage(bytes(MESSAGE_LIMIT), message_finished=False))
    assert not peer.transport.disconnecting
    peer.send(BytesMessage(b"x", message_finished=False))
    assert peer.transport.disconnecting


def test_pings_of_the_server(peer):
    """Of pings that arrive together, only the last is answered."""
    peer.open()
    peer.send(Ping(b"one"), Ping(b"two"))
    assert peer.sent() == [Pong(b"two")]


def test_pings_of_the_client(peer):
    """The server is pinged regularly, and aborted when it sends nothing after a ping."""
    peer.open()
    peer.clock.advance(PONG_SECONDS)
    for _ in range(3):
        peer.clock.advance(PING_SECONDS - PONG_SECONDS)
        assert peer.sent() == [Ping()]
        peer.send(Pong())
        peer.clock.advance(PONG_SECONDS)
    assert peer.called == ["opened", "alive", "alive", "alive"]
    peer.clock.advance(PING_SECONDS - PONG_SECONDS)
    assert not peer.transport.disconnecting
    peer.clock.advance(PONG_SECONDS)
    assert peer.transport.disconnecting


def test_close_by_the_server(peer):
    """A close frame is answered, and the connection closed."""
    peer.open()
    peer.send(CloseConnection(1001))
    [event] = peer.sent()
    assert isinstance(event, CloseConnection)
    assert peer.transport.disconnecting


@pytest.mark.parametrize("data", [b"\xff" * 20, b"\x82\x81maskx", b"\xc2\x01x"])
def test_invalid_frames(peer, data):
    """Frames that break the protocol abort the connection."""
    peer.open()
    peer.socket.dataReceived(data)
    assert peer.transport.disconnecting


def test_when_lost(peer):
    """``when_lost`` fires at the end of the connection, at once after it, and can be cancelled."""
    first, second = peer.socket.when_lost(), peer.socket.when_lost()
    second.addErrback(lambda _: None)
    second.cancel()
    assert not first.called
    peer.socket.connectionLost()
    assert first.called
    assert peer.socket.when_lost().called


@attrs.define(eq=False)
class Counting:
    """A WebSocket connection that counts the bytes it parses."""

    inner: WSConnection
    parsed: int = 0

    def __getattr__(self, name):
        """Do everything else as before."""
        return getattr(self.inner, name)

    def receive_data(self, data):
        """Count, and parse."""
        self.parsed += len(data)
        self.inner.receive_data(data)


FLOODS = {
    "empty messages": b"\x82\x00" * 32768,
    "empty texts": b"\x81\x00" * 32768,
    "pings": b"\x89\x00" * 32768,
    "pongs": b"\x8a\x00" * 32768,
    "fragments": b"\x02\x00" + b"\x00\x00" * 32767,
    "mixed": (b"\x82\x00" + b"\x89\x00" + b"\x8a\x01x") * 9000,
}


@pytest.mark.parametrize("data", FLOODS.values(), ids=FLOODS)
def test_floods(peer, data):
    """Frames beyond the limit are not even parsed: the connection is closed, and that reported."""
    peer.open()
    peer.socket._connection = counting = Counting(peer.socket._connection)
    peer.socket.dataReceived(data)
    assert peer.transport.disconnecting
    assert peer.called == ["opened", "flooded"]
    parsed = counting.parsed
    assert parsed < 3 * (FRAMES_AT_ONCE + 300)
    peer.socket.dataReceived(data)
    assert counting.parsed == parsed
    assert peer.called == ["opened", "flooded"]


@pytest.mark.parametrize(
    ("data", "pieces", "flooded"),
    [
        (b"\x82\x00", FRAMES_A_SECOND / 2, False),
        (b"\x82\x00", FRAMES_A_SECOND, True),
        (b"\x89\x7d" + bytes(125), FRAMES_A_SECOND / 2, False),
        (b"\x89\x7d" + bytes(125), FRAMES_A_SECOND, True),
    ],
)
def test_frames_a_second(peer, data, pieces, flooded):
    """Over a minute, a server may send so many frames a second and no more."""
    peer.open()
    for _ in range(int(60 * pieces)):
        peer.clock.advance(1 / pieces)
        peer.socket.dataReceived(data)
        if peer.transport.disconnecting:
            break
    assert peer.transport.disconnecting is flooded
    assert ("flooded" in peer.called) is flooded


def test_many_pieces(peer):
    """Single bytes, each of which costs a turn, are limited like frames."""
    peer.open()
    peer.socket.dataReceived(b"\x82\x7e" + (60000).to_bytes(2))
    for _ in range(FRAMES_AT_ONCE - 10):
        peer.socket.dataReceived(b"x")
    assert not peer.transport.disconnecting
    for _ in range(10):
        peer.socket.dataReceived(b"x")
    assert peer.transport.disconnecting
    assert peer.called == ["opened", "flooded"]


def test_interim_responses(peer):
    """Of a flood of interim responses to the handshake only the first is looked at."""
    peer.sent()
    peer.socket.dataReceived(b"HTTP/1.1 100 Continue\r\n\r\n" * 3000)
    assert peer.called == [100]
    assert peer.transport.disconnecting


def test_servers_that_do_not_read(peer):
    """A connection whose pongs pile up is closed."""
    peer.open()
    assert peer.transport.streaming
    peer.transport.producer.pauseProducing()
    assert peer.transport.disconnecting
