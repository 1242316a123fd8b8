"""The recording proxy, between real sockets."""

import socket
from collections.abc import AsyncIterator

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from tests.anonymity.recorder import ANSWERS, CLOSED, REFUSED, Recorder
from tests.anonymity.recording import PUSH
from tests.anonymity.socks import SocksProxy
from tests.net.servers import Connection, Server, accept_push, until

NOTHING = b"HTTP/1.1 304 Not Modified\r\n\r\n"


class Client:
    """A client with a blocking socket, whose calls run in a thread."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=5)

    def send(self, data: bytes) -> None:
        """Send something."""
        self._socket.sendall(data)

    def take(self) -> "Deferred[bytes]":
        """Wait for something; fires with b"" at the end of the connection."""
        return deferToThread(self._take)

    def ask(self, data: bytes) -> "Deferred[bytes]":
        """Send something, and wait for the response."""
        self.send(data)
        return self.take()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _take(self) -> bytes:
        try:
            return self._socket.recv(65536)
        except ConnectionResetError:
            return b""


class Place:
    """A server, the recorder in front of it, and clients."""

    def __init__(self, server: Server, recorder: Recorder, port: int) -> None:
        self.server, self.recorder, self.port = server, recorder, port
        self.clients: list[Client] = []

    def client(self, port: int | None = None) -> Client:
        """Connect."""
        client = Client(port or self.port)
        self.clients.append(client)
        return client


def respond(connection: Connection, request: bytes) -> None:
    """Respond as a drop server with nothing new does."""
    if b"/ws " in request:
        connection.send(accept_push(request))
    elif request.startswith(b"POST"):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    else:
        connection.send(NOTHING)


@pytest_twisted.async_yield_fixture
async def place() -> AsyncIterator[Place]:
    """Run a server and a recorder."""
    server = Server(respond).listen()
    recorder = Recorder(reactor, server.number)
    made = Place(server, recorder, await recorder.listen())
    yield made
    for each in made.clients:
        each.close()
    await recorder.go_away()
    await until(lambda: not recorder.open)
    await server.stop()


def get(drop: str, more: str = "") -> bytes:
    """Return a request to read a drop."""
    return f"GET /{drop}{more} HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key: x\r\n\r\n".encode()


POST = b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"


@pytest_twisted.ensureDeferred
async def test_exchanges_are_recorded(place: Place) -> None:
    """Requests and responses pass unchanged, and are recorded with their connection and times."""
    one, other = place.client(), place.client()
    assert await one.ask(get("a")) == NOTHING
    assert (await one.ask(POST)).startswith(b"HTTP/1.1 200")
    assert (await other.ask(get("a", "/ws"))).startswith(b"HTTP/1.1 101")
    seen = place.recorder.exchanges
    assert [(each.method, each.drop, each.status) for each in seen] == [
        ("GET", "a", 304),
        ("POST", "b", 200),
        (PUSH, "a", 101),
    ]
    assert seen[0].connection == seen[1].connection != seen[2].connection
    assert seen[1].body == b"hello"
    assert all(each.began <= each.over for each in seen)
    assert seen[0].over <= seen[1].began


@pytest.mark.parametrize("kind", sorted(ANSWERS))
@pytest_twisted.ensureDeferred
async def test_one_drop_is_treated_badly(place: Place, kind: str) -> None:
    """Reads of one drop get another response; those of other drops do not, nor do postings."""
    place.recorder.provoke({"b": kind})
    bad, good = place.client(), place.client()
    assert (await bad.ask(get("b"))).startswith(ANSWERS[kind])
    assert await good.ask(get("a")) == NOTHING
    assert (await good.ask(POST)).startswith(b"HTTP/1.1 200")
    assert [each.status for each in place.recorder.exchanges] == [
        int(ANSWERS[kind][9:12]),
        304,
        200,
    ]
    place.recorder.provoke({})
    assert await place.client().ask(get("b")) == NOTHING


@pytest_twisted.ensureDeferred
async def test_postings_are_refused(place: Place) -> None:
    """Only what is posted to the drop is refused."""
    place.recorder.provoke({"b": REFUSED})
    client = place.client()
    assert (await client.ask(POST)).startswith(b"HTTP/1.1 503")
    assert await client.ask(get("b")) == NOTHING


@pytest_twisted.ensureDeferred
async def test_push_is_closed(place: Place) -> None:
    """WebSockets of the drop are closed, and so are new ones; those of others are not."""
    old, new, good = place.client(), place.client(), place.client()
    for client, drop in ((old, "b"), (good, "a")):
        assert (await client.ask(get(drop, "/ws"))).startswith(b"HTTP/1.1 101")
    place.recorder.provoke({"b": CLOSED})
    assert await old.take() == b""
    assert await new.ask(get("b", "/ws")) == b""
    [push] = [each for each in place.server.connections if get("a", "/ws") in each.requests]
    push.send(b"\x82\x05hello")
    assert await good.take() == b"\x82\x05hello"


@pytest_twisted.ensureDeferred
async def test_the_server_goes_and_comes_back(place: Place) -> None:
    """While it is away, connections are closed and refused; then it is where it was."""
    client = place.client()
    assert await client.ask(get("a")) == NOTHING
    port = await place.recorder.go_away()
    assert await client.take() == b""
    with pytest.raises(ConnectionRefusedError):
        Client(port)
    assert await place.recorder.listen(port) == place.port
    assert await place.client().ask(get("a")) == NOTHING


@pytest_twisted.ensureDeferred
async def test_what_is_no_request_ends_the_connection(place: Place) -> None:
    """A connection with anything else is closed."""
    assert await place.client().ask(b"hello\r\n\r\n") == b""


@pytest_twisted.ensureDeferred
async def test_circuits_count_as_connections(place: Place) -> None:
    """Through the SOCKS proxy, connections with the same user are one, and others are not."""
    proxy = SocksProxy(reactor, place.recorder, place.port)
    port = await proxy.listen()
    for user in (b"ann", b"ann", b"bob"):
        client = place.client(port)
        assert await client.ask(b"\x05\x02\x00\x02") == b"\x05\x02"
        assert await client.ask(b"\x01\x03" + user + b"\x01x") == b"\x01\x00"
        greeted = await client.ask(b"\x05\x01\x00\x03\x07x.onion\x00\x50")
        assert greeted[:2] == b"\x05\x00"
        assert await client.ask(get("a")) == NOTHING
    without = place.client(port)
    assert await without.ask(b"\x05\x01\x00") == b"\x05\x00"
    assert (await without.ask(b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50"))[:2] == b"\x05\x00"
    assert await without.ask(get("a")) == NOTHING
    one, two, three, four = [each.connection for each in place.recorder.exchanges]
    assert one == two
    assert len({one, three, four}) == 3
    await proxy.stop()
