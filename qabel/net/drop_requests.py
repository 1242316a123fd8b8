"""The headers of requests to a drop server: no other, in one order, whoever they are for."""

from twisted.web.http_headers import Headers

from qabel.drop.url import DropURL
from qabel.net.drop_cursor import cursor_header


def fetch_headers(url: DropURL, since: str | None = None) -> Headers:
    """Return the headers with which the messages newer than a cursor are fetched."""
    headers = Headers({b"Host": [url.host.encode("ascii")]})
    cursor = cursor_header(since)
    if cursor is not None:
        headers.addRawHeader(*cursor)
    return headers


def post_headers(url: DropURL) -> Headers:
    """Return the headers with which a message is posted."""
    return Headers(
        {
            b"Host": [url.host.encode("ascii")],
            b"Authorization": [b"Client Qabel"],
            b"Content-Type": [b"application/octet-stream"],
        }
    )
