"""The HTTP server of a drop server: its limits, and what it responds beyond them.

Every request line contains a drop id, which is secret, so nothing here logs a request or a client.
"""

import json
import math

from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import IResource

from qabel.dropserver.message_values import MESSAGE_LIMIT, Since
from qabel.dropserver.stamps import parse_http_date, parse_latest
from qabel.host.http_server.channel import Refusals
from qabel.host.http_server.request import BoundedRequest
from qabel.host.http_server.site import BoundedSite, SourceLimit
from qabel.host.http_server.sources import Sources

DISCARD_LIMIT = 2_621_440
"""Bytes of a body that are read and discarded for the sake of a proper response, as deployed."""

REQUEST_TIME = 30.0
"""Seconds within which a request must arrive, and that a connection may be without one."""

MOST_EACH = 512
"""Connections from one source: a hundred identities may each read, and listen to, several drops."""


def _refusal(status: bytes, error: bytes, *headers: bytes) -> bytes:
    body = b'{"error": "%s"}' % error
    lines = (
        b"HTTP/1.1 " + status,
        b"Connection: close",
        *headers,
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
    )
    return b"\r\n".join((*lines, b"", body))


_REFUSALS = Refusals(
    malformed=_refusal(b"400 Bad Request", b"Bad request"),
    too_slow=_refusal(b"408 Request Timeout", b"Request timeout"),
    full=_refusal(b"503 Service Unavailable", b"Unavailable", b"Retry-After: 60"),
)


class DropRequest(BoundedRequest):
    """A request of whose body as much is kept as a message may have, and one byte."""

    body_limit = DISCARD_LIMIT
    too_large = _refusal(b"413 Request Entity Too Large", b"Message too large")
    defaultContentType = None

    @property
    def since(self) -> Since | None:
        """What the client has already; None if its headers are missing, invalid or ambiguous."""
        latest = self.requestHeaders.getRawHeaders(b"X-Qabel-New-Since")
        modified = self.requestHeaders.getRawHeaders(b"If-Modified-Since")
        if latest is not None and modified is None:
            stamp = parse_latest(latest[-1].decode("latin-1"))
            return None if stamp is None else Since(stamp)
        if modified is not None and latest is None:
            stamp = parse_http_date(modified[-1].decode("latin-1"))
            return None if stamp is None else Since(stamp, is_ours=False)
        return None

    def respond(self, status: int, body: bytes = b"") -> None:
        """Send a whole response, unless the connection is lost; headers about it may be set."""
        if not self.is_connected:
            return
        self.setResponseCode(status)
        if status not in (204, 304):
            self.responseHeaders.setRawHeaders(b"Content-Length", [b"%d" % len(body)])
        if body and self.method != b"HEAD":
            self.write(body)
        self.finish()

    def reject(self, status: int, text: str) -> None:
        """Respond with an error."""
        self.responseHeaders.setRawHeaders(b"Content-Type", [b"application/json"])
        self.respond(status, json.dumps({"error": text}).encode("ascii"))

    def reject_method(self, allowed: bytes) -> None:
        """Respond that only some methods are allowed."""
        self.responseHeaders.setRawHeaders(b"Allow", [allowed])
        self.reject(405, "Method not allowed")

    def put_off(self, status: int, text: str, seconds: float) -> None:
        """Respond with an error, and have the client come back after some seconds."""
        self.responseHeaders.setRawHeaders(b"Retry-After", [b"%d" % math.ceil(seconds)])
        self.reject(status, text)

    def keep(self, data: bytes) -> None:
        """Keep what a message may have, and one byte more to see that there is more."""
        super().keep(data[: max(0, MESSAGE_LIMIT + 1 - self.content.tell())])


def make_drop_site(
    resource: IResource,
    reactor: IReactorTime,
    *,
    max_connections: int,
    sources: Sources | None = None,
    most_each: int = MOST_EACH,
) -> BoundedSite:
    """Return the HTTP server of a drop server's resource.

    Args:
        resource: the resource.
        reactor: measures all times.
        max_connections: connections that are served at the same time.
        sources: tells where connections come from, of which each may have ``most_each``. Those
            that come through a proxy cannot be told apart, and the proxy itself is not limited.
        most_each: connections from one source.

    """
    told = sources or Sources()
    return BoundedSite(
        resource,
        DropRequest,
        _REFUSALS,
        reactor=reactor,
        max_connections=max_connections,
        request_time=REQUEST_TIME,
        each=SourceLimit(told.of_connection, most_each),
    )
