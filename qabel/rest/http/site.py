"""The HTTP server of the API: its limits, the responses beyond them, and access control."""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import IResource

from qabel.contract.rejection import problem
from qabel.contract.routes import Route
from qabel.host.http_server.channel import Refusals
from qabel.host.http_server.request import BoundedRequest
from qabel.host.http_server.site import BoundedSite
from qabel.rest.http.access_control import AccessControl
from qabel.rest.http.replies import raw

REQUEST_TIME = 30.0
"""Seconds within which a request must arrive, and for which a connection may be idle."""


def too_large(limit: int) -> bytes:
    """Return the whole response to a body of more than ``limit`` bytes."""
    detail = f"The body is too large: at most {limit} bytes are accepted."
    return raw(problem(413, detail, limit=limit))


FindRoute = Callable[[bytes, bytes], Route | None]
"""Returns the route of a method and a path, or None."""

_REFUSALS = Refusals(
    malformed=raw(problem(400, "Malformed HTTP request, or too many or too long headers.")),
    too_slow=raw(
        problem(408, f"The request did not arrive completely within {REQUEST_TIME:.0f} s.")
    ),
    full=raw(
        problem(
            503,
            "Too many connections; close some, or raise --max-connections.",
            headers=((b"Retry-After", b"1"),),
        )
    ),
)


class ApiSite(BoundedSite):
    """The connections of the API, and the access control for their requests.

    Args:
        resource: responds to authorized requests.
        request_factory: the class of the requests.
        access_control: decides which requests are authorized.
        open_paths: paths that need no token.
        find_route: finds the route of a request with a body.
        pages: paths of pages that a browser may open from anywhere.
        reactor: the clock for all timeouts.
        max_connections: the largest number of simultaneous connections.

    """

    def __init__(
        self,
        resource: IResource,
        request_factory: type[BoundedRequest],
        access_control: AccessControl,
        open_paths: frozenset[bytes],
        find_route: FindRoute,
        *,
        pages: frozenset[bytes] = frozenset(),
        reactor: IReactorTime,
        max_connections: int,
    ) -> None:
        super().__init__(
            resource,
            request_factory,
            _REFUSALS,
            reactor=reactor,
            max_connections=max_connections,
            request_time=REQUEST_TIME,
        )
        self.access_control = access_control
        self.open_paths = open_paths
        self.pages = pages
        self.find_route = find_route

    def recheck(self) -> None:
        """End the requests whose token is not valid any more: call it when one was revoked."""
        for channel in [*self._working, *self._waiting]:
            for request in list(channel.requests):
                request.recheck()

    def note_uses(self) -> None:
        """Note for the tokens of all requests that they are in use."""
        for channel in self._working:
            for request in channel.requests:
                self.access_control.note_use(request)
