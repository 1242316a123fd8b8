"""The headers of requests to drop servers."""

from twisted.web.http_headers import Headers

from qabel.drop.url import DropURL
from qabel.net.drop_requests import fetch_headers, post_headers
from tests.net.servers import DROP_ID

URL = DropURL.parse(f"https://drop.example:8443/{DROP_ID}")


def plain(headers: Headers) -> list[tuple[bytes, list[bytes]]]:
    """Return the headers in their order."""
    return list(headers.getAllRawHeaders())


def test_reading() -> None:
    """The token of a closed group comes before the cursor; without one there is no such header."""
    host = (b"Host", [b"drop.example:8443"])
    authorization = (b"Authorization", [b"Client secret-token"])
    cursor = (b"X-Qabel-New-Since", [b"12.5"])
    assert plain(fetch_headers(URL, None, None)) == [host]
    assert plain(fetch_headers(URL, "12.5", None)) == [host, cursor]
    assert plain(fetch_headers(URL, None, "secret-token")) == [host, authorization]
    assert plain(fetch_headers(URL, "12.5", "secret-token")) == [host, authorization, cursor]


def test_posting() -> None:
    """A message has the header of all clients, or the token in its place."""
    for token, value in ((None, b"Client Qabel"), ("secret-token", b"Client secret-token")):
        headers = post_headers(URL, token)
        assert headers.getRawHeaders(b"Authorization") == [value]
        assert [name for name, _ in plain(headers)] == [b"Host", b"Authorization", b"Content-Type"]
