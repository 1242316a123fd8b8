"""WebSocket push of a drop server: what subscribers get."""

import re
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, gatherResults
from twisted.web.websocket import WebSocketClientEndpoint
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

A = "/" + "aB3-_" * 8 + "xyz"
B = "/" + "C" * 43

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
GOOD = {
    "Upgrade": "websocket",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}


class PushClient:
    """The client side of a WebSocket over a raw connection."""

    def __init__(self, conversation: Any, head: str) -> None:
        self.conversation = conversation
        self.head = head
        self.events: list[Event] = []
        self._connection = Connection(ConnectionType.CLIENT)
        self._taken = len(head)

    def send(self, event: Event) -> None:
        """Send an event."""
        self.conversation.transport.write(self._connection.send(event))

    async def receive(self, count: int) -> list[Event]:
        """Wait until there have been that many events in all."""

        def enough(data: bytes) -> bool:
            self._connection.receive_data(data[self._taken :])
            self._taken = len(data)
            self.events += self._connection.events()
            return len(self.events) >= count

        await self.conversation.until(enough)
        return self.events


async def listen(server: Any, path: str, protocol: str | None = None) -> PushClient:
    """Open a WebSocket to a drop."""
    headers = GOOD | ({} if protocol is None else {"Sec-WebSocket-Protocol": protocol})
    conversation = await server.connect()
    lines = [f"GET {path}/ws HTTP/1.1", "Host: x", *(f"{n}: {v}" for n, v in headers.items())]
    conversation.transport.write("\r\n".join([*lines, "", ""]).encode())
    data = await conversation.until(lambda data: b"\r\n\r\n" in data)
    return PushClient(conversation, data[: data.index(b"\r\n\r\n") + 4].decode())


@pytest_twisted.ensureDeferred
async def test_a_message_is_pushed_as_deployed(running: Any) -> None:
    """A frame holds headers, an empty line and the message, with the same values as GET."""
    async with running(now=lambda: 1795419565.712275) as server:
        client = await listen(server, A, "v0.ws.drop.qabel.de")
        await server.post(B, b"for another drop")
        await server.post(A, b"a\n\nmessage\r\n")
        (event,) = await client.receive(1)
        latest = (await server.ask("HEAD", A)).headers["X-Qabel-Latest"]
    assert isinstance(event, BytesMessage)
    assert event.data == (
        f"X-Qabel-Latest: {latest}\nLast-Modified: Mon, 23 Nov 2026 07:39:25 GMT\n\n"
    ).encode() + (b"a\n\nmessage\r\n")


@pytest_twisted.ensureDeferred
async def test_frames_come_in_the_order_of_their_stamps(running: Any) -> None:
    """Concurrent messages are pushed in the order in which GET returns them."""
    async with running() as server:
        clients = [await listen(server, A) for _ in range(3)]
        await gatherResults([Deferred.fromCoroutine(server.post(A, b"%d" % n)) for n in range(40)])
        received = [[event.data for event in await client.receive(40)] for client in clients]
    assert received[0] == received[1] == received[2]
    stamps = [re.match(rb"X-Qabel-Latest: ([0-9.]+)\n", frame)[1] for frame in received[0]]
    assert stamps == sorted(set(stamps), key=float)


@pytest_twisted.ensureDeferred
async def test_the_handshake_is_answered_as_the_standard_says(running: Any) -> None:
    """The response is that of RFC 6455, with our subprotocol if it was offered."""
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
    """Twisted's WebSocket client receives messages too."""
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
    """An invalid request for push gets an HTTP response, and its path is not logged."""
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
    """Pings are answered, messages of the client ignored, and it may close the connection."""
    async with running() as server:
        client = await listen(server, A)
        client.send(TextMessage("anything"))
        client.send(BytesMessage(b"x" * 100_000))
        client.send(Ping(b"still there?"))
        assert await client.receive(1) == [Pong(b"still there?")]
        await server.post(A, b"1")
        await client.receive(2)
        client.send(CloseConnection(1000))
        events = await client.receive(3)
        assert isinstance(events[2], CloseConnection)
        await client.conversation.closed.addTimeout(5, _reactor())


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
    """A client that breaks the protocol is disconnected; others still get messages."""
    async with running() as server:
        bad, good = await listen(server, A), await listen(server, A)
        bad.conversation.transport.write(rubbish)
        await bad.conversation.closed.addTimeout(5, _reactor())
        assert (await server.post(A, b"1")).status == 200
        assert len(await good.receive(1)) == 1


@pytest_twisted.ensureDeferred
async def test_a_stopping_server_says_goodbye(running: Any) -> None:
    """Subscribers get a close frame when the server stops."""
    async with running() as server:
        client = await listen(server, A)
    (event,) = await client.receive(1)
    assert isinstance(event, CloseConnection)
    assert event.code == 1001
    await client.conversation.closed


def _reactor() -> Any:
    from twisted.internet import reactor

    return reactor
