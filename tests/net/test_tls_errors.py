"""What is wrong with the TLS of a server is named, with what to do, to whoever fetches or posts."""

import re
import ssl
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from qabel.drop.url import DropURL
from qabel.net.drop_client import DropClient
from qabel.net.errors import DropServerError
from qabel.net.tls_errors import ErrorPage, describe_failure
from tests.net.certificates import Pair, certificate, names
from tests.net.servers import DROP_ID, always, head
from tests.net.tls_servers import TlsServer

HERE = names("127.0.0.1")


def only_old_versions(context: ssl.SSLContext) -> None:
    """Offer TLS 1.0 and 1.1 only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")


def client_certificate(context: ssl.SSLContext) -> None:
    """Demand a client certificate."""
    context.verify_mode = ssl.CERT_REQUIRED


def old_client_certificate(context: ssl.SSLContext) -> None:
    """Demand a client certificate as TLS 1.2 does."""
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2


def unknown_name(context: ssl.SSLContext) -> None:
    """Have no certificate for any name."""
    context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


def stranger() -> Pair:
    """Return an authority that nobody trusts."""
    return certificate(None, authority=True, common_name="stranger")


def middle(root: Pair) -> Pair:
    """Return an authority whose own certificate has expired."""
    return certificate(None, root, authority=True, days=(-9, -2), common_name="middle")


SERVERS: dict[str, tuple[Callable[[Pair], list[Any]], Callable[[Any], object], str]] = {
    "expired": (
        lambda root: [certificate(HERE, root, days=(-9, -2))],
        lambda _: None,
        r"its certificate has expired \(on 2\d{3}-\d\d-\d\d\); its operator has to renew it\.",
    ),
    "expired authority": (
        lambda root: [certificate(HERE, one := middle(root)), one],
        lambda _: None,
        r"its certificate is signed by one that has expired \(on 2\d{3}-\d\d-\d\d\); its operator",
    ),
    "not yet valid": (
        lambda root: [certificate(HERE, root, days=(2, 9))],
        lambda _: None,
        r"its certificate is not valid before 2\d{3}-\d\d-\d\d; check this machine's clock\.",
    ),
    "self-signed": (
        lambda _: [certificate(HERE)],
        lambda _: None,
        r"its certificate is self-signed; if you trust it, .* SSL_CERT_FILE of the daemon\.",
    ),
    "unknown authority": (
        lambda _: [certificate(HERE, stranger())],
        lambda _: None,
        r"not signed by an authority that this machine trusts; if you trust .* SSL_CERT_FILE",
    ),
    "unknown authority in the chain": (
        lambda _: [certificate(HERE, one := stranger()), one],
        lambda _: None,
        r"not signed by an authority that this machine trusts; if you trust .* SSL_CERT_FILE",
    ),
    "other name": (
        lambda root: [certificate(names("other.example"), root)],
        lambda _: None,
        r"its certificate is for other hosts \(other\.example\); check the URL\.",
    ),
    "no TLS": (
        lambda _: [None],
        lambda _: None,
        r"does not speak TLS on this port: check the port, or use an http URL",
    ),
    "old TLS": (
        lambda root: [certificate(HERE, root)],
        only_old_versions,
        r"offers only versions of TLS that are too old: its operator has to allow TLS 1\.2 or 1\.3",
    ),
    "client certificate": (
        lambda root: [certificate(HERE, root)],
        client_certificate,
        r"demands a client certificate, which Qabel has not: its operator has to turn that off\.",
    ),
    "client certificate, TLS 1.2": (
        lambda root: [certificate(HERE, root)],
        old_client_certificate,
        r"or demands a client certificate\.",
    ),
    "unknown name": (
        lambda root: [certificate(HERE, root)],
        unknown_name,
        r"has no certificate for this host name: check the URL\.",
    ),
}


async def fail(client: DropClient, url: DropURL) -> list[str]:
    """Fetch and post, and return why both failed."""
    found = []
    for act in (lambda: client.fetch(url, None, lambda _: None), lambda: client.post(url, b"box")):
        with pytest.raises(DropServerError) as raised:
            await act()
        found.append(raised.value.detail)
    return found


@pytest.mark.parametrize("case", SERVERS.values(), ids=SERVERS)
@pytest_twisted.ensureDeferred
async def test_servers(
    tmp_path: Path,
    make_client: Callable[..., DropClient],
    authority: Pair,
    trust_root: object,
    case: tuple[Callable[[Pair], list[Any]], Callable[[Any], object], str],
) -> None:
    """Each is named in one sentence, which has the server and what to do, and no drop."""
    chain, configure, expected = case
    with TlsServer(tmp_path, *chain(authority), configure=configure) as server:
        url = DropURL.parse(f"https://127.0.0.1:{server.port}/{DROP_ID}")
        details = await fail(make_client(trust_root=trust_root), url)
    for detail in details:
        assert re.search(expected, detail), detail
        assert f"127.0.0.1:{server.port} " in detail
        assert DROP_ID not in detail


@pytest_twisted.ensureDeferred
async def test_http_where_tls_is_expected(
    tmp_path: Path, make_client: Callable[..., DropClient], authority: Pair
) -> None:
    """A server that hangs up on a request without TLS may expect it."""
    with TlsServer(tmp_path, certificate(HERE, authority)) as server:
        url = DropURL.parse(f"http://127.0.0.1:{server.port}/{DROP_ID}")
        for detail in await fail(make_client(), url):
            assert detail.endswith("; if it expects TLS, use its https URL.")


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (b"<h1>400 The plain HTTP request was sent to HTTPS port</h1>", "expects TLS"),
        (b"Client sent an HTTP request to an HTTPS server.\n", "expects TLS"),
        (b"You're speaking plain HTTP to an SSL-enabled server port.<br />", "expects TLS"),
        (b"<h1>400 No required SSL certificate was sent</h1>", "demands a client certificate"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_error_pages(
    make_client: Callable[..., DropClient],
    serve: Callable[..., Any],
    page: bytes,
    expected: str,
) -> None:
    """What web servers write about TLS is understood, and no reason to give a message up."""
    answer = head(f"Content-Length: {len(page)}", status="400 Bad Request") + page
    client, url = make_client(), serve(always(answer)).url()
    for detail in await fail(client, url):
        assert f" {expected}" in detail
    with pytest.raises(DropServerError) as raised:
        await client.post(url, b"box")
    assert not getattr(raised.value, "permanent", False)


def test_the_start_of_a_page() -> None:
    """Only its first bytes are kept, however they arrive, and other pages say nothing."""
    page = ErrorPage()
    assert not page.feed(b"x" * 2000 + b"No required SSL")
    assert page.meaning is None
    assert page.feed(b" certificate was sent" * 100)
    assert page.meaning is not None
    assert ErrorPage().meaning is None


@pytest.mark.parametrize("arguments", [(), ([],), ([("", "", "odd")],)])
def test_other_errors(arguments: tuple[Any, ...]) -> None:
    """An error that is not known is described by what OpenSSL says of it, if anything."""
    text = describe_failure(Exception(*arguments), "failed")
    assert text == ("failed: odd" if arguments and arguments[0] else "failed")
