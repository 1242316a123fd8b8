"""No odd certificate gets a byte of HTTP, whatever the connection is for."""

from contextlib import suppress

import attrs
import pytest
import pytest_twisted
from cryptography import x509
from OpenSSL import SSL
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions, ContextFactory
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.web.client import URI
from zope.interface import implementer

from qabel.net.address_policy import any_address, private_address_error
from qabel.net.drop_client import FetchResult
from qabel.net.errors import ConnectFailed, DropServerError, WebhookFailed
from qabel.net.isolation import IsolationKey, Purpose
from qabel.net.name_lookup import NameLookup
from qabel.net.push_listener import PushListener
from qabel.net.tls_client import TLSHandshake
from qabel.net.webhook_client import WebhookClient
from tests.net.certificates import certificate, dns, ip, names, sequence, server_options
from tests.net.servers import DROP_ID, NOTHING, TAKEN, always, silent, until

# Twisted hands its own kind of certificates to a pyOpenSSL that would rather have others.
pytestmark = pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")

HOST = "drop.example"
_NAME = dns(b"drop.example")
_URL_ONLY = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"https://{HOST}")])

ODD = {
    "no names": None,
    "another name": names("elsewhere.example"),
    "another address": names("127.0.0.2"),
    "wide wildcard": names("*.example"),
    "widest wildcard": names("*"),
    "partial wildcard": names("d*.example", "dr*p.example", "*p.example"),
    "wildcard for others": names("*.drop.example"),
    "URL": _URL_ONLY,
    "empty": sequence(),
    "empty name": sequence(dns(b"")),
    "NUL": sequence(dns(b"drop.example\0.elsewhere.example")),
    "not ASCII": sequence(dns(b"dr\xf6p.example"), _NAME),
    "not DER": b"\xff\xff",
    "half of it": sequence(_NAME)[:-4],
    "invalid address": sequence(ip(b"\x7f"), _NAME),
    "odd SRV name": x509.SubjectAlternativeName(
        [x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7"), b"\x04\x01x")]
    ),
}
LARGE = {
    "many names": sequence(*[dns(b"")] * 30000),
    "many URLs": sequence(*[b"\x86\x01x"] * 15000, _NAME),
    "larger than 64 KiB": sequence(_NAME, *[b"\x86\x80" + b"x" * 128] * 600),
}


@attrs.define(eq=False)
class Clients:
    """Everything that connects to other hosts, as functions from a host to an exchange with it."""

    drops: object
    webhooks: WebhookClient
    clock: object

    async def fetch(self, server, host=HOST):
        """Fetch from a drop."""
        return await self.drops.fetch(server.url(host), None, lambda parts: None)

    async def post(self, server, host=HOST):
        """Post to a drop."""
        return await self.drops.post(server.url(host), b"message")

    async def call(self, server, host=HOST):
        """Call a webhook."""
        return await self.webhooks.post_json(f"https://{host}:{server.number}/", b"{}", {})

    async def listen(self, server, host=HOST):
        """Listen to a drop until that fails."""
        listener = PushListener(
            self.drops.connector,
            self.drops.policy,
            self.drops.isolation,
            server.url(host),
            lambda: None,
            clock=self.clock,
            delay=lambda _: 1000.0,
            rare_delay=lambda _: 1000.0,
        )
        listener.start()
        await until(lambda: listener.error)
        await listener.stop()
        raise ConnectFailed(listener.error)

    async def refuse(self, server, host=HOST):
        """Return the errors of all of them."""
        found = []
        for each in (self.fetch, self.post, self.call, self.listen):
            with pytest.raises((DropServerError, WebhookFailed)) as raised:
                await each(server, host)
            found.append(raised.value.detail)
        return found


@pytest.fixture
def clients(make_client, clock, trust_root):
    """Return clients that resolve all names to loopback and trust the test authority."""
    lookup = NameLookup(reactor, clock, lambda *_: [(2, 1, 6, "", ("127.0.0.1", 0))])
    webhooks = WebhookClient(
        reactor, clock=clock, names=lookup, trust_root=trust_root, allowed=lambda _: True
    )
    yield Clients(make_client(names=lookup, trust_root=trust_root), webhooks, clock)
    pytest_twisted.blockon(Deferred.fromCoroutine(webhooks.close()))


async def refused(clients, serve, pair, *chain, host=HOST, reason="its certificate"):
    """Check that nobody sends a byte to a server with a certificate."""
    server = serve(always(NOTHING), tls=server_options(pair, *chain))
    for detail in await clients.refuse(server, host):
        assert detail.startswith(f"The server at {host}:{server.number} could not be verified: ")
        assert reason in detail
        assert DROP_ID not in detail
    assert len(server.connections) == 4
    await server.all_closed()
    assert [each.received for each in server.connections] == [b""] * 4
    assert server.requests == []


@pytest.mark.parametrize("san", ODD.values(), ids=ODD)
@pytest_twisted.ensureDeferred
async def test_odd_names(clients, serve, authority, san):
    """A certificate whose names are wrong or odd in any way is refused by everything."""
    await refused(clients, serve, certificate(san, authority, common_name=HOST))


class LargeHandshake(Protocol):
    """A TLS server for certificates that are too large for Twisted's, which flushes only once."""

    def connectionMade(self):
        """Wait for the client."""
        self.received = b""
        self.lost = Deferred()
        self.tls = SSL.Connection(self.factory.context)
        self.tls.set_accept_state()
        self.factory.connections.append(self)

    def dataReceived(self, data):
        """Go on with the handshake, or collect what comes after it."""
        self.tls.bio_write(data)
        with suppress(SSL.Error):
            self.received += self.tls.recv(65536)
        while True:
            try:
                self.transport.write(self.tls.bio_read(65536))
            except SSL.WantReadError:
                return

    def connectionLost(self, reason):
        """Record the end."""
        self.lost.callback(None)


@pytest.mark.parametrize("san", LARGE.values(), ids=LARGE)
@pytest_twisted.ensureDeferred
async def test_large_certificates(clients, serve, authority, san):
    """A certificate with very many names, or a very large one, is refused by everything."""
    pair = certificate(san, authority, common_name=HOST)
    server = serve(silent)
    server.scheme = "https"
    server.protocol = LargeHandshake
    server.context = server_options(pair).getContext()
    for detail in await clients.refuse(server):
        assert "could not be verified: its certificate " in detail
    await server.all_closed()
    assert [each.received for each in server.connections] == [b""] * 4


@pytest_twisted.ensureDeferred
async def test_two_lists_of_names(clients, serve, authority):
    """A certificate with two subjectAltNames is refused."""
    pair = certificate(sequence(_NAME), authority, second_san=sequence(_NAME))
    await refused(clients, serve, pair)


@pytest.mark.parametrize(
    "san",
    [
        None,
        names("127.0.0.2", "::ffff:127.0.0.1"),
        sequence(dns(b"127.0.0.1")),
        sequence(dns(b"*.0.0.1"), dns(b"*")),
        sequence(ip(b"\x7f\0\0\1\0\0\0\0")),
    ],
    ids=["no names", "other addresses", "as name", "wildcards", "network"],
)
@pytest_twisted.ensureDeferred
async def test_odd_addresses(clients, serve, authority, san):
    """A certificate for an address must have just that address, as an address."""
    pair = certificate(san, authority, common_name="127.0.0.1")
    await refused(clients, serve, pair, host="127.0.0.1")


@pytest_twisted.ensureDeferred
async def test_who_signed_it(clients, serve, authority):
    """A certificate that nobody trusted has signed, or for another use or time, is refused."""
    right = names(HOST)
    unknown = "is not signed by an authority that this machine trusts"
    stranger = certificate(None, common_name="stranger", authority=True)
    leaf = certificate(right, authority, common_name="leaf")
    confined = x509.NameConstraints([x509.DNSName("elsewhere.example")], None)
    below = certificate(None, authority, common_name="b", authority=True, others=[confined])
    client_only = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH])
    for chain, reason in (
        ([certificate(right)], "is self-signed"),
        ([certificate(right, stranger)], unknown),
        ([certificate(right, leaf), leaf], "is not valid (OpenSSL error 79)"),
        ([certificate(right, below), below], "is not valid (OpenSSL error 47)"),
        ([certificate(right, authority, others=[client_only])], "is not valid"),
        ([certificate(right, authority, days=(-2, -1))], "has expired"),
        ([certificate(right, authority, days=(1, 2))], "is not valid before"),
    ):
        await refused(clients, serve, *chain, reason=reason)


