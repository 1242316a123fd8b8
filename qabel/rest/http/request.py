"""An incoming request: within the limits, through access control, and on to Klein."""

from typing import cast
from urllib.parse import unquote_to_bytes

from twisted.web.http import parse_qs

from qabel.contract.rejection import problem
from qabel.contract.reply import Reply
from qabel.host.http_server.request import BoundedRequest
from qabel.rest.http.access_control import METHODS, PREFLIGHT, UNDECIDED, Decision
from qabel.rest.http.replies import begin
from qabel.rest.http.site import MAX_BODY, TOO_LARGE, ApiSite

_BAD_PATH = problem(400, "The request target must be a path in UTF-8.")
_BAD_METHOD = problem(501, "Unknown method: methods are in upper case.")
_ALL_METHODS = Reply(204, content_type=None, headers=((b"Allow", METHODS),))


class ApiRequest(BoundedRequest):
    """A request. Routes see only those that access control has authorized."""

    body_limit = MAX_BODY
    too_large = TOO_LARGE

    decision: Decision = UNDECIDED
    """The decision of access control, once the headers have arrived."""
    site: ApiSite

    _is_decided = False

    def gotLength(self, length: int | None) -> None:
        """Check the access before any of the body is kept. The headers have arrived."""
        super().gotLength(length)
        if length != 0:
            self._decide()

    def keep(self, data: bytes) -> None:
        """Keep a part of the body if the request is authorized."""
        if self.is_trusted:
            super().keep(data)

    @property
    def is_trusted(self) -> bool:  # type: ignore[override]
        """Whether the request came with a valid token."""
        return self.decision.access is not None

    def process(self) -> None:
        """Run the checks that apply to all requests, then let Klein find the route."""
        if not self._is_decided:
            self._decide()
        answer = self._stopped()
        if answer is not None:
            self.write(begin(self, answer))
            self.finish()
            return
        if b"?" in self.uri:
            self.args = _read_query(self.uri.partition(b"?")[2])
        self.prepath = []
        self.postpath = unquote_to_bytes(self.path[1:]).split(b"/")
        self.render(self.site.resource)

    def parseCookies(self) -> None:
        """Do nothing: the API uses no cookies."""

    def getRequestHostname(self) -> bytes:
        """Return a fixed name: routing must not depend on the Host header."""
        return b"localhost"

    def _decide(self) -> None:
        self._is_decided = True
        self.site = cast("ApiSite", self.channel.site)
        self.decision = self.site.access_control.decide(self)

    def _stopped(self) -> Reply | None:
        """Return the response if no route is to see this request."""
        decision = self.decision
        if decision.rejection is not None:
            return decision.rejection
        asked = b"Access-Control-Request-Method"
        if self.method == b"OPTIONS" and decision.cors and self.requestHeaders.hasHeader(asked):
            return PREFLIGHT
        if decision.access is None and self.path not in self.site.open_paths:
            return self.site.access_control.unauthorized()
        if not self.method.isupper():
            return _BAD_METHOD
        if self.path == b"*" and self.method == b"OPTIONS":
            return _ALL_METHODS
        return None if _is_path(self.path) else _BAD_PATH


def _read_query(query: bytes) -> dict[bytes, list[bytes]]:
    """Parse a query. Twisted ignores parameters without ``=``, but a misspelt one is an error."""
    pairs = [each if b"=" in each else each + b"=" for each in query.split(b"&") if each]
    args: dict[bytes, list[bytes]] = parse_qs(b"&".join(pairs), keep_blank_values=True)
    return args


def _is_path(path: bytes) -> bool:
    # Routing would treat two leading slashes as one.
    if path[:1] != b"/" or path[:2] == b"//":
        return False
    if b"%" not in path and path.isascii():
        return True
    try:
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return False
    return True
