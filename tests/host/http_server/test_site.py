"""All connections of a server: how many there are, and how they end together."""

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.web.resource import Resource

from qabel.host.http_server.channel import LINGER_TIME
from qabel.host.http_server.request import BoundedRequest
from qabel.host.http_server.site import BoundedSite, SourceLimit
from tests.host.http_server.conftest import GET, REFUSALS, Line, lose


def test_nothing_ticks_while_nothing_happens(server: Any) -> None:
    """Without connections there is no timer, so that the machine can sleep."""
    assert server.clock.getDelayedCalls() == []


def test_too_many_connections(server: Any) -> None:
    """One that waits for nothing makes room; those with a request do not."""
    idle, idle_line = server.connect()
    busy, _ = server.connect()
    busy.dataReceived(GET)
    third, third_line = server.connect()
    assert idle_line.disconnecting
    lose(idle)
    third.dataReceived(GET)
    _, fourth_line = server.connect()
    assert fourth_line.value() == b"full"
    assert fourth_line.disconnecting
    assert not third_line.aborted
    assert server.site.connections == 2


def test_too_many_connections_of_one_source() -> None:
    """It makes room with its own connections only, and is refused if none is idle."""
    limit = SourceLimit(lambda address: address and address.host, 2)  # type: ignore[union-attr]
    site = BoundedSite(
        Resource(),
        BoundedRequest,
        REFUSALS,
        reactor=Clock(),
        max_connections=100,
        request_time=60,
        each=limit,
    )
    site.startFactory()

    def connect(host: str) -> tuple[Any, Line]:
        channel, line = site.buildProtocol(IPv4Address("TCP", host, 1)), Line()
        channel.makeConnection(line)
        return channel, line

    _, other = connect("192.0.2.9")
    first, first_line = connect("192.0.2.1")
    second, second_line = connect("192.0.2.1")
    third, third_line = connect("192.0.2.1")
    assert (first_line.disconnecting, second_line.disconnecting) == (True, False)
    lose(first)
    for each in (second, third):
        site.busy(each)
    _, refused = connect("192.0.2.1")
    assert refused.value() == b"full"
    assert not other.disconnecting
    lose(second)
    _, fourth = connect("192.0.2.1")
    assert fourth.value() == b""
    assert not third_line.disconnecting


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


def test_a_refused_client_need_not_make_a_handshake(server: Any) -> None:
    """A connection by TLS that is one too many is told so, and cut if nobody wants to know."""
    for _ in range(2):
        channel, _ = server.connect()
        channel.dataReceived(GET)
    willing, silent = server.connect_tls(), server.connect_tls()
    willing.handshake()
    willing.read()
    assert willing.received == b"full"
    assert willing.is_told_of_the_end
    lose(willing.protocol)
    server.clock.advance(LINGER_TIME)
    assert silent.line.aborted
    lose(silent.protocol)
    assert server.clock.getDelayedCalls() == []
    assert server.site.connections == 2


def test_closing_connections_by_tls_waits_for_nobody(server: Any) -> None:
    """Idle clients are told of the end, and need not reply."""
    client = server.connect_tls()
    client.handshake()
    closed = Deferred.fromCoroutine(server.site.close(grace=2))
    client.read()
    assert client.is_told_of_the_end
    assert client.line.disconnecting
    lose(client.protocol)
    assert closed.called
    assert server.clock.getDelayedCalls() == []
