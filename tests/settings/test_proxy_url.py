"""The URL of a proxy: what is accepted, and what of it may be shown."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.forms.errors import InvalidInput
from qabel.settings.local import LOCAL
from qabel.settings.proxy_url import InvalidProxyURL, ProxyForm, ProxyURL, to_proxy_url


@pytest.mark.parametrize(
    ("text", "normal", "host", "port"),
    [
        ("socks5://127.0.0.1:9050", "socks5://127.0.0.1:9050", "127.0.0.1", 9050),
        ("SOCKS5H://LocalHost:1/", "socks5://localhost:1", "localhost", 1),
        ("socks5://[::1]:65535", "socks5://[::1]:65535", "::1", 65535),
        ("socks5://[0:0::1]:80", "socks5://[::1]:80", "::1", 80),
        ("socks5://tor:80", "socks5://tor:80", "tor", 80),
    ],
)
def test_urls(text: str, normal: str, host: str, port: int) -> None:
    """Host and port must be given; ``socks5h`` means the same."""
    url = ProxyURL.parse(text)
    assert (str(url), url.host, url.port) == (normal, host, port)
    assert (url.address, url.credentials) == (normal.removeprefix("socks5://"), None)
    assert ProxyURL.parse(normal) == url


def test_credentials() -> None:
    """User name and password may be percent-encoded, and are not shown."""
    url = ProxyURL.parse("socks5://m%65:p%40ss:1%3a%25@proxy.example:1080".replace("s:1", "s1"))
    assert url.credentials == (b"me", b"p@ss1:%")
    assert url.address == "proxy.example:1080"
    assert "p%40" not in repr(url)
    assert ProxyURL.parse(str(url)) == url


@given(st.binary(min_size=1, max_size=255), st.binary(min_size=1, max_size=255))
def test_any_credentials(user: bytes, password: bytes) -> None:
    """All that RFC 1929 allows can be given."""
    userinfo = ":".join("".join(f"%{byte:02x}" for byte in each) for each in (user, password))
    url = ProxyURL.parse(f"socks5://{userinfo}@h.example:1")
    assert url.credentials == (user, password)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "socks5://",
        "socks5://host",
        "socks5://host:0",
        "socks5://host:65536",
        "socks5://:9050",
        "socks4://host:1",
        "http://host:1",
        "host:1",
        "socks5://SECRET@host:1",
        "socks5://user:@host:1",
        "socks5://:SECRET@host:1",
        "socks5://user:SE CRET@host:1",
        "socks5://user:SECRET%zz@host:1",
        "socks5://user:SECRET\n@host:1",
        "socks5://user:SECRET@@host:1",
        "socks5://us:er:SECRET@host:1",
        "socks5://user:SECRETü@host:1",
        f"socks5://user:{'SECRET' * 43}@host:1",
        "socks5://host:1/path",
        "socks5://host:1?SECRET",
        "socks5://1.2.3:1",
        "socks5://[::1:1",
        "socks5://host_:1".replace("_", "ü"),
        "socks5://-host:1",
        "socks5://abc.onion:9050",
        f"socks5://{'a.' * 200}b:1",
    ],
)
def test_invalid_urls(text: str) -> None:
    """Other texts are refused, without being quoted."""
    with pytest.raises(InvalidProxyURL) as raised:
        ProxyURL.parse(text)
    assert "SECRET" not in str(raised.value)
    with pytest.raises(InvalidInput):
        ProxyForm().read(text)


@given(st.text())
def test_garbage(text: str) -> None:
    """Whatever text is given, it is a URL or an error."""
    with suppress(InvalidProxyURL):
        assert ProxyURL.parse(text).host


def test_text_or_url() -> None:
    """Programs may give the URL as a text."""
    url = ProxyURL.parse("socks5://127.0.0.1:9050")
    assert to_proxy_url("socks5://127.0.0.1:9050") == to_proxy_url(url) == url
    assert to_proxy_url(None) is None


def test_form() -> None:
    """In the settings, it is a string or null, and is written with its password."""
    text = "socks5://me:secret@127.0.0.1:9050"
    settings = LOCAL.parse({"privacy": {"proxy": text}}, now=1)
    assert settings.privacy.proxy == ProxyURL.parse(text)
    assert LOCAL.to_builtins(settings)["privacy"]["proxy"] == text
    assert "secret" not in repr(settings)
    assert LOCAL.set(settings, "privacy.proxy", None, now=1).privacy.proxy is None
    for wrong in (5, True, {}, "", " "):
        with pytest.raises(InvalidInput, match="null for no proxy"):
            LOCAL.set(settings, "privacy.proxy", wrong, now=1)
    assert ProxyForm().schema()["type"] == "string"
