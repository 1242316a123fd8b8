"""The webhook client against servers on real sockets."""

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.testing import MemoryReactorClock

from qabel.net.errors import WebhookFailed
from qabel.net.name_lookup import NameLookup
from qabel.net.webhook_client import WebhookClient, is_webhook_url
from tests.net.servers import TAKEN, always, head, silent, turn


@pytest.fixture
def make_hooks(clock):
    """Return a function that makes clients; they are closed at the end and must leave no timers."""
    made = []

    def make(**options):
        made.append(WebhookClient(reactor, clock=clock, **options))
        return made[-1]

    yield make
    for each in made:
        pytest_twisted.blockon(Deferred.fromCoroutine(each.close()))
    assert clock.getDelayedCalls() == []


def names(clock, address):
    """Return a name lookup that resolves every name to this address."""
    return NameLookup(reactor, clock, lambda *_: [(2, 1, 6, "", (address, 0))])


@pytest_twisted.ensureDeferred
async def test_what_goes_out(make_hooks, serve):
    """A call sends the JSON and the given headers, nothing else, over one connection."""
    server = serve(always(TAKEN))
    hooks = make_hooks()
    url = f"HTTP://LocalHost:{server.number}/hook;a?token=1#x"
    for _ in range(2):
        assert await hooks.post_json(url, b"{}", {"X-Signature": "sha256=00"}) == 200
    assert server.requests[1] == (
        b"POST /hook;a?token=1 HTTP/1.1\r\nContent-Length: 2\r\n"
        + f"Host: localhost:{server.number}\r\n".encode()
        + b"Content-Type: application/json\r\nX-Signature: sha256=00\r\n\r\n{}"
    )
    assert len(server.connections) == 1


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (head(status="204 No Content"), 204),
        (head("Location: http://127.0.0.1:1/", status="302 Found"), 302),
        (head(status="500 No") + b"x" * 10000, 500),
        (head("Content-Length: 100000000"), 200),
    ],
)
@pytest_twisted.ensureDeferred
async def test_statuses(make_hooks, serve, answer, status):
    """The status is returned, whatever the body; redirects are not followed."""
    server = serve(always(answer, close=status == 500))
    url = f"http://127.0.0.1:{server.number}/"
    running = Deferred.fromCoroutine(make_hooks().post_json(url, b"{}", {}))
    if status == 302:
        await server.next_request()
        await turn(0.01)
        server.connections[0].transport.loseConnection()
    assert await running == status
    assert len(server.requests) == 1


@pytest_twisted.ensureDeferred
async def test_endless_answer(make_hooks, serve):
    """An endless response is cut off, and its status returned."""
    server = serve(always(head() + b"x" * 1_000_000))
    url = f"http://127.0.0.1:{server.number}/"
    assert await make_hooks().post_json(url, b"{}", {}) == 200
    await server.all_closed()


@pytest_twisted.ensureDeferred
async def test_silent(make_hooks, serve, clock):
    """A webhook that does not respond times out."""
    server = serve(silent)
    asked = server.next_request()
    url = f"http://127.0.0.1:{server.number}/"
    running = Deferred.fromCoroutine(make_hooks().post_json(url, b"{}", {}))
    await asked
    clock.advance(20.1)
    with pytest.raises(WebhookFailed) as raised:
        await running
    assert raised.value.kind == "timeout"
    assert raised.value.detail.startswith(f"The webhook at 127.0.0.1:{server.number} ")
    await server.all_closed()


@pytest_twisted.ensureDeferred
async def test_only_here_unless_allowed(make_hooks, serve, clock):
    """Only this machine is called, unless the user allowed the origin."""
    server = serve(always(TAKEN))
    outside = make_hooks(names=names(clock, "192.168.1.1"))
    for url in ("http://10.0.0.1/", "https://8.8.8.8/", "http://hook.example:81/x"):
        with pytest.raises(WebhookFailed) as raised:
            await outside.post_json(url, b"{}", {})
        assert raised.value.kind == "not-allowed"
    asked = []
    allowed = make_hooks(allowed=lambda origin: bool(asked.append(origin)) or True)
    assert await allowed.post_json(f"http://127.0.0.1:{server.number}/a", b"{}", {}) == 200
    assert asked == [f"http://127.0.0.1:{server.number}"]


