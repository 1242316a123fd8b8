"""Requests: bodies within a limit, and responses that only count if there is a connection."""

from typing import Any

import pytest
from twisted.internet.error import ConnectionDone

from tests.host.http_server.conftest import GET, lose

POST = b"POST / HTTP/1.1\r\nHost: x\r\n"


def test_a_body_is_kept(server: Any) -> None:
    """A body within the limit is there in memory, however it was sent."""
    for sent in (b"Content-Length: 10\r\n\r\n0123456789", b"Transfer-Encoding: chunked\r\n\r\n"):
        channel, _ = server.connect()
        channel.dataReceived(POST + sent)
        if b"chunked" in sent:
            for digit in b"0123456789":
                channel.dataReceived(b"1\r\n%c\r\n" % digit)
            channel.dataReceived(b"0\r\n\r\n")
        assert server.resource.request.content.read() == b"0123456789"
        lose(channel)


def test_a_large_body_is_refused(server: Any) -> None:
    """It is, whether its length is told or not, and nothing that follows is handled."""
    for head in (b"Content-Length: 11\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nb\r\n"):
        channel, line = server.connect()
        channel.dataReceived(POST + head + b"x" * 11 + b"\r\n0\r\n\r\n" + GET)
        assert line.value() == b"too large"
        assert server.resource.requests == []
        lose(channel)


def test_a_request_shows_nothing(server: Any) -> None:
    """The text of a request, which may get into logs, does not have its path."""
    channel, _ = server.connect()
    channel.dataReceived(GET)
    assert "secret" not in repr(server.resource.request)


def test_a_response_to_nobody_does_not_count(server: Any) -> None:
    """A response that ends after the connection was cut is not taken for sent."""
    channel, line = server.connect()
    channel.dataReceived(GET)
    request, outcomes = server.resource.request, []
    request.notifyFinish().addBoth(outcomes.append)
    request.write(b"half")
    request.abort()
    assert not request.is_connected
    request.finish()
    assert line.aborted
    assert outcomes == []
    lose(channel)
    assert outcomes[0].check(ConnectionDone)
    with pytest.raises(RuntimeError):
        request.finish()


def test_a_request_that_is_finished_cuts_nothing(server: Any) -> None:
    """Aborting a request after its response does not concern the connection any more."""
    channel, line = server.connect()
    channel.dataReceived(GET)
    server.resource.request.finish()
    server.resource.request.abort()
    assert not line.aborted
    channel.dataReceived(GET)
    assert len(server.resource.requests) == 2


def test_a_response_is_not_sent_once_tls_has_ended(server: Any) -> None:
    """A client that ends TLS before it has read everything has not got its response."""
    client = server.connect_tls()
    client.handshake()
    client.send(GET)
    request, outcomes = server.resource.request, []
    request.notifyFinish().addBoth(outcomes.append)
    client.line.producer.pauseProducing()
    assert request.is_connected
    client.say_goodbye()
    assert client.line.disconnecting
    assert not request.is_connected
    request.finish()
    # The socket has sent the rest, and would now wait for more.
    client.line.producer.resumeProducing()
    assert client.line.aborted
    assert outcomes == []
    lose(client.protocol)
    assert len(outcomes) == 1
    assert outcomes[0].check(ConnectionDone)
