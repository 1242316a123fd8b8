"""TCP connections to addresses, and what is said if there is none."""

import errno

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError, NoRouteError, TCPTimedOutError
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.error import TimeoutError as TimedOut
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from qabel.net.dialer import Dialer, DialFailed
from qabel.net.name_lookup import NameLookup
from qabel.net.route import LOOPBACK
from tests.net.servers import silent


class DialerTests(SynchronousTestCase):
    """Connections in memory."""

    def fail(self, error: Exception) -> DialFailed:  # type: ignore[override]
        """Return how dialling fails when the system has an error."""
        memory = MemoryReactorClock()
        dialing = Deferred.fromCoroutine(
            Dialer(memory, set()).dial(LOOPBACK[:1], 80, Factory.forProtocol(Protocol), 5)
        )
        memory.advance(0)
        [(host, port, factory, _, _)] = memory.tcpClients
        self.assertEqual((host, port), ("127.0.0.1", 80))
        connector = memory.connectors[0]
        self.assertEqual(connector.getDestination(), IPv4Address("TCP", host, port))
        factory.clientConnectionFailed(connector, Failure(error))
        memory.advance(1)
        failed = self.failureResultOf(dialing, DialFailed).value
        assert isinstance(failed, DialFailed)
        return failed

    def test_refused(self) -> None:
        """A refused connection is said to be one."""
        failed = self.fail(Refused())
        reason = "the connection was refused; no server is listening there"
        self.assertEqual(failed.reason, reason)
        self.assertEqual(failed.predicate, "refused the connection")

    def test_unreachable(self) -> None:
        """Other errors are said in words that their readers know, whoever names them."""
        for error, reason in (
            (TCPTimedOutError(), "there was no response"),
            (TimedOut(), "there was no response"),
            (NoRouteError(), "the network is unreachable"),
            (ConnectError(errno.EACCES), "a firewall of this machine does not allow"),
            (ConnectError(errno.EIO), "the connection failed"),
        ):
            failed = self.fail(error)
            self.assertEqual(failed.predicate, f"could not be reached: {failed.reason}")
            self.assertIn(reason, failed.reason)

    def test_name_of_a_proxy(self) -> None:
        """A proxy on this machine needs no lookup."""
        asked: list[str] = []
        names = NameLookup(MemoryReactorClock(), Clock(), lambda *args: asked.append(args) or [])
        dialer = Dialer(MemoryReactorClock(), set())
        finding = Deferred.fromCoroutine(dialer.addresses_of_proxy("localhost", names))
        self.assertEqual(self.successResultOf(finding), LOOPBACK)
        literal = Deferred.fromCoroutine(dialer.addresses_of_proxy("::1", names))
        self.assertEqual(self.successResultOf(literal), (LOOPBACK[1],))
        self.assertEqual(asked, [])


@pytest_twisted.ensureDeferred
async def test_first_that_responds(serve) -> None:  # type: ignore[no-untyped-def]
    """Of several addresses, one that accepts connections is used."""
    server, links = serve(silent), set()
    factory = Factory.forProtocol(Protocol)
    factory.noisy = False
    made = await Dialer(reactor, links).dial(LOOPBACK[::-1], server.number, factory, 5)
    assert isinstance(made, Protocol)
    [link] = links
    link.abort()
    await server.all_closed()


@pytest_twisted.ensureDeferred
async def test_unknown_proxy() -> None:
    """A proxy whose name nobody knows is unreachable."""

    def unknown(*_: object) -> list[tuple[object, ...]]:
        raise OSError

    names = NameLookup(reactor, Clock(), unknown)
    with pytest.raises(DialFailed) as raised:
        await Dialer(reactor, set()).addresses_of_proxy("proxy.example", names)
    assert raised.value.predicate == "could not be reached: unknown host name"
