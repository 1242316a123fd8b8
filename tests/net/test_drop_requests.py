"""The headers of requests; tests/net/test_requests_look_alike.py has the bytes that go out."""

from qabel.drop.url import DropURL
from qabel.net.drop_requests import fetch_headers, post_headers

URL = DropURL.on_server("https://drop.example:8443/path")


def test_fetching_has_a_cursor_or_none() -> None:
    """Nothing but the host, and what was read before."""
    host = (b"Host", [b"drop.example:8443"])
    assert list(fetch_headers(URL).getAllRawHeaders()) == [host]
    with_cursor = list(fetch_headers(URL, "12.5").getAllRawHeaders())
    assert [name.lower() for name, _ in with_cursor] == [b"host", b"x-qabel-new-since"]


def test_posting_is_authorized_alike_for_all() -> None:
    """With what Qabel's clients send, and nothing else."""
    assert dict(post_headers(URL).getAllRawHeaders()) == {
        b"Host": [b"drop.example:8443"],
        b"Authorization": [b"Client Qabel"],
        b"Content-Type": [b"application/octet-stream"],
    }
