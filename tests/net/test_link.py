"""The lowest layer of a connection: it is handed over once it leads to the server."""

from ipaddress import ip_address

from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from qabel.net.link import READ_BYTES, Link, LinkFactory
from qabel.net.socks5 import Socks5Client, Socks5Failed

CONNECTED = b"\x05\0\0\x01\0\0\0\0\0\0"


class Collecting(Protocol):
    """Collects what arrives."""

    def connectionMade(self) -> None:
        """Begin."""
        self.received = b""
        self.lost: object = None

    def dataReceived(self, data: bytes) -> None:
        """Collect."""
        self.received += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note the end."""
        self.lost = reason.type


class Transport(StringTransportWithDisconnection):
    """A transport in memory that notes that it was aborted."""

    aborted = False

    def abortConnection(self) -> None:
        """Note it."""
        self.aborted = True


class LinkTests(SynchronousTestCase):
    """Links in memory."""

    def make(self, *, proxied: bool = True) -> Link:
        """Return a link with a connection."""
        self.links: set[Link] = set()
        socks = Socks5Client(ip_address("192.0.2.1"), 80, (b"u", b"p")) if proxied else None
        factory = Factory.forProtocol(Collecting)
        factory.noisy = False
        link = LinkFactory(factory, socks, self.links).buildProtocol(None)
        self.transport = Transport()
        self.transport.protocol = link
        link.makeConnection(self.transport)
        self.assertEqual(self.links, {link})
        return link

    def test_direct(self) -> None:
        """Without a proxy, the connection is handed over at once, and little is read at a time."""
        link = self.make(proxied=False)
        inner = self.successResultOf(link.ready)
        link.dataReceived(b"hello")
        self.assertEqual(inner.received, b"hello")
        self.assertIs(inner.transport, self.transport)
        self.assertEqual(self.transport.bufferSize, READ_BYTES)

    def test_through_a_proxy(self) -> None:
        """The proxy is asked first; what follows its reply is the server's."""
        link = self.make()
        self.assertEqual(self.transport.value(), b"\x05\x02\x02\x00")
        link.dataReceived(b"\x05\x00")
        self.assertNoResult(link.ready)
        link.dataReceived(CONNECTED + b"hel")
        link.dataReceived(b"lo")
        inner = self.successResultOf(link.ready)
        self.assertEqual(inner.received, b"hello")
        link.connectionLost(Failure(ConnectionDone()))
        self.assertEqual((inner.lost, self.links), (ConnectionDone, set()))

    def test_proxy_that_fails(self) -> None:
        """A reply that is none ends the connection, and nothing more is handled."""
        link = self.make()
        link.dataReceived(b"HTTP/1.1 400\r\n")
        self.assertEqual(
            self.failureResultOf(link.ready, Socks5Failed).value.args, ("does not speak SOCKS5",)
        )
        self.assertTrue(self.transport.aborted)
        link.dataReceived(b"\x05\x00")
        link.connectionLost()
        self.assertEqual(self.transport.value(), b"\x05\x02\x02\x00")

    def test_proxy_that_leaves(self) -> None:
        """A proxy that closes the connection is to blame."""
        link = self.make()
        link.connectionLost()
        failed = self.failureResultOf(link.ready, Socks5Failed).value
        self.assertEqual(failed.detail, "closed the connection")
        self.assertEqual(self.links, set())

    def test_cancelling(self) -> None:
        """Cancelling closes the connection, and no protocol is made."""
        link = self.make()
        link.ready.cancel()
        self.failureResultOf(link.ready, CancelledError)
        self.assertTrue(self.transport.aborted)
        link.dataReceived(b"\x05\x00" + CONNECTED)
        link.connectionLost()
