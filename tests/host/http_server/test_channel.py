"""One connection: who is slow, says too much or reads nothing costs neither time nor memory."""

from typing import Any

from twisted.internet.protocol import Protocol

from qabel.host.http_server.channel import LINGER_TIME, READ_AHEAD
from tests.host.http_server.conftest import GET, REQUEST_TIME, lose

POST = b"POST / HTTP/1.1\r\nHost: x\r\n"


def test_a_silent_client_is_let_go_of(server: Any) -> None:
    """The connection of a client that sends nothing is closed, then cut."""
    channel, line = server.connect()
    channel.dataReceived(GET)
    server.resource.request.finish()
    server.clock.advance(REQUEST_TIME - 1)
    assert not line.disconnecting
    server.clock.advance(1)
    assert line.disconnecting
    assert not line.aborted
    server.clock.advance(LINGER_TIME)
    assert line.aborted


def test_a_slow_request_is_refused(server: Any) -> None:
    """The bytes that arrive do not begin the time of a request anew."""
    channel, line = server.connect()
    channel.dataReceived(b"GET ")
    for _ in range(int(REQUEST_TIME) - 1):
        server.clock.advance(1)
        channel.dataReceived(b"/")
    assert line.value() == b""
    server.clock.advance(1)
    assert line.value() == b"too slow"
    assert line.half_closed
    channel.dataReceived(b"more")
    server.clock.advance(LINGER_TIME)
    assert line.aborted


def test_a_body_must_arrive_in_time_too(server: Any) -> None:
    """A client that stops in the middle of a body is refused."""
    channel, line = server.connect()
    channel.dataReceived(POST + b"Content-Length: 10\r\n\r\n12345")
    server.clock.advance(REQUEST_TIME)
    assert line.value() == b"too slow"


def test_what_is_not_http_is_refused(server: Any) -> None:
    """Neither garbage nor what is too long, too many or too large to parse is a request."""
    for garbage in (
        b"hello\r\n\r\n",
        b"GET /" + b"a" * 70000,
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: %s\r\n" % (b"b" * 1000) * 20,
        b"GET / HTTP/1.1\r\na: b\r\n" + b" c\r\n" * 20000,
        POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nz\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"e" * 70000,
    ):
        channel, line = server.connect()
        channel.dataReceived(garbage)
        channel.dataReceived(GET)
        assert line.value() == b"malformed", garbage[:100]
        lose(channel)
    assert server.resource.requests == []


def test_a_refusal_follows_the_response_before_it(server: Any) -> None:
    """What was answered before garbage arrived is sent, then the refusal."""
    channel, line = server.connect()
    channel.dataReceived(GET + b"garbage\r\n")
    server.resource.request.write(b"answer")
    server.resource.request.finish()
    assert line.value().endswith(b"answer\r\n0\r\n\r\nmalformed")


def test_a_refused_client_is_read_on(server: Any) -> None:
    """What a refused client still sends is read and discarded, even if it was not read before."""
    channel, line = server.connect()
    channel.dataReceived(GET)
    channel.pauseProducing()
    channel.dataReceived(b"garbage\r\n" + b"x" * READ_AHEAD)
    assert not line.is_read
    server.resource.request.finish()
    assert line.value().endswith(b"malformed")
    assert line.is_read


def test_pipelined_requests_are_handled_one_by_one(server: Any) -> None:
    """A request waits for the response to the one before it, in whatever pieces they arrive."""
    channel, _ = server.connect()
    stream = b"".join(GET.replace(b"secret", b"%d" % number) for number in range(50))
    channel.dataReceived(stream[:100])
    for start in range(100, len(stream), 7):
        channel.dataReceived(stream[start : start + 7])
    for number in range(50):
        assert server.resource.request.path == b"/%d" % number
        assert len(server.resource.requests) == number + 1
        server.resource.request.finish()
    assert len(server.resource.requests) == 50


def test_a_client_is_not_read_far_ahead(server: Any) -> None:
    """While a request is handled, little is read, even if its response cannot be written."""
    for is_full in (False, True):
        channel, line = server.connect()
        channel.dataReceived(GET)
        if is_full:
            channel.pauseProducing()
        channel.dataReceived(b"x" * READ_AHEAD)
        assert line.is_read
        channel.dataReceived(b"x")
        assert not line.is_read
        if is_full:
            channel.resumeProducing()
        server.resource.request.finish()
        assert line.is_read
        lose(channel)


