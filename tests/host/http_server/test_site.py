"""Connections without a network: who says nothing, or too much, is let go of in time."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from qabel.host.http_server.channel import LINGER_TIME
from tests.host.http_server.conftest import REQUEST_TIME

GET = b"GET /secret HTTP/1.1\r\nHost: x\r\n\r\n"


def lose(channel: Any) -> None:
    """Have a connection end."""
    channel.connectionLost(Failure(connectionDone.value))


def test_nothing_ticks_while_nothing_happens(server: Any) -> None:
    """Without connections there is no timer, so that the machine can sleep."""
    assert server.clock.getDelayedCalls() == []


def test_a_silent_client_is_let_go_of(server: Any) -> None:
    """A client that sends nothing is asked to go, then cut off."""
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
    """Each byte that comes does not begin the time anew."""
    channel, line = server.connect()
    channel.dataReceived(b"GET ")
    for _ in range(int(REQUEST_TIME) - 1):
        server.clock.advance(1)
        channel.dataReceived(b"/")
    assert line.value() == b""
    server.clock.advance(1)
    assert line.value() == b"too slow"
    channel.dataReceived(b"more")
    server.clock.advance(LINGER_TIME)
    assert line.aborted


def test_what_is_not_http_is_refused(server: Any) -> None:
    """Neither rubbish nor an endless line is taken for a request."""
    for rubbish in (b"hello\r\n\r\n", b"GET /" + b"a" * 70000):
        channel, line = server.connect()
        channel.dataReceived(rubbish)
        assert line.value() == b"malformed"
        lose(channel)


def test_a_large_body_is_refused(server: Any) -> None:
    """It is, whether its length is told or not, and nothing that follows is handled."""
    for head in (b"Content-Length: 11\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nb\r\n"):
        channel, line = server.connect()
        channel.dataReceived(b"POST / HTTP/1.1\r\nHost: x\r\n" + head + b"x" * 11 + b"\r\n" + GET)
        assert line.value() == b"too large"
        assert not hasattr(server.resource, "request")
        lose(channel)


def test_too_many_connections(server: Any) -> None:
    """One that waits for nothing makes room; those with a request do not."""
    idle, idle_line = server.connect()
    busy, _ = server.connect()
    busy.dataReceived(GET)
    third, third_line = server.connect()
    assert idle_line.aborted
    lose(idle)
    third.dataReceived(GET)
    _, fourth_line = server.connect()
    assert fourth_line.value() == b"full"
    assert fourth_line.disconnecting
    assert not third_line.aborted
    assert server.site.connections == 2


def test_another_protocol_takes_over(server: Any) -> None:
    """After a handshake all bytes go to the other protocol, which hears of the end too."""
    heard: list[object] = []

    class Successor(Protocol):
        def dataReceived(self, data: bytes) -> None:
            heard.append(data)

        def connectionLost(self, reason: object = None) -> None:
            heard.append("lost")

    channel, line = server.connect()
    channel.dataReceived(GET)
    successor = Successor()
    channel.upgrade(successor)
    channel.dataReceived(b"frame")
    successor.transport.write(b"answer")
    server.clock.advance(10 * REQUEST_TIME)
    assert line.value() == b"answer"
    assert not line.disconnecting
    lose(channel)
    assert heard == [b"frame", "lost"]


def test_closing(server: Any) -> None:
    """Idle connections are ended, those with a request get a little time, then all are cut."""
    idle, idle_line = server.connect()
    busy, busy_line = server.connect()
    busy.dataReceived(GET)
    closed = Deferred.fromCoroutine(server.site.close(grace=2))
    assert idle_line.disconnecting
    lose(idle)
    assert server.site.buildProtocol(None) is None
    server.clock.advance(1)
    assert not closed.called
    assert not busy_line.aborted
    server.clock.advance(1)
    assert closed.called
    assert busy_line.aborted
    server.resource.request.notifyFinish().addErrback(lambda _: None)
    lose(busy)
    assert server.clock.getDelayedCalls() == []


def test_closing_ends_with_the_last_response(server: Any) -> None:
    """Nobody is waited for once all are answered."""
    channel, line = server.connect()
    channel.dataReceived(GET)
    closed = Deferred.fromCoroutine(server.site.close(grace=2))
    server.resource.request.finish()
    assert line.disconnecting
    lose(channel)
    assert closed.called
    assert server.clock.getDelayedCalls() == []


def test_a_request_shows_nothing(server: Any) -> None:
    """The text of a request, which may get into logs, does not have its path."""
    channel, _ = server.connect()
    channel.dataReceived(GET)
    assert "secret" not in repr(server.resource.request)
