"""The guard between the HTTP client and its connection, in memory and on real sockets."""

import attrs
import pytest
import pytest_twisted
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from qabel.net.connection_guard import (
    CLOSE_SECONDS,
    HEADERS_LIMIT,
    ConnectionGuard,
    GuardFactory,
)
from qabel.net.errors import HeadersTooLong, ResponseTooLarge, StaleConnection
from tests.net.servers import Flood, Taken


class Wrapped(Protocol):
    """What the guard wraps: records what it gets."""

    received = b""
    lost = None

    def dataReceived(self, data):
        """Collect bytes."""
        self.received += data

    def connectionLost(self, reason):
        """Record the reason."""
        self.lost = reason.type


class Line(StringTransport):
    """A connection in memory that records whether it was aborted."""

    aborted = False

    def abortConnection(self):
        """Record it."""
        self.aborted = True


@attrs.define(eq=False)
class Guarded:
    """A guarded connection in memory."""

    clock: Clock = attrs.field(factory=Clock)
    open: set = attrs.field(factory=set)
    line: Line = attrs.field(factory=Line)
    guard: ConnectionGuard = attrs.field(init=False)

    def __attrs_post_init__(self):
        factory = GuardFactory(
            Factory.forProtocol(Wrapped),
            self.clock,
            on_open=self.open.add,
            on_lost=self.open.discard,
        )
        self.guard = factory.buildProtocol(None)
        self.guard.makeConnection(self.line)

    def request(self):
        """Send the head of a request, as Twisted's HTTP client does."""
        self.guard.writeSequence([b"GET / HTTP/1.1\r\n\r\n"])

    def lose(self, reason=ConnectionDone):
        """End the connection and return the reason that the HTTP client sees."""
        wrapped = self.guard.wrappedProtocol
        self.guard.connectionLost(Failure(reason()))
        assert self.open == set()
        assert self.clock.getDelayedCalls() == []
        return wrapped.lost


def test_open_connections_are_reported():
    """The guard reports when its connection opens and ends."""
    guarded = Guarded()
    assert guarded.open == {guarded.guard}
    assert guarded.lose() is ConnectionDone


@pytest.mark.parametrize("piece", [1, 1000, HEADERS_LIMIT + 1])
def test_header_limit(piece):
    """Headers beyond the limit abort the connection; up to the limit they are passed on."""
    guarded = Guarded()
    guarded.request()
    for start in range(0, HEADERS_LIMIT, piece):
        guarded.guard.dataReceived(b"x" * min(piece, HEADERS_LIMIT - start))
    assert not guarded.line.aborted
    guarded.guard.dataReceived(b"x")
    assert guarded.line.aborted
    assert guarded.guard.wrappedProtocol.received == b"x" * (HEADERS_LIMIT + 1)
    assert guarded.lose() is HeadersTooLong


@pytest.mark.parametrize("piece", [1, 2, 3, 255, 256, 5000])
@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_interim_responses(piece, line_end):
    """Eight interim responses are passed on; one more aborts the connection."""
    one = line_end.join([b"HTTP/1.1 103 Early Hints", b"A: b", b"", b""])
    for count, aborted in ((8, False), (9, True)):
        guarded = Guarded()
        guarded.request()
        data = one * count
        for start in range(0, len(data), piece):
            guarded.guard.dataReceived(data[start : start + piece])
        assert guarded.line.aborted is aborted
        guarded.lose()


@pytest.mark.parametrize("end_of_headers", ["pauseProducing", "resumeProducing"])
def test_bodies_are_not_limited(end_of_headers):
    """Once the HTTP client has read the headers, the size is no concern of the guard."""
    guarded = Guarded()
    guarded.request()
    guarded.guard.dataReceived(b"x" * HEADERS_LIMIT)
    if end_of_headers == "resumeProducing":
        guarded.line.pauseProducing()
    getattr(guarded.guard, end_of_headers)()
    guarded.guard.dataReceived(b"x" * HEADERS_LIMIT)
    assert not guarded.line.aborted
    assert guarded.lose(ConnectionLost) is ConnectionLost


def test_stale_connections():
    """Only a connection that worked before and then ends without a byte is stale."""
    guarded = Guarded()
    guarded.request()
    assert guarded.lose() is ConnectionDone
    guarded = Guarded()
    guarded.request()
    guarded.guard.pauseProducing()
    guarded.request()
    assert guarded.lose() is StaleConnection
    guarded = Guarded()
    guarded.request()
    guarded.request()
    guarded.guard.dataReceived(b"H")
    assert guarded.lose() is ConnectionDone


def test_closing_is_enforced():
    """A connection that does not end after it was closed is aborted."""
    guarded = Guarded()
    guarded.guard.loseConnection()
    guarded.guard.loseConnection()
    assert guarded.line.disconnecting
    guarded.clock.advance(CLOSE_SECONDS)
    assert guarded.line.aborted
    assert guarded.lose() is ConnectionDone
    guarded = Guarded()
    guarded.guard.loseConnection()
    assert guarded.lose() is ConnectionDone


@pytest.mark.parametrize("line", [b"X: " + b"x" * 65536, b"X: y\r\n" * 10000, b" \r\n" * 10000])
@pytest_twisted.ensureDeferred
async def test_headers_without_end(client, serve, line):
    """Oversized headers, in one line or many, are cut off early."""
    flood = []

    def send(connection, _):
        connection.send(b"HTTP/1.1 200 OK\r\nA: b\r\n")
        flood.append(Flood(connection, line))
        connection.transport.registerProducer(flood[0], False)

    server = serve(send)
    with pytest.raises(ResponseTooLarge):
        await client.fetch(server.url(), None, Taken())
    await server.all_closed()
    # What the system's buffers hold was written, not much more.
    assert flood[0].written < 20_000_000


def test_a_request_that_the_end_of_a_response_leads_to():
    """A connection is stale also if the next request was sent while the last response ended."""
    guarded = Guarded()
    guarded.request()

    def respond_at_once(data):
        guarded.request()

    guarded.guard.wrappedProtocol.dataReceived = respond_at_once
    guarded.guard.dataReceived(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert guarded.lose() is StaleConnection
