"""Connections without a network: who says nothing, or takes nothing, is let go of in time."""

from typing import Any

import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web.resource import Resource

from qabel.dropserver.channel import IDLE_TIMEOUT, DropChannel, DropSite
from qabel.dropserver.drop_answer import STALL_TIMEOUT, Flow


class Line(StringTransport):
    """A connection in memory that remembers how it was ended."""

    aborted = False

    def abortConnection(self) -> None:
        """Note that it was cut."""
        self.aborted = True


class Silent(Resource):
    """Never answers, and remembers who asked."""

    isLeaf = True

    def render(self, request: Any) -> int:
        """Keep the request."""
        self.request = request
        return 1  # NOT_DONE_YET


def connect() -> tuple[Clock, Silent, DropSite, DropChannel, Line]:
    """Give a connection in memory, and all that belongs to it."""
    clock, resource = Clock(), Silent()
    site = DropSite(resource, clock)
    site.startFactory()
    channel = site.buildProtocol(None)
    assert channel is not None
    transport = Line()
    channel.makeConnection(transport)
    return clock, resource, site, channel, transport


def test_nothing_ticks_while_nothing_happens() -> None:
    """Without connections there is no timer, so that the machine can sleep."""
    clock = Clock()
    site = DropSite(Silent(), clock)
    site.startFactory()
    assert clock.getDelayedCalls() == []


def test_a_silent_client_is_let_go_of() -> None:
    """A client that sends nothing is asked to go, then cut off; a slow one gets more time."""
    clock, _, _, channel, transport = connect()
    clock.advance(IDLE_TIMEOUT - 1)
    channel.dataReceived(b"GET /")
    clock.advance(IDLE_TIMEOUT - 1)
    assert not transport.disconnecting
    clock.advance(1)
    assert transport.disconnecting
    assert not transport.aborted
    clock.advance(channel.abortTimeout)
    assert transport.aborted
    assert transport.value() == b""


def test_a_reader_that_takes_nothing_is_cut_off() -> None:
    """A stalled answer ends after a time that each sign of life begins anew."""
    clock, resource, _, channel, transport = connect()
    channel.dataReceived(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    flow = Flow(resource.request, clock)
    flow.pauseProducing()
    clock.advance(STALL_TIMEOUT - 1)
    flow.resumeProducing()
    flow.pauseProducing()
    flow.pauseProducing()
    clock.advance(STALL_TIMEOUT - 1)
    assert not transport.aborted
    clock.advance(1)
    assert transport.aborted
    flow.stopProducing()
    assert clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_waiting_for_a_lost_connection_ends() -> None:
    """Who waits until a connection can take more hears when it is gone."""
    clock, resource, site, channel, _ = connect()
    channel.dataReceived(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    flow = Flow(resource.request, clock)
    flow.pauseProducing()
    waiting = Deferred.fromCoroutine(flow.ready())
    flow.stopProducing()
    await waiting
    assert resource.request.gone
    resource.request.notifyFinish().addErrback(lambda _: None)
    channel.connectionLost()
    assert (site.channels, clock.getDelayedCalls()) == (set(), [])


def test_a_request_shows_nothing() -> None:
    """The text of a request, which may get into logs, does not have its path."""
    _, resource, _, channel, _ = connect()
    channel.dataReceived(b"GET /secret HTTP/1.1\r\nHost: x\r\n\r\n")
    assert "secret" not in repr(resource.request)
