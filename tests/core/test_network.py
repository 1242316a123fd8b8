"""The real network of a core: only servers that the user chose may use http, asked at each call."""

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

from qabel.core.network import RARELY, DropServers
from qabel.core.receiving.poll_times import LONGEST_RECONNECT
from qabel.deferreds import result_of
from qabel.drop.url import DropURL
from qabel.net.errors import NotAllowed

URL = DropURL.parse(f"http://127.0.0.1:5000/{7:043}")


@pytest.fixture
def reactor() -> MemoryReactorClock:
    """Return a reactor that connects nowhere."""
    return MemoryReactorClock()


def test_servers_are_looked_up_at_each_call(reactor: MemoryReactorClock) -> None:
    """A server with http is refused until the user chooses it, and again when it is removed."""
    chosen: set[str] = set()
    network = DropServers(reactor, lambda: chosen)
    with pytest.raises(NotAllowed):
        result_of(Deferred.fromCoroutine(network.post(URL, b"message")))
    chosen.add(URL.server)
    posting = Deferred.fromCoroutine(network.post(URL, b"message"))
    assert [client[:2] for client in reactor.tcpClients] == [("127.0.0.1", 5000)]
    posting.cancel()
    with pytest.raises(CancelledError):
        result_of(posting)
    chosen.clear()
    with pytest.raises(NotAllowed):
        result_of(Deferred.fromCoroutine(network.post(URL, b"message")))
    assert len(reactor.tcpClients) == 1


def test_a_listener_connects_again_and_again(reactor: MemoryReactorClock) -> None:
    """A listener that cannot connect tries again after pauses that are drawn, and grow."""
    listener = DropServers(reactor, lambda: {URL.server}).listen(URL, lambda: None)
    assert reactor.tcpClients == []
    listener.start()
    pauses = [_failed_connection(reactor) for _ in range(20)]
    assert sum(pauses[:4]) < sum(pauses[-4:])
    assert max(pauses) < 40 * LONGEST_RECONNECT
    assert len({round(each, 3) for each in pauses}) == len(pauses)
    listener.stop()
    assert reactor.getDelayedCalls() == []


def test_a_listener_that_may_not_connect_tries_rarely(reactor: MemoryReactorClock) -> None:
    """A server that the user did not choose is asked about rarely: after an hour at most."""
    listener = DropServers(reactor, frozenset).listen(URL, lambda: None)
    listener.start()
    pauses = []
    for _ in range(12):
        [call] = reactor.getDelayedCalls()
        pauses.append(call.getTime() - reactor.seconds())
        reactor.advance(pauses[-1])
    assert 30 <= pauses[0] <= 60
    assert all(RARELY / 2 <= pause <= RARELY for pause in pauses[8:])
    assert reactor.tcpClients == []
    listener.stop()


def _failed_connection(reactor: MemoryReactorClock) -> float:
    """Refuse the connection that is attempted; return the seconds to the next attempt."""
    factory, connector = reactor.tcpClients[-1][2], reactor.connectors[-1]
    count = len(reactor.tcpClients)
    factory.clientConnectionFailed(connector, Failure(Refused()))
    failed_at = reactor.seconds()
    while len(reactor.tcpClients) == count:
        following = min(call.getTime() for call in reactor.getDelayedCalls())
        reactor.advance(following - reactor.seconds())
    return reactor.seconds() - failed_at
