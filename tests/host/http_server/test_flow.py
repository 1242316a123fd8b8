"""Long responses: written as fast as they are read, and ended when they are not."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from qabel.host.http_server.flow import PIECE, Flow
from tests.host.http_server.conftest import GET, lose

PATIENCE = 120.0


@pytest.fixture
def asked(server: Any) -> Any:
    """Return a connection with a request, its line, and the flow of its response."""
    channel, line = server.connect()
    channel.dataReceived(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    flow = Flow(server.resource.request, server.clock, PATIENCE)
    flow.start()
    return channel, line, flow


def test_a_reader_that_takes_nothing_is_cut_off(server: Any, asked: Any) -> None:
    """A stalled response ends after a time that each sign of life begins anew."""
    _, line, flow = asked
    flow.pauseProducing()
    server.clock.advance(PATIENCE - 1)
    flow.resumeProducing()
    flow.pauseProducing()
    flow.pauseProducing()
    server.clock.advance(PATIENCE - 1)
    assert flow.is_paused
    assert not line.aborted
    server.clock.advance(1)
    assert line.aborted
    flow.end()
    assert server.clock.getDelayedCalls() == []


def test_writing_waits(server: Any, asked: Any) -> None:
    """What is written while the connection is full waits until it takes more."""
    _, line, flow = asked
    flow.pauseProducing()
    writing = Deferred.fromCoroutine(flow.write(b"piece"))
    assert b"piece" in line.value()
    assert not writing.called
    flow.resumeProducing()
    assert writing.called


def test_waiting_for_a_lost_connection_ends(server: Any, asked: Any) -> None:
    """Who waits until a connection takes more hears when it is gone, and writes no more."""
    channel, line, flow = asked
    flow.pauseProducing()
    waiting = Deferred.fromCoroutine(flow.ready())
    channel.connectionLost(Failure(connectionDone.value))
    assert waiting.called
    assert Deferred.fromCoroutine(flow.write(b"late")).called
    assert b"late" not in line.value()
    flow.end()
    assert (server.site.connections, server.clock.getDelayedCalls()) == (0, [])


def test_a_connection_that_breaks_takes_nothing_more(server: Any, asked: Any) -> None:
    """The transport says stop before the request hears of the end: nothing is written between."""
    channel, _, flow = asked
    flow.pauseProducing()
    writing = Deferred.fromCoroutine(flow.write(b"piece"))
    channel.stopProducing()
    assert not writing.called
    channel.connectionLost(Failure(connectionDone.value))
    assert writing.called


def test_a_flow_without_patience_has_no_timer(server: Any, asked: Any) -> None:
    """Where somebody else looks after the time, there is none here, but since when is known."""
    flow = Flow(server.resource.request, server.clock)
    server.clock.advance(5)
    before = server.clock.getDelayedCalls()
    flow.pauseProducing()
    assert flow.paused_since == 5
    assert server.clock.getDelayedCalls() == before


def test_a_large_body_is_written_as_it_is_taken(server: Any, asked: Any) -> None:
    """Writing a large body ends when the system has taken its last byte."""
    _, line, flow = asked
    body = b"0123456789" * 20_000
    server.resource.request.responseHeaders.setRawHeaders(b"Content-Length", [b"200000"])
    writing = Deferred.fromCoroutine(flow.write_large(body))
    taken = b""
    while not writing.called:
        assert len(line.value()) < 2 * PIECE
        taken += line.take()
    assert taken.endswith(body)
    assert line.value() == b""


def test_a_flow_over_tls_is_paused(server: Any) -> None:
    """A flow that begins when the connection is full already writes one piece, not everything."""
    client = server.connect_tls()
    client.handshake()
    client.line.producer.pauseProducing()
    client.send(GET)
    assert server.resource.requests == []
    client.line.producer.resumeProducing()
    client.line.producer.pauseProducing()
    flow = Flow(server.resource.request, server.clock, PATIENCE)
    flow.start()
    writing = Deferred.fromCoroutine(flow.write(b"piece"))
    assert not writing.called
    client.line.producer.resumeProducing()
    assert writing.called
    flow.end()
    lose(client.protocol)
