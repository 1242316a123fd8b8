"""The push listener: it signals new messages and always reconnects."""

import pytest
import pytest_twisted
from twisted.logger import LogLevel, formatEvent, globalLogPublisher

from qabel.drop.transport import MESSAGE_SIZE, hash_message
from qabel.drop.url import DropURL
from qabel.net.address_policy import AddressPolicy
from qabel.net.push_listener import NEWS_A_SECOND, NEWS_AT_ONCE, PushListener
from tests.net.servers import (
    DROP_ID,
    accept_push,
    always,
    frame,
    head,
    silent,
    turn,
    until,
)

DELAY = 5.0
RARELY = 1000.0


class RecordingDelay:
    """A backoff that records what it is called with, and returns growing delays."""

    def __init__(self, first):
        self.first = first
        self.failures = []

    def __call__(self, failures):
        """Return the delay."""
        self.failures.append(failures)
        return self.first * (failures + 1)


class RecordingListener(PushListener):
    """A push listener with the times at which it called ``on_news``."""

    news: list[float]
    announced: set[bytes]


@pytest.fixture
def listen(client, clock):
    """Return a function that starts listeners; they are stopped at the end."""
    listeners = []

    def start(url, policy=None):
        news, announced = [], set()

        def on_news(hashes):
            news.append(clock.seconds())
            announced.update(hashes)

        listener = RecordingListener(
            client.connector,
            policy or client.policy,
            client.isolation,
            url,
            on_news,
            clock=clock,
            delay=RecordingDelay(DELAY),
            rare_delay=RecordingDelay(RARELY),
            now=lambda: 1_000_000 + clock.seconds(),
            tokens=client.group_tokens,
        )
        listener.news, listener.announced = news, announced
        listeners.append(listener)
        listener.start()
        return listener

    yield start
    for listener in listeners:
        pytest_twisted.blockon(listener.stop())


def open_then(*data, close=False):
    """Return a handler that accepts the WebSocket and then sends the data."""
    return lambda connection, request: connection.send(
        accept_push(request) + b"".join(data), close=close
    )


@pytest_twisted.ensureDeferred
async def test_signals(listen, serve):
    """``on_news`` is called when the connection opens and for each message, whatever it holds."""
    server = serve(open_then())
    listener = listen(server.url())
    assert not listener.connected
    await until(lambda: listener.news)
    assert listener.connected
    assert listener.since == 1_000_000
    connection = server.connections[0]
    messages = [
        frame(b"X-Qabel-Latest: 1\n\n\x00\xff"),
        frame(b"text", 0x81),
        frame(b""),
        frame(b"half", 0x02) + frame(b"", 0x00) + frame(b"half", 0x80),
    ]
    for count, message in enumerate(messages, 2):
        for i in range(len(message)):
            connection.send(message[i : i + 1])
            await turn()
        await until(lambda count=count: len(listener.news) == count)
    assert listener.announced == set()
    message = b"\0" + b"m" * (MESSAGE_SIZE - 1)
    connection.send(frame(b"X-Qabel-Latest: 1\n\n" + message))
    await until(lambda: listener.announced == {hash_message(message)})
    connection.send(frame(b"one") * 500)
    await until(lambda: len(listener.news) > 6)
    await turn(0.01)
    assert len(listener.news) < 20


@pytest_twisted.ensureDeferred
async def test_what_goes_out(listen, serve):
    """The request offers the subprotocol and reveals nothing else."""
    server = serve(open_then())
    listen(server.url("127.0.0.1", f"path;x/{DROP_ID}"))
    await server.next_request()
    lines = server.requests[0].split(b"\r\n")
    key = next(line for line in lines if line.startswith(b"Sec-WebSocket-Key: "))
    assert lines == [
        f"GET /path;x/{DROP_ID}/ws HTTP/1.1".encode(),
        f"Host: 127.0.0.1:{server.number}".encode(),
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        key,
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Protocol: v0.ws.drop.qabel.de",
        b"",
        b"",
    ]


@pytest.mark.parametrize("subprotocol", [None, "v0.ws.drop.qabel.de"])
@pytest_twisted.ensureDeferred
async def test_frame_with_the_handshake(listen, serve, subprotocol):
    """A message right behind the handshake is noticed; the subprotocol need not be confirmed."""
    server = serve(
        lambda connection, request: connection.send(
            accept_push(request, subprotocol=subprotocol) + frame(b"early")
        )
    )
    listener = listen(server.url())
    await until(lambda: len(listener.news) == 2)


@pytest_twisted.ensureDeferred
async def test_pings(listen, serve, clock):
    """The server is pinged, and the connection closed if it does not respond."""
    server = serve(open_then())
    listener = listen(server.url())
    await until(lambda: listener.connected)
    connection = server.connections[0]
    for _ in range(3):
        clock.advance(30)
        await until(lambda: connection.received[:1] == b"\x89")
        connection.received = b""
        connection.send(frame(b"", 0x8A))
        await turn(0.005)
        clock.advance(15)
        assert listener.connected
        clock.advance(-15)
    clock.advance(30)
    clock.advance(15)
    await until(lambda: not listener.connected)
    await server.all_closed()
    assert "closed the push connection" in listener.error
    assert listener._delay.failures == [0]


