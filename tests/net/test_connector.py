"""Connecting by name, by address and with TLS, and addresses that are not allowed."""

import re
import socket
from pathlib import Path
from threading import Event

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock
from twisted.web.client import URI

import qabel
from qabel.drop.url import DropURL
from qabel.net.address_policy import AddressPolicy, any_address, private_address_error
from qabel.net.drop_client import DropClient, FetchResult
from qabel.net.errors import ConnectFailed, NotAllowed, TimedOut
from qabel.net.isolation import IsolationKey, Purpose
from qabel.net.link import READ_BYTES
from qabel.net.name_lookup import NameLookup
from tests.net.certificates import certificate, names, server_options
from tests.net.servers import (
    DROP_ID,
    NOTHING,
    TAKEN,
    always,
    drop_answer,
    multipart_head,
    part,
    silent,
    until,
)

# Twisted hands its own kind of certificates to a pyOpenSSL that would rather have others.
pytestmark = pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")

KEY = IsolationKey(Purpose.READ)


def lookup(clock, *addresses, asked=None):
    """Return a name lookup that resolves every name to these addresses."""

    def getaddrinfo(name, port, family, kind):
        if asked is not None:
            asked.append(name)
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(socket.AF_INET, kind, 6, "", (each, 0)) for each in addresses]

    return NameLookup(reactor, clock, getaddrinfo)


def nothing(parts):
    """Ignore the parts."""


@pytest_twisted.ensureDeferred
async def test_by_name(make_client, serve, clock):
    """Names are resolved and connected to, unusual ones too."""
    client = make_client(names=lookup(clock, "127.0.0.1"))
    for name in ("drop.example", "drop_server", "xn--bcher-kva.example"):
        server = serve(always(NOTHING))
        assert await client.fetch(server.url(name), None, nothing) == FetchResult("nothing")


@pytest_twisted.ensureDeferred
async def test_by_ipv6_address(client, serve):
    """An IPv6 address in a URL works, and is bracketed in the Host header."""
    server = serve(always(NOTHING))
    await server.stop_listening()
    port = reactor.listenTCP(0, server, interface="::1")
    server.number = port.getHost().port
    await client.fetch(server.url("[::1]"), None, nothing)
    await client.post(server.url("[0:0::1]"), b"message")
    assert all(f"Host: [::1]:{server.number}\r\n".encode() in each for each in server.requests)
    await port.stopListening()


@pytest_twisted.ensureDeferred
async def test_unknown_name(make_client, clock):
    """An unknown host name is reported."""
    client = make_client(names=lookup(clock))
    with pytest.raises(ConnectFailed, match=r"Could not resolve host name drop\.example"):
        await client.fetch(DropURL.parse(f"https://drop.example/{DROP_ID}"), None, nothing)


@pytest_twisted.ensureDeferred
async def test_hung_name(make_client, serve, clock):
    """A hung lookup ends at the time limit for connecting and does not delay other servers."""
    hold, begun = Event(), Deferred()

    def getaddrinfo(name, port, family, kind):
        reactor.callFromThread(begun.callback, None)
        hold.wait(10)
        raise socket.gaierror

    client = make_client(names=NameLookup(reactor, clock, getaddrinfo))
    url = DropURL.parse(f"https://hung.example/{DROP_ID}")
    running = Deferred.fromCoroutine(client.fetch(url, None, nothing))
    await begun
    assert await client.fetch(serve(always(NOTHING)).url(), None, nothing) == FetchResult("nothing")
    clock.advance(15.1)
    with pytest.raises(TimedOut, match=r"Connecting to hung\.example timed out after 15 seconds"):
        await running
    hold.set()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "10.1.2.3", "[::ffff:127.0.0.1]", "inside"])
@pytest_twisted.ensureDeferred
async def test_strangers_cannot_point_inside(make_client, serve, clock, host):
    """An untrusted server with a private address is not connected to."""
    server = serve(silent)
    client = make_client(policy=AddressPolicy(), names=lookup(clock, "192.168.0.1", "127.0.0.1"))
    url = DropURL.parse(f"https://{host}:{server.number}/{DROP_ID}")
    for call in (client.fetch(url, None, nothing), client.post(url, b"m")):
        with pytest.raises(NotAllowed, match="private or local address") as raised:
            await call
        assert DROP_ID not in raised.value.detail
    with pytest.raises(NotAllowed, match="uses http"):
        await client.fetch(server.url(), None, nothing)
    assert server.connections == []


@pytest_twisted.ensureDeferred
async def test_only_admitted_addresses_are_tried(clock):
    """Of a name with private and public addresses, only the public ones are connected to."""
    memory = MemoryReactorClock()
    asked = []
    names = lookup(memory, "127.0.0.1", "8.8.8.8", "10.0.0.1", asked=asked)
    client = DropClient(memory, policy=AddressPolicy(), names=names)
    url = DropURL.parse(f"https://mixed.example/{DROP_ID}")
    running = Deferred.fromCoroutine(client.post(url, b"message"))
    while not memory.tcpClients:
        turned = Deferred()
        reactor.callLater(0, turned.callback, None)
        await turned
    memory.pump([0.3] * 5)
    assert [(each[0], each[1]) for each in memory.tcpClients] == [("8.8.8.8", 443)]
    assert asked == ["mixed.example"]
    memory.pump([1] * 15)
    with pytest.raises(TimedOut):
        await running


