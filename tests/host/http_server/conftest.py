"""A server in memory: connections by TLS or in the clear, and a resource that never answers."""

import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.protocol import connectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from qabel.host.http_server.channel import BoundedChannel, Refusals
from qabel.host.http_server.request import BoundedRequest
from qabel.host.http_server.site import BoundedSite

REQUEST_TIME = 60.0
REFUSALS = Refusals(malformed=b"malformed", too_slow=b"too slow", full=b"full")
GET = b"GET /secret HTTP/1.1\r\nHost: x\r\n\r\n"


class Line(StringTransport):
    """A connection in memory that remembers how it was ended."""

    aborted = False
    half_closed = False
    is_full = False

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Do nothing: here all is sent at once."""

    def loseWriteConnection(self) -> None:
        """Note that nothing more will be written."""
        self.half_closed = True

    def abortConnection(self) -> None:
        """Note that it was cut."""
        self.aborted = True

    def unregisterProducer(self) -> None:
        """Forget the producer, if there is one, as sockets do."""
        if self.producer is not None:
            super().unregisterProducer()

    def resumeProducing(self) -> None:
        """Read on, unless it is closed, as sockets do."""
        if not self.disconnecting:
            super().resumeProducing()

    @property
    def is_read(self) -> bool:
        """Whether what arrives is read."""
        return self.producerState == "producing"

    def write(self, data: bytes) -> None:
        """Keep what is written, and pause who writes more than 64 KiB, as sockets do."""
        super().write(data)
        if self.producer is not None and len(self.value()) > 64 * 1024:
            self.is_full = True
            self.producer.pauseProducing()

    def take(self) -> bytes:
        """Take what was written, as a system does."""
        written = self.value()
        self.clear()
        if self.is_full and self.producer is not None:
            self.is_full = False
            self.producer.resumeProducing()
        return written


class Silent(Resource):
    """Never answers, and remembers who asked."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Any] = []

    @property
    def request(self) -> Any:
        """The latest request."""
        return self.requests[-1]

    def render(self, request: Any) -> int:
        """Keep the request."""
        self.requests.append(request)
        return NOT_DONE_YET


class SmallRequest(BoundedRequest):
    """A request that may have ten bytes of body."""

    body_limit = 10
    too_large = b"too large"


@implementer(IOpenSSLServerConnectionCreator)
class TlsServer:
    """The certificate of a server, made anew."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1))
        builder = builder.not_valid_after(now + timedelta(days=1))
        self._context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self._context.use_privatekey(key)
        self._context.use_certificate(builder.sign(key, hashes.SHA256()))

    def serverConnectionForTLS(self, tlsProtocol: object) -> SSL.Connection:  # noqa: N803
        """Return a connection that waits for a client."""
        return SSL.Connection(self._context, None)


@attrs.define(eq=False)
class TlsClient:
    """The other end of a connection by TLS."""

    line: Line
    protocol: Any
    clock: Clock
    received: bytes = b""
    is_told_of_the_end: bool = False
    _incoming: ssl.MemoryBIO = attrs.field(factory=ssl.MemoryBIO)
    _outgoing: ssl.MemoryBIO = attrs.field(factory=ssl.MemoryBIO)
    _tls: ssl.SSLObject = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._tls = context.wrap_bio(self._incoming, self._outgoing)

    def handshake(self) -> None:
        """Agree on keys."""
        for _ in range(4):
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._exchange()
        self._exchange()

    def send(self, data: bytes) -> None:
        """Send bytes to the server, and read what it sends."""
        self._tls.write(data)
        self._exchange()
        self.read()

    def read(self) -> None:
        """Read what the server has sent."""
        self._exchange()
        try:
            while data := self._tls.read(65536):
                self.received += data
            self.is_told_of_the_end = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.is_told_of_the_end = True

    def say_goodbye(self) -> None:
        """End TLS from this side."""
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        self._exchange()

    def _exchange(self) -> None:
        self.clock.advance(0)
        self._incoming.write(self.line.take())
        if sent := self._outgoing.read():
            self.protocol.dataReceived(sent)
        self.clock.advance(0)
        self._incoming.write(self.line.take())


@attrs.define(eq=False)
class Server:
    """A server in memory."""

    clock: Clock = attrs.field(factory=Clock)
    resource: Silent = attrs.field(factory=Silent)
    site: BoundedSite = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.site = BoundedSite(
            self.resource,
            SmallRequest,
            REFUSALS,
            reactor=self.clock,
            max_connections=2,
            request_time=REQUEST_TIME,
        )
        self.site.startFactory()

    def connect(self) -> tuple[BoundedChannel, Line]:
        """Return a new connection, and what it is written to."""
        channel, line = self.site.buildProtocol(None), Line()
        channel.makeConnection(line)
        return channel, line

    def connect_tls(self) -> TlsClient:
        """Return the client of a new connection by TLS, before its handshake."""
        factory = TLSMemoryBIOFactory(TlsServer(), False, self.site, clock=self.clock)
        protocol, line = factory.buildProtocol(None), Line()
        protocol.makeConnection(line)
        return TlsClient(line, protocol, self.clock)


def lose(protocol: Any) -> None:
    """Have a connection end."""
    protocol.connectionLost(Failure(connectionDone.value))


@pytest.fixture
def server() -> Server:
    """Return a server in memory."""
    return Server()
