"""The drop client and push through a real SOCKS5 proxy: no other way out, and nobody else asked."""

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from qabel.core.backoff import backoff
from qabel.drop.url import DropURL
from qabel.net.address_policy import AddressPolicy
from qabel.net.drop_client import FetchResult
from qabel.net.errors import ConnectFailed, NotAllowed, ProxyFailed, TimedOut
from qabel.net.isolation import Isolation
from qabel.net.name_lookup import NameLookup
from qabel.net.proxy import CONNECT_SECONDS, Proxy
from qabel.net.push_listener import PushListener
from qabel.settings.proxy_url import ProxyURL
from tests.net.certificates import certificate, names, server_options
from tests.net.recording_proxy import Asked, RecordingProxy
from tests.net.servers import (
    DROP_ID,
    NOTHING,
    TAKEN,
    accept_push,
    always,
    silent,
    turn,
    until,
)

ONION = f"{'a' * 56}.onion"
HOSTS = ("drop.example", "other.example", ONION, "8.8.8.8", "2606:4700::1111", "nas")

pytestmark = pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")


def nothing(_parts):
    """Take messages."""


@pytest.fixture
def looked_up():
    """Return the names that the system's resolver was asked for: in the end there must be none."""
    asked = []
    yield asked
    assert asked == []


@pytest.fixture
def resolver(looked_up):
    """Return the system's resolver, which knows no name."""

    def resolve(name, *_):
        looked_up.append(name)
        raise OSError

    return resolve


@pytest.fixture
def proxy():
    """Return a running proxy."""
    with RecordingProxy() as running:
        yield running


@pytest.fixture
def use(make_client, clock, proxy, resolver):
    """Return a function that makes a client of the proxy; it trusts only ``trusted`` servers."""

    def make(*trusted, **options):
        made = Proxy(ProxyURL.parse(options.pop("url", proxy.url)))
        policy = AddressPolicy(lambda: trusted, has_proxy=lambda: made.url is not None)
        names = NameLookup(reactor, clock, resolver)
        return make_client(policy=policy, names=names, proxy=made, **options)

    yield make
    # Connections that were aborted are lost in the next turn.
    pytest_twisted.blockon(turn(0.01))


def leading(proxy, server):
    """Have every host of the tests lead to a server, whatever the port."""
    proxy.leads_to = dict.fromkeys(HOSTS, ("127.0.0.1", server.number))


def drop(host, scheme="http", drop_id=DROP_ID):
    """Return a drop."""
    return DropURL.parse(f"{scheme}://{host}/{drop_id}")


@pytest_twisted.ensureDeferred
async def test_names_go_to_the_proxy(use, serve, proxy):
    """Names are passed on unresolved, and addresses as addresses."""
    server = serve(always(NOTHING))
    leading(proxy, server)
    hosts = ["drop.example", "8.8.8.8", "[2606:4700::1111]", ONION, "nas"]
    client = use(*(f"http://{host}" for host in hosts))
    for host in hosts:
        assert await client.fetch(drop(host), None, nothing) == FetchResult("nothing")
    asked = [(each.host, each.port, each.kind) for each in proxy.asked]
    kinds = [3, 1, 4, 3, 3]
    assert asked == [(host.strip("[]"), 80, kind) for host, kind in zip(hosts, kinds, strict=True)]


@pytest_twisted.ensureDeferred
async def test_user_names(use, serve, proxy, clock):
    """Reading has one user name, push another, and each posting one of its own."""
    upgraded = []

    def respond(connection, request):
        if request.startswith(b"POST"):
            connection.send(TAKEN, close=True)
        elif b"/ws " in request:
            upgraded.append(connection)
            connection.send(accept_push(request))
        else:
            connection.send(NOTHING, close=True)

    leading(proxy, serve(respond))
    isolation = Isolation()
    mine, hers = drop("drop.example"), drop("drop.example", drop_id="B" * 43)
    isolation.set_owners({mine: [b"me" * 16], hers: [b"she" * 10 + b"!!"]})
    client = use("http://drop.example", isolation=isolation)
    for url in (mine, mine, hers):
        await client.fetch(url, None, nothing)
    for _ in range(3):
        await client.post(mine, b"message")
    push = PushListener(
        client.connector,
        client.policy,
        isolation,
        mine,
        lambda _: None,
        clock=clock,
        delay=backoff,
        rare_delay=backoff,
    )
    push.start()
    await until(lambda: push.connected)
    await push.stop()
    first, again, other, *rest = proxy.users()
    assert first == again != other
    assert len({first, other, *rest}) == 2 + 3 + 1
    assert all(each.password not in (None, each.user) for each in proxy.asked)
    assert client._proxy.is_isolating


@pytest_twisted.ensureDeferred
async def test_given_credentials(use, serve, proxy):
    """Credentials in the URL are used as they are."""
    leading(proxy, serve(always(NOTHING)))
    url = proxy.url.replace("//", "//me:s%65cret@")
    client = use("http://drop.example", url=url)
    await client.fetch(drop("drop.example"), None, nothing)
    assert proxy.asked == [Asked("drop.example", 80, 3, "me", "secret")]
    assert client._proxy.is_isolating is False


