"""The HTTP server of a drop server: its limits, and what it responds beyond them.

Every request line contains a drop id, which is secret, so nothing here logs a request or a client.
"""

from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import IResource

from qabel.dropserver.message_values import MESSAGE_LIMIT, Since
from qabel.dropserver.stamps import parse_http_date, parse_latest
from qabel.host.http_server.json_responses import REFUSALS, JsonRequest, refusal
from qabel.host.http_server.site import BoundedSite, SourceLimit
from qabel.host.http_server.sources import Sources

DISCARD_LIMIT = 2_621_440
"""Bytes of a body that are read and discarded for the sake of a proper response, as deployed."""

REQUEST_TIME = 30.0
"""Seconds within which a request must arrive, and that a connection may be without one."""

MOST_EACH = 512
"""Connections from one source: a hundred identities may each read, and listen to, several drops."""


class DropRequest(JsonRequest):
    """A request of whose body as much is kept as a message may have, and one byte."""

    body_limit = DISCARD_LIMIT
    too_large = refusal(b"413 Request Entity Too Large", b"Message too large")

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
        REFUSALS,
        reactor=reactor,
        max_connections=max_connections,
        request_time=REQUEST_TIME,
        each=SourceLimit(told.of_connection, most_each),
    )
