"""WebSocket push over real sockets: what listeners get, and that none of them can hurt another."""

import re
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, gatherResults
from twisted.web.http_headers import Headers
from twisted.web.websocket import WebSocketClientEndpoint
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from qabel.dropserver.push_hub import (
    BACKLOG_LIMIT,
    INBOUND_LIMIT,
    BadHandshake,
    PushHub,
    PushSubscriber,
    accept_handshake,
)

A = "/" + "aB3-_" * 8 + "xyz"
B = "/" + "C" * 43

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
GOOD = {
    "Upgrade": "websocket",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}


class Ear:
    """A client's side of a WebSocket, on a connection that speaks bytes."""

    def __init__(self, conversation: Any, head: str) -> None:
        self.conversation = conversation
        self.head = head
        self.events: list[Event] = []
        self._connection = Connection(ConnectionType.CLIENT)
        self._taken = len(head)

    def send(self, event: Event) -> None:
        """Send an event."""
        self.conversation.transport.write(self._connection.send(event))

    async def hear(self, count: int) -> list[Event]:
        """Wait until there were that many events in all."""

        def enough(data: bytes) -> bool:
            self._connection.receive_data(data[self._taken :])
            self._taken = len(data)
            self.events += self._connection.events()
            return len(self.events) >= count

        await self.conversation.until(enough)
        return self.events


async def listen(server: Any, path: str, protocol: str | None = None) -> Ear:
    """Open a WebSocket on a drop."""
    headers = GOOD | ({} if protocol is None else {"Sec-WebSocket-Protocol": protocol})
    conversation = await server.connect()
    lines = [f"GET {path}/ws HTTP/1.1", "Host: x", *(f"{n}: {v}" for n, v in headers.items())]
    conversation.transport.write("\r\n".join([*lines, "", ""]).encode())
    data = await conversation.until(lambda data: b"\r\n\r\n" in data)
    return Ear(conversation, data[: data.index(b"\r\n\r\n") + 4].decode())


@pytest_twisted.ensureDeferred
async def test_a_message_is_pushed_as_deployed(running: Any) -> None:
    """A frame is header lines, an empty line and the message, with the values that GET gives."""
    async with running(now=lambda: 1795419565.712275) as server:
        ear = await listen(server, A, "v0.ws.drop.qabel.de")
        await server.post(B, b"for another drop")
        await server.post(A, b"a\n\nmessage\r\n")
        (event,) = await ear.hear(1)
        latest = (await server.ask("HEAD", A)).headers["X-Qabel-Latest"]
    assert isinstance(event, BytesMessage)
    assert event.data == (
        f"X-Qabel-Latest: {latest}\nLast-Modified: Mon, 23 Nov 2026 07:39:25 GMT\n\n"
    ).encode() + (b"a\n\nmessage\r\n")


@pytest_twisted.ensureDeferred
async def test_frames_come_in_the_order_of_their_stamps(running: Any) -> None:
    """Of many messages at once each is pushed, at once, in the order in which GET gives them."""
    async with running() as server:
        ears = [await listen(server, A) for _ in range(3)]
        await gatherResults([Deferred.fromCoroutine(server.post(A, b"%d" % n)) for n in range(40)])
        heard = [[event.data for event in await ear.hear(40)] for ear in ears]
    assert heard[0] == heard[1] == heard[2]
    stamps = [re.match(rb"X-Qabel-Latest: ([0-9.]+)\n", frame)[1] for frame in heard[0]]
    assert stamps == sorted(set(stamps), key=float)


@pytest_twisted.ensureDeferred
async def test_the_handshake_is_answered_as_the_standard_says(running: Any) -> None:
    """The example of RFC 6455, with the subprotocol where it was offered."""
    async with running() as server:
        plain = await listen(server, A)
        offered = await listen(server, A, "other, v0.ws.drop.qabel.de")
        foreign = await listen(server, A, "other")
    assert plain.head == (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    )
    assert "\r\nSec-WebSocket-Protocol: v0.ws.drop.qabel.de\r\n" in offered.head
    assert "Sec-WebSocket-Protocol" not in foreign.head