@pytest.mark.parametrize(
    ("host", "found"),
    [
        (HOST, [HOST]),
        ("a.drop.example", ["*.drop.example"]),
        ("xn--bcher-kva.example", ["xn--bcher-kva.example"]),
        ("127.0.0.1", [HOST, "127.0.0.1"]),
        ("localhost", ["localhost"]),
    ],
)
@pytest_twisted.ensureDeferred
async def test_right_certificates(clients, serve, authority, host, found):
    """A certificate for the host is accepted; the connection for reading is kept."""
    server = serve(always(NOTHING), tls=server_options(certificate(names(*found), authority)))
    for _ in range(2):
        assert await clients.fetch(server, host) == FetchResult("nothing")
        await clients.post(server, host)
    assert len(server.connections) == 3
    server.handle = always(TAKEN)
    assert await clients.call(server, host) == 200


@pytest_twisted.ensureDeferred
async def test_each_connection_is_checked(clients, serve, authority):
    """A server that had the right certificate is checked again at its next connection."""
    right = server_options(certificate(names(HOST), authority))
    wrong = server_options(certificate(None, authority, common_name=HOST))
    server = serve(always(NOTHING, close=True), tls=right)
    await clients.fetch(server)
    await server.all_closed()
    await server.stop_listening()
    server._port = reactor.listenSSL(server.number, server, wrong, interface="127.0.0.1")
    with pytest.raises(ConnectFailed, match="no subjectAltName"):
        await clients.post(server)
    assert len(server.requests) == 1


