"""Requests as they go out, and the connections they use."""

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.protocol import Protocol
from twisted.web.client import ResponseNeverReceived
from twisted.web.http_headers import Headers

from qabel.net.address_policy import any_address, private_address_error
from qabel.net.addresses import is_global
from qabel.net.connector import Connector
from qabel.net.errors import EncodedBody, NotAllowed
from qabel.net.http_transport import Transport
from qabel.net.isolation import IsolationKey, Purpose
from qabel.net.name_lookup import NameLookup
from tests.net.servers import NOTHING, always, head, silent

KEPT = IsolationKey(Purpose.READ)
SINGLE = IsolationKey(Purpose.POST, number=1)


@pytest.fixture
def make_transport(clock):
    """Return a function that makes transports; they are closed at the end."""
    made = []

    def make(allows=any_address, key=KEPT):
        connector = Connector(reactor, clock, NameLookup(reactor, clock), time_limit=15)
        made.append(Transport(clock, connector, allows, private_address_error, key))
        return made[-1]

    yield make
    for each in made:
        pytest_twisted.blockon(each.close())
    assert clock.getDelayedCalls() == []


def address(server, path="/"):
    """Return the URL of a path on a server."""
    return f"http://127.0.0.1:{server.number}{path}"


@pytest_twisted.ensureDeferred
async def test_only_what_was_asked_for_is_sent(make_transport, serve):
    """A request has the given headers, a length if there is a body, and nothing more."""
    server = serve(always(NOTHING))
    transport = make_transport()
    await transport.request("GET", address(server), Headers({"Host": ["a"]}))
    await transport.request("POST", address(server), Headers({"Host": ["a"]}), b"body")
    assert server.requests == [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 4\r\nHost: a\r\n\r\nbody",
    ]
    assert len(server.connections) == 1


@pytest_twisted.ensureDeferred
async def test_urls_are_sent_unchanged(make_transport, serve):
    """Escapes and unusual characters of a URL are neither decoded nor encoded."""
    server = serve(always(NOTHING))
    transport = make_transport()
    for path in ("/a%2Fb/~x;p=1/$&'()*+,=:@!", "/..a/%7e", "/a;b;c?d=%20", "/a/../b"):
        await transport.request("GET", address(server, path), Headers({"Host": ["a"]}))
        assert server.requests[-1].startswith(f"GET {path} HTTP/1.1\r\n".encode())


@pytest_twisted.ensureDeferred
async def test_no_cookies_and_no_redirects(make_transport, serve):
    """Cookies are not sent back, and redirects are not followed."""
    server = serve(
        always(head("Set-Cookie: a=b", "Location: /x", "Content-Length: 0", status="302 Found"))
    )
    transport = make_transport()
    for _ in range(2):
        response = await transport.request("GET", address(server), Headers({"Host": ["a"]}))
        assert response.code == 302
        response.deliverBody(Protocol())
    assert all(b"Cookie" not in each for each in server.requests)
    assert len(server.requests) == 2


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, deflate"])
@pytest_twisted.ensureDeferred
async def test_encoded_bodies_are_rejected(make_transport, serve, encoding):
    """A compressed body is not decoded: the connection is closed instead."""
    server = serve(always(head(f"Content-Encoding: {encoding}") + bytes(100)))
    with pytest.raises(EncodedBody):
        await make_transport().request("GET", address(server), Headers({"Host": ["a"]}))
    await server.all_closed()


@pytest_twisted.ensureDeferred
async def test_addresses_are_checked(make_transport, serve):
    """A transport connects only to addresses that it allows."""
    server = serve(silent)
    transport = make_transport(is_global)
    with pytest.raises(NotAllowed, match="private or local address"):
        await transport.request("GET", address(server), Headers({"Host": ["a"]}))
    assert server.connections == []


@pytest_twisted.ensureDeferred
async def test_transports_share_no_connections(make_transport, serve):
    """A kept connection of one transport is not used by another."""
    server = serve(always(NOTHING))
    for _ in range(2):
        await make_transport().request("GET", address(server), Headers({"Host": ["a"]}))
    assert len(server.connections) == 2


@pytest_twisted.ensureDeferred
async def test_close(make_transport, serve):
    """Closing ends idle connections and those in use, and fires when they are closed."""
    idle, busy = serve(always(NOTHING)), serve(silent)
    transport = make_transport()
    await transport.request("GET", address(idle), Headers({"Host": ["a"]}))
    asked = busy.next_request()
    running = transport.request("GET", address(busy), Headers({"Host": ["a"]}))
    await asked
    await transport.close()
    with pytest.raises(ResponseNeverReceived):
        await running
    await idle.all_closed()
    await busy.all_closed()