@pytest.mark.parametrize(
    "host",
    [
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::1]",
        "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
        "[2a00:1450::5efe:7f00:1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[::]",
        "0.0.0.0",  # noqa: S104 - an address to refuse, not to bind to
        "0",
        "127.1",
        "0x7f000001",
        "localhost.example",
    ],
)
@pytest_twisted.ensureDeferred
async def test_addresses_in_disguise(clock, host):
    """A host that only leads to this machine in some way is not called, nor connected to."""
    memory = MemoryReactorClock()
    hooks = WebhookClient(memory, clock=clock, names=names(clock, "127.0.0.1"))
    url = f"http://{host}:9/"
    assert not hooks.may_call(url)
    with pytest.raises(WebhookFailed) as raised:
        await hooks.post_json(url, b"{}", {})
    assert raised.value.kind == "not-allowed"
    assert memory.tcpClients == []
    await hooks.close()


@pytest_twisted.ensureDeferred
async def test_localhost_elsewhere(make_hooks, clock):
    """``localhost`` is not called where it is not a loopback address."""
    hooks = make_hooks(names=names(clock, "64:ff9b::7f00:1"))
    with pytest.raises(WebhookFailed) as raised:
        await hooks.post_json("http://localhost:9/", b"{}", {})
    assert raised.value.kind == "not-allowed"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost",
        "ftp://localhost/",
        "http://user:password@localhost/",
        "http://localhost/a b",
        "http://localhost/\r\nX: y",
        "http://localhost/ä",
        "http://localhost?x",
        "http://localhost:99999/",
        "http://[::1",
        "http:///x",
        "http://localhost/" + "x" * 2048,
    ],
)
@pytest_twisted.ensureDeferred
async def test_bad_urls(make_hooks, url):
    """Anything but a valid http or https URL is rejected."""
    assert not is_webhook_url(url)
    with pytest.raises(WebhookFailed) as raised:
        await make_hooks().post_json(url, b"{}", {})
    assert raised.value.kind == "bad-url"


@pytest_twisted.ensureDeferred
async def test_close(make_hooks, serve):
    """Closing cancels the calls under way and rejects new ones."""
    server = serve(silent)
    asked = server.next_request()
    hooks = make_hooks()
    url = f"http://127.0.0.1:{server.number}/"
    running = Deferred.fromCoroutine(hooks.post_json(url, b"{}", {}))
    await asked
    await hooks.close()
    with pytest.raises(CancelledError):
        await running
    with pytest.raises(WebhookFailed):
        await hooks.post_json(url, b"{}", {})


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("http://127.0.0.1:9/hook", True),
        ("http://localhost/hook", True),
        ("http://[::1]:9/hook", True),
        ("https://hooks.example:8443/x", True),
        ("https://hooks.example/x", False),
        ("http://hooks.example:8443/x", False),
        ("http://192.168.1.1/hook", False),
        ("http://localhost.example/hook", False),
        ("nonsense", False),
    ],
)
def test_whom_a_webhook_may_call(url: str, may: bool) -> None:
    """Webhooks may call this machine, by name or address, and allowed origins."""
    client = WebhookClient(reactor, allowed={"https://hooks.example:8443"}.__contains__)
    assert client.may_call(url) is may


@pytest_twisted.ensureDeferred
async def test_onion_services(make_hooks):
    """Webhooks go through no proxy, so an onion service cannot be called."""
    hooks = make_hooks(allowed=lambda _: True)
    with pytest.raises(WebhookFailed, match="onion service") as raised:
        await hooks.post_json("https://abc.onion/hook", b"{}", {})
    assert raised.value.kind == "not-allowed"
