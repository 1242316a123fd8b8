"""Which proxy is used, and which user names it gets."""

from twisted.internet.task import Clock

from qabel.net.isolation import IsolationKey, Purpose
from qabel.net.proxy import KEEP_ERROR, Proxy
from qabel.settings.proxy_url import ProxyURL

PLAIN = ProxyURL.parse("socks5://127.0.0.1:9050")
GIVEN = ProxyURL.parse("socks5://me:secret@127.0.0.1:9050")
KEYS = [
    IsolationKey(Purpose.READ, b"alice"),
    IsolationKey(Purpose.READ, b"bob"),
    IsolationKey(Purpose.PUSH, b"alice"),
    IsolationKey(Purpose.POST, number=1),
    IsolationKey(Purpose.POST, number=2),
    IsolationKey(Purpose.TEST, number=2),
    IsolationKey(Purpose.READ, b"1 alice"),
]


def test_each_key_has_a_name() -> None:
    """Different keys have different user names and passwords, the same key the same."""
    proxy = Proxy(PLAIN)
    names = [proxy.credentials(key) for key in KEYS]
    assert len(set(names)) == len({user for user, _ in names}) == len(KEYS)
    assert names == [proxy.credentials(key) for key in KEYS]
    for user, password in names:
        assert user != password
        assert 1 <= len(user) <= 255
        assert user.isalnum()
        assert b"alice" not in user


def test_names_end_with_the_process() -> None:
    """After a restart, the same keys have other names."""
    first, second = Proxy(PLAIN), Proxy(PLAIN)
    assert all(first.credentials(key) != second.credentials(key) for key in KEYS)


def test_given_credentials() -> None:
    """Credentials of the URL are used for all, so nothing is kept apart."""
    proxy = Proxy(GIVEN)
    assert {proxy.credentials(key) for key in KEYS} == {(b"me", b"secret")}
    assert proxy.is_isolating is False
    proxy.works(authenticated=True)
    assert proxy.is_isolating is False


def test_isolation_is_known_after_a_connection() -> None:
    """Whether connections are kept apart depends on the method that the proxy chose."""
    proxy = Proxy(PLAIN)
    assert proxy.is_isolating is None
    for authenticated in (True, False):
        proxy.works(authenticated=authenticated)
        assert proxy.is_isolating is authenticated


def test_change() -> None:
    """After a change, what was known of the old proxy is forgotten, and others are told."""
    proxy, heard = Proxy(PLAIN), list[object]()
    proxy.on_change(lambda: heard.append(proxy.url))
    proxy.works(authenticated=False)
    proxy.failed("It failed.")
    proxy.use(PLAIN)
    assert (heard, proxy.error) == ([], "It failed.")
    for url in (GIVEN, None):
        proxy.use(url)
        assert (proxy.error, proxy.is_authenticated) == (None, None)
    assert heard == [GIVEN, None]


def test_names_end_with_the_proxy() -> None:
    """Another proxy gets other names, so that the two cannot compare them."""
    proxy = Proxy(PLAIN)
    before = [proxy.credentials(key) for key in KEYS]
    proxy.use(None)
    proxy.use(PLAIN)
    assert not set(before) & {proxy.credentials(key) for key in KEYS}


def test_old_errors_are_forgotten() -> None:
    """An error after which nothing was tried says nothing about the present."""
    clock = Clock()
    proxy = Proxy(PLAIN, seconds=clock.seconds)
    proxy.failed("It failed.")
    clock.advance(KEEP_ERROR - 1)
    assert proxy.error == "It failed."
    clock.advance(1)
    assert proxy.error is None


def test_secrets_are_not_shown() -> None:
    """The password is in no text of the proxy."""
    assert "secret" not in repr(Proxy(GIVEN)) + repr(GIVEN)