def test_requests_wait_until_responses_are_read(server: Any) -> None:
    """A client that does not read its responses gets no further request handled."""
    channel, _ = server.connect()
    channel.dataReceived(GET * 3)
    channel.pauseProducing()
    server.resource.request.finish()
    server.clock.advance(REQUEST_TIME - 1)
    assert len(server.resource.requests) == 1
    channel.resumeProducing()
    assert len(server.resource.requests) == 2
    server.clock.advance(10 * REQUEST_TIME)
    server.resource.request.finish()
    assert len(server.resource.requests) == 3


def test_a_client_that_reads_no_response_is_cut_off(server: Any) -> None:
    """A request that waits for its client to read is dropped after some time."""
    channel, line = server.connect()
    channel.dataReceived(GET * 2)
    channel.pauseProducing()
    server.resource.request.finish()
    server.clock.advance(REQUEST_TIME)
    assert line.aborted
    lose(channel)
    assert len(server.resource.requests) == 1
    assert server.clock.getDelayedCalls() == []


def test_the_last_response_is_not_waited_for_long(server: Any) -> None:
    """Who asked for the connection to be closed has some time to read, and is not heard again."""
    for ending in (b"GET / HTTP/1.0\r\n\r\n", GET[:-2] + b"Connection: close\r\n\r\n"):
        channel, line = server.connect()
        channel.dataReceived(ending)
        server.resource.request.finish()
        asked = len(server.resource.requests)
        written = line.value()
        channel.dataReceived(GET)
        assert line.disconnecting
        server.clock.pump([REQUEST_TIME, LINGER_TIME])
        assert line.aborted
        assert (len(server.resource.requests), line.value()) == (asked, written)
        lose(channel)


def test_leave_to_send_a_body(server: Any) -> None:
    """A client that asks before it sends a body is told to go on, unless it is refused."""
    expect = POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    channel, line = server.connect()
    channel.dataReceived(expect % 10)
    assert line.value() == b"HTTP/1.1 100 Continue\r\n\r\n"
    lose(channel)
    channel, line = server.connect()
    channel.dataReceived(expect % 11)
    assert line.value() == b"too large"


def test_a_producer_learns_that_the_connection_is_full(server: Any) -> None:
    """Whoever begins to write to a connection that is full already is paused."""
    channel, _ = server.connect()
    channel.dataReceived(GET)
    channel.pauseProducing()
    told: list[str] = []

    class Producer:
        def pauseProducing(self) -> None:
            told.append("pause")

        def resumeProducing(self) -> None:
            told.append("resume")

    channel.registerProducer(Producer(), True)
    assert told == ["pause"]
    channel.resumeProducing()
    assert told == ["pause", "resume"]


class Successor(Protocol):
    """A protocol that remembers what it heard."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def dataReceived(self, data: bytes) -> None:
        """Note what arrived."""
        self.heard.append(data)

    def connectionLost(self, reason: object = None) -> None:
        """Note the end."""
        self.heard.append("lost")


def test_another_protocol_takes_over(server: Any) -> None:
    """After a handshake all bytes go to the other protocol, which hears of the end too."""
    channel, line = server.connect()
    channel.dataReceived(GET)
    successor = Successor()
    channel.upgrade(successor)
    channel.dataReceived(b"frame")
    successor.transport.write(b"answer")  # type: ignore[union-attr]
    server.clock.advance(10 * REQUEST_TIME)
    assert line.value() == b"answer"
    assert not line.disconnecting
    lose(channel)
    assert successor.heard == [b"frame", "lost"]


def test_another_protocol_gets_what_came_with_the_handshake(server: Any) -> None:
    """What arrived together with a handshake is not lost, and reading goes on."""
    successor = Successor()
    channel, line = server.connect()

    def render(request: Any) -> int:
        channel.upgrade(successor)
        return 1  # NOT_DONE_YET

    channel.dataReceived(GET)
    channel.dataReceived(GET + b"x" * READ_AHEAD)
    channel.pauseProducing()
    server.resource.render = render
    server.resource.request.finish()
    assert not line.is_read
    channel.resumeProducing()
    assert successor.heard == [b"x" * READ_AHEAD]
    assert line.is_read
