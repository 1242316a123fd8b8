"""The headers of requests to drop servers: nothing beyond the protocol's, in one order."""

from twisted.web.http_headers import Headers

from qabel.drop.group_token import authorization
from qabel.drop.url import DropURL
from qabel.net.drop_cursor import cursor_header


def fetch_headers(url: DropURL, since: str | None, token: str | None) -> Headers:
    """Return the headers of a request for messages.

    Args:
        url: the drop.
        since: the cursor; None for all messages.
        token: of the closed group that the server is for; None if there is none.

    """
    headers = Headers({b"Host": [url.host.encode("ascii")]})
    if token is not None:
        headers.addRawHeader(b"Authorization", authorization(token))
    cursor = cursor_header(since)
    if cursor is not None:
        headers.addRawHeader(*cursor)
    return headers


def post_headers(url: DropURL, token: str | None) -> Headers:
    """Return the headers of a message; the arguments are those of ``fetch_headers``."""
    return Headers(
        {
            b"Host": [url.host.encode("ascii")],
            b"Authorization": [authorization(token)],
            b"Content-Type": [b"application/octet-stream"],
        }
    )