@pytest_twisted.ensureDeferred
async def test_twisteds_own_client_understands_it(running: Any) -> None:
    """Another implementation of WebSockets gets the message too."""
    got: Deferred[bytes] = Deferred()

    class Client:
        def negotiationStarted(self, transport: Any) -> None:
            self.transport = transport

        def negotiationFinished(self) -> None: ...
        def pongReceived(self, payload: bytes) -> None: ...
        def textMessageReceived(self, message: str) -> None: ...
        def connectionLost(self, reason: Any) -> None: ...

        def bytesMessageReceived(self, data: bytes) -> None:
            got.callback(bytes(data))

    class Factory:
        def buildProtocol(self, url: str) -> Client:
            return Client()

    async with running() as server:
        url = f"ws://127.0.0.1:{server.port}{A}/ws"
        from twisted.internet import reactor

        client = await WebSocketClientEndpoint.new(reactor, url).connect(Factory())
        await server.post(A, b"hello")
        assert (await got).endswith(b"\n\nhello")
        client.transport.loseConnection()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Upgrade": "h2c"}, 400),
        ({"Connection": "close"}, 400),
        ({"Sec-WebSocket-Key": ""}, 400),
        ({"Sec-WebSocket-Key": "short"}, 400),
        ({"Sec-WebSocket-Version": "8"}, 426),
    ],
)
def test_what_is_no_handshake_is_refused(changes: dict[str, str], status: int) -> None:
    """Each part of a handshake must be there."""
    with pytest.raises(BadHandshake) as caught:
        accept_handshake(Headers({name: [value] for name, value in (GOOD | changes).items()}))
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", A + "/ws", {}, 400),
        ("GET", "/short/ws", GOOD, 400),
        ("GET", A + "/ws/", GOOD, 404),
        ("POST", A + "/ws", GOOD, 405),
        ("GET", A + "/ws", GOOD | {"Sec-WebSocket-Version": "8"}, 426),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_bad_request_for_push_is_answered(
    running: Any, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """What is no proper request to listen gets an HTTP answer, and no log entry with its path."""
    async with running() as server:
        headers = {name: value for name, value in headers.items() if name != "Connection"}
        lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close, Upgrade"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        conversation = await server.connect()
        conversation.transport.write("\r\n".join([*lines, "", ""]).encode())
        data = await conversation.until(lambda data: b"\r\n\r\n" in data)
        conversation.transport.loseConnection()
        await conversation.closed
    assert data.startswith(b"HTTP/1.1 %d " % status)


@pytest_twisted.ensureDeferred
async def test_pings_are_answered_and_messages_passed_over(running: Any) -> None:
    """A client may ping, and say what it likes; it ends the connection when it likes."""
    async with running() as server:
        ear = await listen(server, A)
        ear.send(TextMessage("anything"))
        ear.send(BytesMessage(b"x" * 100_000))
        ear.send(Ping(b"still there?"))
        assert await ear.hear(1) == [Pong(b"still there?")]
        await server.post(A, b"1")
        await ear.hear(2)
        ear.send(CloseConnection(1000))
        events = await ear.hear(3)
        assert isinstance(events[2], CloseConnection)
        await ear.conversation.closed.addTimeout(5, _reactor())


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\xff" * 100,
        b"\x81\x05hello",  # not masked
        b"\x81\x82\0\0\0\0\xff\xff",  # no UTF-8
        b"\x88\x81\0\0\0\0\x00",  # a close of one byte
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
@pytest_twisted.ensureDeferred
async def test_rubbish_ends_only_its_own_connection(running: Any, rubbish: bytes) -> None:
    """A client that breaks the protocol is closed, nothing is logged; others hear what comes."""
    async with running() as server:
        bad, good = await listen(server, A), await listen(server, A)
        bad.conversation.transport.write(rubbish)
        await bad.conversation.closed.addTimeout(5, _reactor())
        assert (await server.post(A, b"1")).status == 200
        assert len(await good.hear(1)) == 1


@pytest_twisted.ensureDeferred
async def test_a_stopping_server_says_goodbye(running: Any) -> None:
    """Listeners learn that the server goes away."""
    async with running() as server:
        ear = await listen(server, A)
    (event,) = await ear.hear(1)
    assert isinstance(event, CloseConnection)
    assert event.code == 1001
    await ear.conversation.closed


class Line:
    """What a listener writes to, in memory."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.ended: list[str] = []
        self.broken = False

    def write(self, data: bytes) -> None:
        """Take bytes, or break."""
        if self.broken:
            raise OSError("broken")
        self.written.append(data)

    def loseConnection(self) -> None:
        """Note a polite end."""
        self.ended.append("lose")

    def abortConnection(self) -> None:
        """Note a cut."""
        self.ended.append("abort")


def listener(hub: PushHub, drop_id: str = "A") -> tuple[PushSubscriber, Line]:
    """Give a listener at a hub."""
    line = Line()
    made = PushSubscriber(hub, drop_id)
    made.makeConnection(line)
    return made, line


def test_a_slow_listener_is_cut_off() -> None:
    """One that does not take what it gets is cut off at a limit, and the next gets everything."""
    hub = PushHub()
    slow, slow_line = listener(hub)
    _, quick_line = listener(hub)
    slow.pauseProducing()
    count = BACKLOG_LIMIT // 2000 + 2
    for stamp in range(count):
        hub.publish("A", stamp, b"x" * 2000)
    assert slow_line.ended == ["abort"]
    assert sum(map(len, slow_line.written)) <= BACKLOG_LIMIT
    assert len(quick_line.written) == count


def test_a_listener_that_catches_up_is_kept() -> None:
    """What has been taken counts no more."""
    hub = PushHub()
    made, line = listener(hub)
    for _ in range(10):
        made.pauseProducing()
        for stamp in range(BACKLOG_LIMIT // 4000):
            hub.publish("A", stamp, b"x" * 2000)
        made.resumeProducing()
    assert line.ended == []


def test_a_listener_that_fails_hurts_nobody(logged_failures: Any) -> None:
    """If one connection breaks in the middle of a round, it is let go of, and the round goes on."""
    hub = PushHub()
    lines = [listener(hub)[1] for _ in range(3)]
    lines[1].broken = True
    hub.publish("A", 1, b"1")
    hub.publish("A", 2, b"2")
    assert [len(line.written) for line in lines] == [2, 0, 2]
    assert lines[1].ended == ["abort"]
    assert len(logged_failures.flush()) == 1


def test_the_dead_are_cut_off() -> None:
    """One that sends nothing from one ping to the next is dead; one that answers is not."""
    hub = PushHub()
    _, dead_line = listener(hub)
    alive, alive_line = listener(hub)
    hub.tick()
    alive.dataReceived(Connection(ConnectionType.CLIENT).send(Pong()))
    hub.tick()
    assert (dead_line.ended, alive_line.ended) == (["abort"], [])
    assert alive_line.written == [b"\x89\x00", b"\x89\x00"]


def test_a_talkative_listener_is_cut_off() -> None:
    """One that sends without end is cut off, and what it sends is not held."""
    made, line = listener(PushHub())
    made.dataReceived(b"\x82\xff" + (2**40).to_bytes(8) + b"\0" * 4)
    for _ in range(INBOUND_LIMIT // 65536 + 1):
        made.dataReceived(b"x" * 65536)
    assert line.ended == ["abort"]


def test_listeners_are_bounded() -> None:
    """There is room for so many on a drop, and so many in all; who leaves makes room."""
    hub = PushHub(max_subscribers=3, max_per_drop=2)
    first, _ = listener(hub, "A")
    listener(hub, "A")
    assert not hub.has_capacity("A")
    listener(hub, "B")
    assert not hub.has_capacity("C")
    first.connectionLost()
    first.connectionLost()
    assert hub.has_capacity("C")
    assert hub.has_capacity("A")


def _reactor() -> Any:
    from twisted.internet import reactor

    return reactor
