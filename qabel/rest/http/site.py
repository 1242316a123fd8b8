"""The API's HTTP server: its limits, what it says when they are passed, and who may ask."""

from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import IResource

from qabel.contract.rejection import problem
from qabel.host.http_server.channel import Refusals
from qabel.host.http_server.request import BoundedRequest
from qabel.host.http_server.site import BoundedSite
from qabel.rest.http.access_control import AccessControl
from qabel.rest.http.replies import raw

MAX_BODY = 1024 * 1024
"""Bytes of a request's body."""

REQUEST_TIME = 30.0
"""Seconds within which a request must arrive, and that a connection may be without one."""

TOO_LARGE = raw(
    problem(413, f"The body of a request may have at most {MAX_BODY} bytes.", limit=MAX_BODY)
)

_REFUSALS = Refusals(
    malformed=raw(problem(400, "Not a valid HTTP request, or too many or too long headers.")),
    too_slow=raw(
        problem(408, f"The request did not arrive completely within {REQUEST_TIME:.0f} seconds.")
    ),
    full=raw(
        problem(503, "Too many connections; close some first.", headers=((b"Retry-After", b"1"),))
    ),
)


class ApiSite(BoundedSite):
    """The connections of the API, and the checks that each of their requests passes first.

    Args:
        resource: answers what access control lets through.
        request_factory: makes the requests.
        access_control: decides who may ask.
        open_paths: paths for which no token is needed.
        reactor: measures all times.
        max_connections: how many connections there may be at once.

    """

    def __init__(
        self,
        resource: IResource,
        request_factory: type[BoundedRequest],
        access_control: AccessControl,
        open_paths: frozenset[bytes],
        *,
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