@pytest_twisted.ensureDeferred
async def test_answers_pings(listen, serve):
    """The server's pings are answered, with a single pong for pings that arrive together."""
    server = serve(open_then(frame(b"a", 0x89) * 1000, frame(b"b", 0x89)))
    listener = listen(server.url())
    await until(lambda: server.connections and server.connections[0].received)
    assert server.connections[0].received[:2] == b"\x8a\x81"
    await turn(0.005)
    assert len(server.connections[0].received) < 50
    assert listener.connected


@pytest.mark.parametrize("data", [frame(b""), frame(b"", 0x89), frame(b"", 0x8A)])
@pytest_twisted.ensureDeferred
async def test_floods(listen, serve, clock, data):
    """A server that floods is cut off and tried again ever more rarely, which is logged once."""
    warnings = []

    def observe(event):
        if "too many push frames" in formatEvent(event):
            warnings.append(event["log_level"])

    globalLogPublisher.addObserver(observe)
    server = serve(open_then(data * 50_000))
    listener = listen(server.url())
    for number in range(1, 5):
        await until(lambda number=number: len(listener._delay.failures) == number)
        assert not listener.connected
        assert "sent too many push frames" in listener.error
        assert len(listener.news) <= 2 * number
        clock.advance(DELAY * number)
    globalLogPublisher.removeObserver(observe)
    assert listener._delay.failures == [0, 1, 2, 3]
    assert warnings == [LogLevel.warn]


@pytest_twisted.ensureDeferred
async def test_news_without_end(listen, serve, clock):
    """``on_news`` is called often at once, then a few times a second, and never lost."""
    server = serve(open_then())
    listener = listen(server.url())
    await until(lambda: listener.news)
    for seconds in range(3):
        for _ in range(2 * NEWS_AT_ONCE):
            server.connections[0].send(frame(b"one"))
            await turn()
        limit = NEWS_AT_ONCE + seconds * NEWS_A_SECOND
        assert limit - 1 <= len(listener.news) <= limit
        clock.pump([1 / NEWS_A_SECOND] * int(NEWS_A_SECOND))
    assert listener.connected
    clock.advance(10)
    count = len(listener.news)
    clock.advance(10)
    assert len(listener.news) == count
    server.connections[0].send(frame(b"one"))
    await until(lambda: len(listener.news) == count + 1)


@pytest_twisted.ensureDeferred
async def test_comes_back(listen, serve, clock):
    """It reconnects with growing delays, which a connection that lasts resets."""
    server = serve(open_then(frame(b"", 0x88), close=True))
    listener = listen(server.url())
    for number in range(1, 4):
        await until(lambda number=number: len(listener._delay.failures) == number)
        assert not listener.connected
        assert len(listener.news) == number
        clock.advance(DELAY * number)
    assert listener._delay.failures == [0, 1, 2]
    server.handle = open_then()
    await until(lambda: listener.connected)
    assert listener.error is None
    clock.advance(30)
    server.connections[-1].send(frame(b"", 0x8A))
    await turn(0.005)
    clock.advance(15)
    server.connections[-1].transport.abortConnection()
    await until(lambda: not listener.connected)
    assert listener._delay.failures[-1] == 0


@pytest.mark.parametrize(
    ("answer", "rare"),
    [
        (head("Content-Length: 5", status="404 Not Found") + b"<h1>n", True),
        (head(status="200 OK") + b"x" * 100, True),
        (head("Location: http://elsewhere.example/", status="302 Found"), True),
        (head("Content-Length: 0", status="503 Busy"), False),
        (b"rubbish\r\n\r\n", False),
        (b"\xff" * 20000, False),
        (head("X: " + "x" * 100000, status="101 Switching Protocols"), False),
        (head("Upgrade: WebSocket", status="101 Switching Protocols"), False),
        (
            head("Upgrade: WebSocket", "Connection: Upgrade", status="101 Switching Protocols"),
            False,
        ),
        (b"", False),
    ],
)
@pytest_twisted.ensureDeferred
async def test_no_push(listen, serve, clock, answer, rare):
    """A server without push is tried again rarely, one in trouble sooner."""
    server = serve(always(answer, close=True))
    listener = listen(server.url())
    await until(lambda: listener.error)
    assert listener.news == []
    assert not listener.connected
    assert listener._rare_delay.failures == ([0] if rare else [])
    assert listener._delay.failures == ([] if rare else [0])
    assert server.url().host in listener.error
    assert DROP_ID not in listener.error + repr(listener)
    assert listener.is_offered == (not rare)
    assert listener.problem is None
    await server.all_closed()
    clock.advance(RARELY if rare else DELAY)
    await until(lambda: len(server.connections) == 2)
    await until(lambda: len(listener._rare_delay.failures + listener._delay.failures) == 2)
    assert listener.problem == (None if rare else listener.error)


