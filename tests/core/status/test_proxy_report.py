"""What the status says of the proxy, and when there is trouble with it."""

from qabel.core.status.proxy_report import proxy_trouble, proxy_view, without_consequences
from qabel.core.status.troubles import Trouble, TroubleKind
from qabel.net.proxy import Proxy
from qabel.settings.proxy_url import ProxyURL

PLAIN = ProxyURL.parse("socks5://127.0.0.1:9050")
GIVEN = ProxyURL.parse("socks5://me:secret@proxy.example:1080")
SERVERS = [
    "https://drop.example",
    "http://localhost:9697",
    "http://127.0.0.1:1/x",
    "http://[::1]",
    "http://10.1.2.3",
]


def kinds(proxy: Proxy) -> list[TroubleKind]:
    """Return the kinds of trouble with a proxy."""
    return [each.kind for each in proxy_trouble(proxy)]


def test_no_proxy() -> None:
    """Without a proxy there is nothing to report."""
    assert proxy_view(Proxy(), None, SERVERS) is None
    assert proxy_trouble(Proxy()) == []


def test_view() -> None:
    """The view has the address, where it is from, and which servers it does not lead to."""
    view = proxy_view(Proxy(PLAIN), PLAIN, SERVERS)
    assert view is not None
    assert (view.address, view.source) == ("127.0.0.1:9050", "option")
    assert (view.isolating, view.error) == (None, None)
    assert view.direct == ["http://127.0.0.1:1/x", "http://[::1]", "http://localhost:9697"]
    given = proxy_view(Proxy(GIVEN), None, ())
    assert given is not None
    assert (given.source, given.isolating, given.direct) == ("settings", False, [])
    assert "secret" not in str(given)


def test_trouble() -> None:
    """A proxy that fails is trouble until it works again."""
    proxy = Proxy(PLAIN)
    assert kinds(proxy) == []
    proxy.failed("The proxy at 127.0.0.1:9050 refused the connection.")
    [trouble] = proxy_trouble(proxy)
    assert trouble.kind is TroubleKind.PROXY
    assert trouble.what == "The proxy at 127.0.0.1:9050 refused the connection."
    assert trouble.unhealthy
    proxy.works(authenticated=True)
    assert kinds(proxy) == []


def test_servers_are_not_to_blame() -> None:
    """What failed at servers only because of the proxy is left out, and all else is not."""
    proxy = Trouble(TroubleKind.PROXY, "The proxy refused the connection.")
    failing = Trouble(TroubleKind.SERVER_FAILING, f"Reading failed: {proxy.what}", "a")
    others = [
        Trouble(TroubleKind.SERVER_FAILING, "Reading failed: It said 500.", "b"),
        Trouble(TroubleKind.SERVER_STALE, f"It could not be read: {proxy.what}", "a"),
        Trouble(TroubleKind.DISK_FULL, "The disk is full."),
    ]
    assert without_consequences([*others, failing, proxy]) == [*others, proxy]
    assert without_consequences([*others, failing]) == [*others, failing]


def test_no_isolation() -> None:
    """A proxy that cannot keep identities apart is trouble, and why is said."""
    proxy = Proxy(PLAIN)
    proxy.works(authenticated=False)
    [trouble] = proxy_trouble(proxy)
    assert trouble.kind is TroubleKind.PROXY_NOT_ISOLATING
    assert "asks for no user name" in trouble.what
    assert not trouble.unhealthy
    [given] = proxy_trouble(Proxy(GIVEN))
    assert "its URL has a user name and password" in given.what
    assert "secret" not in given.what