@pytest_twisted.ensureDeferred
async def test_trusted_connections_serve_no_strangers(make_client, serve, clock):
    """A kept connection to a trusted server is not reused for an untrusted URL on its host."""
    allowed = set()
    client = make_client(policy=AddressPolicy(lambda: allowed))
    server = serve(always(NOTHING))
    chosen = server.url(drop_id=f"drops/{DROP_ID}")
    allowed.add(chosen.server)
    await client.fetch(chosen, None, nothing)
    with pytest.raises(NotAllowed):
        await client.fetch(server.url(), None, nothing)
    allowed.clear()
    with pytest.raises(NotAllowed):
        await client.fetch(chosen, None, nothing)
    assert len(server.requests) == 1


@pytest_twisted.ensureDeferred
async def test_tls(make_client, serve, clock, authority, trust_root):
    """TLS works by name and by address with a certificate of a trusted authority."""
    options = server_options(certificate(names("drop.example", "127.0.0.1"), authority))
    client = make_client(names=lookup(clock, "127.0.0.1"), trust_root=trust_root)

    def respond(connection, request):
        answer = TAKEN if request.startswith(b"POST") else drop_answer(b"one")
        connection.send(answer, close=True)

    for host in ("drop.example", "127.0.0.1"):
        server = serve(respond, tls=options)
        bodies = []
        for _ in range(2):
            await client.fetch(server.url(host), None, bodies.extend)
            await client.post(server.url(host), b"message")
        assert [each.body for each in bodies] == [b"one", b"one"]
        assert server.requests[0].endswith(f"Host: {host}:{server.number}\r\n\r\n".encode())


@pytest_twisted.ensureDeferred
async def test_tls_server_that_does_not_close(make_client, serve, clock, authority, trust_root):
    """A connection that the TLS server does not close is aborted."""
    options = server_options(certificate(names("127.0.0.1"), authority))
    client = make_client(trust_root=trust_root)

    def answer(connection, _):
        connection.send(multipart_head() + part(b"one") * 2)
        connection.transport.transport.pauseProducing()

    server = serve(answer, tls=options)
    came = Deferred()

    def take(parts):
        came.callback(None)

    running = Deferred.fromCoroutine(client.fetch(server.url(), None, take))
    await came
    running.cancel()
    running.addErrback(lambda _: None)
    await running
    assert len(clock.getDelayedCalls()) == 1
    clock.advance(2.1)
    server.connections[0].transport.transport.resumeProducing()
    await server.all_closed()


@pytest_twisted.ensureDeferred
async def test_handshake_that_hangs(make_client, serve, clock, trust_root):
    """A TLS handshake that hangs times out."""
    connected = Deferred()
    server = serve(silent, greet=lambda _: connected.callback(None))
    server.scheme = "https"
    client = make_client(trust_root=trust_root)
    running = Deferred.fromCoroutine(client.fetch(server.url(), None, nothing))
    await connected
    turned = Deferred()
    reactor.callLater(0.01, turned.callback, None)
    await turned
    clock.advance(15.1)
    with pytest.raises(TimedOut, match="after 15 seconds"):
        await running
    await server.all_closed()


@pytest_twisted.ensureDeferred
async def test_turns_are_short(make_client, serve, clock, authority, trust_root):
    """In one turn of the reactor no more than READ_BYTES are taken from a connection."""
    sizes = []

    class Measuring(Protocol):
        def dataReceived(self, data):
            sizes.append(len(data))

    options = server_options(certificate(names("127.0.0.1"), authority))
    connector = make_client(trust_root=trust_root).connector
    for tls in (None, options):
        server = serve(silent, tls=tls, greet=lambda connection: connection.send(bytes(1_000_000)))
        uri = URI.fromBytes(str(server.url()).encode())
        factory = Factory.forProtocol(Measuring)
        factory.noisy = False
        made = await connector.connect(uri, factory, any_address, private_address_error, KEY)
        await until(lambda: sum(sizes) == 1_000_000)
        assert max(sizes) <= READ_BYTES
        sizes.clear()
        made.transport.abortConnection()
        await server.all_closed()


def test_only_one_place_opens_connections():
    """Nothing else in the program connects to other hosts, or looks up names."""
    words = re.compile(
        r"connectTCP|connectSSL|connectTLS|clientFromString|Endpoint\(|getaddrinfo|gethostby"
        r"|create_connection|urlopen|\.connect\(\("
    )
    package = Path(qabel.__file__).parent
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if words.search(re.sub(r"(PrivateSocket|AdoptedStreamServer)Endpoint\(", "", line))
    }
    # The bus of the desktop is a Unix socket.
    assert "UNIXClientEndpoint" in (package / "modules/notify/server.py").read_text()
    found.remove("modules/notify/server.py")
    assert found == {"net/connector.py", "net/dialer.py", "net/name_lookup.py"}