@pytest_twisted.ensureDeferred
async def test_without_authentication(use, serve, proxy):
    """A proxy that asks for no user name is used, and known not to keep identities apart."""
    leading(proxy, serve(always(NOTHING)))
    proxy.authenticates = False
    client = use("http://drop.example")
    await client.fetch(drop("drop.example"), None, nothing)
    assert proxy.users() == [None]
    assert client._proxy.is_isolating is False


@pytest_twisted.ensureDeferred
async def test_tls(use, serve, proxy, authority, trust_root):
    """TLS is with the server, whoever the proxy leads to."""
    leading(proxy, serve(always(NOTHING), tls=_options(authority, "drop.example")))
    client = use(trust_root=trust_root)
    await client.fetch(drop("drop.example", "https"), None, nothing)
    with pytest.raises(ConnectFailed, match="could not be verified") as raised:
        await client.fetch(drop("other.example", "https"), None, nothing)
    assert raised.value.kind == "connect"
    assert client._proxy.error is None


@pytest_twisted.ensureDeferred
async def test_proxy_that_is_down(use, serve, proxy):
    """If nobody listens there, nothing goes out, and the proxy is to blame until it works."""
    leading(proxy, serve(always(NOTHING)))
    client = use("http://drop.example")
    proxy.stop()
    for call in (
        client.fetch(drop("drop.example"), None, nothing),
        client.post(drop("drop.example"), b"m"),
    ):
        with pytest.raises(ProxyFailed) as raised:
            await call
        text = f"The proxy at 127.0.0.1:{proxy.number} refused the connection."
        assert (raised.value.detail, raised.value.kind) == (text, "proxy")
        assert client._proxy.error == text
    with RecordingProxy(proxy.leads_to, port=proxy.number):
        await client.fetch(drop("drop.example"), None, nothing)
    assert client._proxy.error is None


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (b"HTTP/1.1 405\r\n\r\n", "does not speak SOCKS5"),
        (b"\x05\xff", "wants another kind of authentication than user name and password"),
        (b"", "closed the connection"),
        (b"\x05", "closed the connection"),
        (b"\x05\x00\x05\x00\x00", "closed the connection"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_proxy_that_is_none(use, proxy, answer, detail):
    """What does not do its part is said to be the proxy."""
    proxy.answer = answer
    client = use("http://drop.example")
    with pytest.raises(ProxyFailed) as raised:
        await client.post(drop("drop.example"), b"m")
    assert raised.value.detail == f"The proxy at 127.0.0.1:{proxy.number} {detail}."


@pytest.mark.parametrize("code", [2, 3, 4, 5, 6, 8])
@pytest_twisted.ensureDeferred
async def test_server_that_is_down(use, serve, proxy, code):
    """If the proxy cannot reach the server, that is the server's failure."""
    leading(proxy, serve(always(NOTHING)))
    proxy.code = code
    client = use("http://drop.example")
    with pytest.raises(ConnectFailed, match="through the proxy") as raised:
        await client.post(drop("drop.example"), b"m")
    assert raised.value.kind == "connect"
    assert client._proxy.error is None
    assert client._proxy.is_isolating


@pytest_twisted.ensureDeferred
async def test_failure_without_a_reason(use, serve, proxy):
    """If the proxy does not say why, it is to blame, unless it works for others."""
    leading(proxy, serve(always(NOTHING)))
    client = use("http://drop.example", "http://other.example")
    proxy.code = 1
    with pytest.raises(ProxyFailed, match="gave no reason"):
        await client.post(drop("drop.example"), b"m")
    assert "gave no reason" in client._proxy.error
    proxy.code = 0
    await client.fetch(drop("drop.example"), None, nothing)
    proxy.code = 1
    with pytest.raises(ProxyFailed, match=r"gave no reason: other\.example"):
        await client.post(drop("other.example"), b"m")
    assert client._proxy.error is None


@pytest_twisted.ensureDeferred
async def test_strangers_cannot_point_inside(use, proxy):
    """What looks private is not passed to the proxy, but for the user's own servers."""
    client = use()
    for host in ("127.0.0.1", "[::1]", "10.1.2.3", "localhost", "nas", "printer.local", "0x7f.0x1"):
        with pytest.raises(NotAllowed, match="private or local address"):
            await client.fetch(drop(host, "https"), None, nothing)
    with pytest.raises(NotAllowed, match="uses http"):
        await client.fetch(drop("drop.example"), None, nothing)
    assert proxy.asked == []


@pytest_twisted.ensureDeferred
async def test_loopback_goes_directly(use, serve, proxy):
    """The user's own servers on this machine are connected to directly, without a lookup."""
    server = serve(always(NOTHING))
    for host in ("127.0.0.1", "localhost"):
        url = server.url(host)
        client = use(url.server)
        await client.fetch(url, None, nothing)
    assert len(server.requests) == 2
    assert proxy.asked == []


@pytest_twisted.ensureDeferred
async def test_onion_services(use, serve, proxy, make_client, clock, resolver):
    """Onion services may use http, and need a proxy: no name server is asked for them."""
    leading(proxy, serve(always(TAKEN)))
    await use().post(drop(ONION), b"message")
    assert [each.host for each in proxy.asked] == [ONION]
    without = make_client(names=NameLookup(reactor, clock, resolver))
    for scheme in ("http", "https"):
        with pytest.raises(NotAllowed, match="onion service"):
            await without.post(drop(ONION, scheme), b"message")


@pytest_twisted.ensureDeferred
async def test_change_of_the_proxy(use, serve, proxy, looked_up):
    """When the proxy changes, kept connections are closed, and what is under way is given up."""
    server = serve(always(NOTHING))
    leading(proxy, server)
    client = use("http://drop.example", "http://other.example")
    await client.fetch(drop("drop.example"), None, nothing)
    proxy.leads_to["other.example"] = ("127.0.0.1", serve(silent).number)
    made = []
    with RecordingProxy(proxy.leads_to) as second:
        waiting = Deferred.fromCoroutine(client.fetch(drop("other.example"), None, nothing))
        waiting.addErrback(made.append)
        await until(lambda: len(proxy.asked) == 2)
        client._proxy.use(ProxyURL.parse(second.url))
        await until(lambda: made)
        await server.all_closed()
        await client.fetch(drop("drop.example"), None, nothing)
        assert (len(proxy.asked), len(second.asked)) == (2, 1)
        client._proxy.use(None)
        with pytest.raises(ConnectFailed, match="resolve"):
            await client.fetch(drop("drop.example"), None, nothing)
        assert looked_up.pop() == "drop.example"


@pytest_twisted.ensureDeferred
async def test_connection_that_is_given_up(use, serve, clock):
    """A connection that is being opened when the proxy changes fails, and is not made."""
    hung = serve(silent)
    client = use("http://drop.example", url=f"socks5://127.0.0.1:{hung.number}")
    waiting = Deferred.fromCoroutine(client.fetch(drop("drop.example"), None, nothing))
    await until(lambda: hung.connections)
    client._proxy.use(None)
    with pytest.raises(ConnectFailed, match="given up: the proxy has changed"):
        await waiting
    await hung.all_closed()


@pytest_twisted.ensureDeferred
async def test_time_limits(use, serve, clock):
    """A proxy has a minute; the time of the exchange begins after that."""
    hung = serve(silent)
    client = use("http://drop.example", url=f"socks5://127.0.0.1:{hung.number}")
    waiting = Deferred.fromCoroutine(client.fetch(drop("drop.example"), None, nothing))
    failed = []
    waiting.addErrback(failed.append)
    await until(lambda: hung.connections)
    for _ in range(11):
        clock.advance(CONNECT_SECONDS / 12)
    await turn()
    assert not failed
    clock.advance(CONNECT_SECONDS / 12)
    await until(lambda: failed)
    assert failed[0].type is ProxyFailed
    assert "did not respond within 60 seconds" in failed[0].value.detail
    await hung.all_closed()


@pytest_twisted.ensureDeferred
async def test_slow_circuit(use, serve, clock):
    """If it is the way to the server that takes too long, the proxy is not to blame."""

    def half(connection):
        connection.send(b"\x05\x00")

    hung = serve(silent, greet=half)
    client = use("http://drop.example", url=f"socks5://127.0.0.1:{hung.number}")
    waiting = Deferred.fromCoroutine(client.fetch(drop("drop.example"), None, nothing))
    await until(lambda: hung.connections and len(hung.connections[0].received) > 4)
    clock.advance(CONNECT_SECONDS)
    with pytest.raises(TimedOut, match="through the proxy timed out"):
        await waiting
    assert client._proxy.error is None


@pytest_twisted.ensureDeferred
async def test_few_at_once(use, serve, clock):
    """Few connections are opened at once; who waits does not run out of time."""
    hung = serve(silent)
    hosts = [f"drop{number}.example" for number in range(20)]
    client = use(*(f"http://{host}" for host in hosts), url=f"socks5://127.0.0.1:{hung.number}")
    failed = []
    for host in hosts:
        waiting = Deferred.fromCoroutine(client.fetch(drop(host), None, nothing))
        waiting.addErrback(lambda failure: failed.append(failure.type))
    await until(lambda: len(hung.connections) == 16)
    clock.pump([CONNECT_SECONDS / 4] * 4)
    await until(lambda: len(hung.connections) == 20)
    assert failed == [ProxyFailed] * 16
    clock.pump([CONNECT_SECONDS / 4] * 4)
    await until(lambda: len(failed) == 20)
    assert set(failed) == {ProxyFailed}


def _options(authority, name):
    return server_options(certificate(names(name), authority))
