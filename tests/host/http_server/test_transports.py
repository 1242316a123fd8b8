"""Ending connections by TLS: what was written arrives, and nobody is waited for."""

from typing import Any

from qabel.host.http_server.channel import LINGER_TIME
from tests.host.http_server.conftest import GET, REQUEST_TIME, lose


def test_a_refusal_arrives_by_tls(server: Any) -> None:
    """A refusal is followed by the end of TLS, even one of which a timer is the cause."""
    for sent, refusal in ((b"garbage\r\n", b"malformed"), (b"GET ", b"too slow")):
        client = server.connect_tls()
        client.handshake()
        client.send(sent)
        if refusal == b"too slow":
            server.clock.pump([REQUEST_TIME])
        client.read()
        assert client.received == refusal
        assert client.is_told_of_the_end
        assert not client.line.half_closed
        assert not client.line.disconnecting
        client.say_goodbye()
        assert client.line.disconnecting
        lose(client.protocol)
    assert server.clock.getDelayedCalls() == []


def test_reading_goes_on_after_a_refusal(server: Any) -> None:
    """What a refused client still sends is read and discarded, for a short time."""
    client = server.connect_tls()
    client.handshake()
    client.send(b"garbage\r\n")
    client.send(GET)
    assert client.line.is_read
    assert server.resource.requests == []
    server.clock.advance(LINGER_TIME)
    assert client.line.aborted
    lose(client.protocol)


def test_an_idle_connection_by_tls_is_closed(server: Any) -> None:
    """It is closed when all was sent, without waiting for the client, which may read slowly."""
    client = server.connect_tls()
    client.handshake()
    client.send(GET)
    server.resource.request.finish()
    client.read()
    server.clock.advance(REQUEST_TIME)
    assert client.line.disconnecting
    assert not client.line.aborted
    client.read()
    assert client.is_told_of_the_end
    lose(client.protocol)
    assert server.clock.getDelayedCalls() == []


def test_no_handshake(server: Any) -> None:
    """A client that never makes its handshake is cut off."""
    client = server.connect_tls()
    server.clock.advance(REQUEST_TIME)
    assert client.line.aborted
    lose(client.protocol)
    assert server.site.connections == 0