@pytest_twisted.ensureDeferred
async def test_a_closed_group(listen, serve, clock, client):
    """Push is offered, though not without the token: the next connection has the one of then."""
    closed = always(head("Content-Length: 0", status="401 Unauthorized"), close=True)
    server = serve(closed)
    listener = listen(server.url())
    await until(lambda: listener.error)
    assert "asks for its token (status 401)" in listener.error
    assert (listener.is_offered, listener._delay.failures) == (True, [0])
    client.group_tokens.set({server.url().server: "wrong-token"})
    clock.advance(DELAY)
    await until(lambda: listener.problem)
    assert "does not accept the group token" in listener.problem
    assert b"Authorization: Client wrong-token\r\n" in server.requests[-1]
    server.handle = open_then()
    client.group_tokens.set({server.url().server: "right-token"})
    clock.advance(2 * DELAY)
    await until(lambda: listener.connected)
    assert b"Authorization: Client right-token\r\n" in server.requests[-1]


@pytest.mark.parametrize(
    "data",
    [
        frame(b"x" * 70000),
        b"\x82\x7f" + (1 << 40).to_bytes(8) + b"x" * 70000,
        b"".join([frame(b"x" * 30000, 0x02), frame(b"x" * 30000, 0x00) * 2]),
        b"\xc2\x01x",
        b"\x82\x81maskx",
        frame(b"\xff\xfe", 0x81),
        b"\x8f\x00",
    ],
)
@pytest_twisted.ensureDeferred
async def test_bad_frames(listen, serve, data):
    """Oversized messages and invalid frames close the connection."""
    server = serve(open_then(data))
    listener = listen(server.url())
    await until(lambda: len(listener.news) and not listener.connected)
    await server.all_closed()


@pytest_twisted.ensureDeferred
async def test_hanging_handshake(listen, serve, clock):
    """A server that does not respond to the handshake is abandoned after a while."""
    server = serve(silent)
    listener = listen(server.url())
    await server.next_request()
    clock.advance(30)
    await until(lambda: listener.error)
    await server.all_closed()


@pytest_twisted.ensureDeferred
async def test_stop(listen, serve, clock):
    """Stopped at any stage it leaves no connection and no timer, and can be started again."""
    server = serve(silent)
    listener = listen(server.url())
    await listener.stop()
    await listener.stop()
    listener.start()
    listener.start()
    await server.next_request()
    await listener.stop()
    server.handle = open_then()
    listener.start()
    await until(lambda: listener.connected)
    await listener.stop()
    assert not listener.connected
    server.handle = open_then(close=True)
    listener.start()
    await until(lambda: listener.error)
    await listener.stop()
    await server.all_closed()
    assert clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_not_allowed(listen, serve):
    """A server that may not be fetched from may not be listened to either."""
    server = serve(silent)
    for url in (server.url(), DropURL.parse(f"https://127.0.0.1:{server.number}/{DROP_ID}")):
        listener = listen(url, AddressPolicy())
        await until(lambda listener=listener: listener.error)
        assert "Add it to the list to allow it" in listener.error
        assert listener._rare_delay.failures == [0]
    assert server.connections == []


@pytest_twisted.ensureDeferred
async def test_nobody_listens(listen, serve, clock):
    """A refused connection is tried again."""
    server = serve(silent)
    await server.stop_listening()
    listener = listen(server.url())
    await until(lambda: listener.error)
    assert listener._delay.failures == [0]


@pytest_twisted.ensureDeferred
async def test_news_that_fail(client, serve, clock, logged_failures):
    """An error raised by ``on_news`` is logged and does no harm."""
    server = serve(open_then())
    listener = PushListener(
        client.connector,
        client.policy,
        client.isolation,
        server.url(),
        lambda _: 1 / 0,
        clock=clock,
        delay=RecordingDelay(1),
        rare_delay=RecordingDelay(1),
    )
    listener.start()
    await until(lambda: listener.connected)
    server.connections[0].send(frame(b"more"))
    await until(lambda: len(logged_failures.events) == 2)
    assert listener.connected
    logged_failures.flush()
    await listener.stop()


@pytest_twisted.ensureDeferred
async def test_a_lost_connection_is_told_of(listen, serve):
    """``on_lost`` is called when an open connection ends, but not when it is stopped."""
    server = serve(open_then())
    listener, lost = listen(server.url()), []
    listener.on_lost = lambda: lost.append(listener.connected)
    await until(lambda: listener.connected)
    server.connections[0].send(b"", close=True)
    await until(lambda: lost)
    assert lost == [False]
    other = listen(server.url())
    other.on_lost = lambda: lost.append("stopped")
    await until(lambda: other.connected)
    await other.stop()
    assert lost == [False]