@pytest_twisted.ensureDeferred
async def test_servers_without_certificate(clients, serve):
    """A server that offers anonymous ciphers only is refused."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_options(SSL.OP_NO_TLSv1_3)
    context.set_cipher_list(b"ADH:AECDH:@SECLEVEL=0")
    options = ContextFactory()
    options.getContext = lambda: context
    server = serve(silent, tls=options)
    for detail in await clients.refuse(server):
        assert "rejected the TLS handshake" in detail
    assert server.requests == []


@pytest.mark.parametrize(
    ("greeting", "close", "reason"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", False, "does not speak TLS on this port"),
        (b"\x00" * 100, False, "does not speak TLS on this port"),
        (b"", True, "closed the connection during the TLS handshake"),
        (b"\x16\x03", True, "closed the connection during the TLS handshake"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_servers_without_tls(clients, serve, greeting, close, reason):
    """A server that does not speak TLS gets no request."""
    server = serve(silent, greet=lambda connection: connection.send(greeting, close=close))
    server.scheme = "https"
    for detail in await clients.refuse(server):
        assert detail.startswith(f"The server at {HOST}:{server.number} {reason}")
    assert server.requests == []


@implementer(IOpenSSLClientConnectionCreator)
class Lenient:
    """Makes connections that accept every certificate."""

    rejected = None

    def clientConnectionForTLS(self, protocol):
        """Make a connection."""
        return CertificateOptions().clientConnectionForTLS(protocol)


@pytest.mark.parametrize("san", [None, names("elsewhere.example"), sequence(dns(b"\0"))])
@pytest_twisted.ensureDeferred
async def test_certificates_are_checked_after_the_handshake(serve, authority, san):
    """Should a handshake end well with a wrong certificate, no protocol is made all the same."""
    made = []
    inner = Factory.forProtocol(lambda: made.append(1) or Protocol())
    server = serve(silent, tls=server_options(certificate(san, authority, common_name=HOST)))
    creator = Lenient()
    factory = Factory()
    factory.noisy = False
    factory.protocol = lambda: TLSHandshake(HOST, "The server", creator, inner, None)
    tls = TLSMemoryBIOFactory(creator, True, factory, reactor)
    connected = await HostnameEndpoint(reactor, "127.0.0.1", server.number).connect(tls)
    with pytest.raises(ConnectFailed, match="could not be verified: its certificate"):
        await connected.wrappedProtocol.verified
    await server.all_closed()
    assert made == []


@pytest_twisted.ensureDeferred
async def test_cancelled_handshake(clients, serve):
    """Cancelled during the handshake, a connection is closed."""
    server = serve(silent)
    uri = URI.fromBytes(f"https://127.0.0.1:{server.number}/".encode())
    connecting = clients.drops.connector.connect(
        uri,
        Factory.forProtocol(Protocol),
        any_address,
        private_address_error,
        IsolationKey(Purpose.READ),
    )
    connecting.addErrback(lambda _: None)
    await until(lambda: server.connections and server.connections[0].received)
    connecting.cancel()
    await server.all_closed()
