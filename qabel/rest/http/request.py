"""An incoming request: within the limits, through access control, and on to Klein."""

from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.web.http import parse_qs

from qabel.contract.rejection import problem
from qabel.contract.reply import Reply
from qabel.contract.routes import MAX_BODY
from qabel.host.http_server.request import BoundedRequest
from qabel.rest.http.access_control import METHODS, PREFLIGHT, UNDECIDED, Decision, accepts_html
from qabel.rest.http.replies import begin, raw
from qabel.rest.http.request_target import parse_target
from qabel.rest.http.site import ApiSite, too_large

_BAD_PATH = problem(400, "The request target must be a path in UTF-8.")
_BAD_EXPECTATION = problem(417, "The only expectation that can be met is 100-continue.")
_COMPRESSED = problem(
    415,
    "The body must not be compressed: send it without Content-Encoding.",
    headers=((b"Accept-Encoding", b"identity"),),
)
_BAD_METHOD = problem(501, "Unknown method: methods are in upper case.")
_ALL_METHODS = Reply(204, content_type=None, headers=((b"Allow", METHODS),))


class ApiRequest(BoundedRequest):
    """A request. Routes see only those that access control has authorized."""

    body_limit = MAX_BODY

    decision: Decision = UNDECIDED
    """The decision of access control, once the headers have arrived."""
    site: ApiSite

    _keeps_body = False
    """Whether the caller may use the route, so that its body is kept."""
    _expected: Sequence[bytes] = ()
    """The values of ``Expect``, of which HTTP/1.0 knows nothing."""

    work: "Deferred[Any] | None" = None
    """The work of the route, if it takes time."""
    may_end_token = False
    """Whether the response is to be sent even if the request has ended its own token."""
    is_revoked = False
    """Whether the token was revoked while the request was being handled."""

    _has_body = False
    """Whether there is a body, of which the length may not be known yet."""
    _is_handled = False
    """Whether all of it has arrived, and routes may have seen it."""

    def head_received(self, method: bytes, target: bytes, version: bytes) -> bytes:
        """Take the target; a host that it names counts in place of ``Host`` (RFC 9112, 3.2.2)."""
        self.method = method
        expected = self.requestHeaders.getRawHeaders(b"Expect")
        if expected is not None and version == b"HTTP/1.1":
            self._expected = [each.lower() for each in expected]
        # Nearly every target is a path, of which there is nothing to find out.
        if target[:1] != b"/":
            found = parse_target(target, secure=bool(self.isSecure()))
            target = found.uri
            if found.authority is not None and len(self._all(b"Host")) <= 1:
                self.requestHeaders.setRawHeaders(b"Host", [found.authority])
        self.uri = target
        self.path = target.partition(b"?")[0]
        return target

    def gotLength(self, length: int | None) -> None:
        """Check the access before any of the body is kept. The headers have arrived."""
        self.site = cast("ApiSite", self.channel.site)
        self._has_body = length != 0
        self.decision = self.site.access_control.decide(self, is_page=self.path in self.site.pages)
        early = None
        if length == 0:
            if self._expected:
                # There is nothing to go on with.
                self.requestHeaders.removeHeader(b"Expect")
        else:
            early = self._stopped() or self._forbidden()
        is_too_large = length is not None and length > self.body_limit
        if early is not None and (is_too_large or self._expected):
            super().gotLength(0)
            self.refuse(raw(evolve(early, headers=early.headers + self.decision.cors)))
        else:
            super().gotLength(length)

    def keep(self, data: bytes) -> None:
        """Keep a part of the body if the caller may use the route."""
        if self._keeps_body:
            super().keep(data)

    @property
    def is_trusted(self) -> bool:  # type: ignore[override]
        """Whether the request came with a valid token."""
        return self.decision.access is not None

    @property
    def too_large(self) -> bytes:  # type: ignore[override]
        """The whole response to a body of more than ``body_limit`` bytes."""
        return too_large(self.body_limit)

    @property
    def parameters(self) -> Sequence[str]:
        """The names of the parameters in the query."""
        if b"?" not in self.uri:
            return ()
        found = _read_query(self.uri.partition(b"?")[2])
        return [name.decode("utf-8", "replace") for name in found]

    def process(self) -> None:
        """Run the checks that apply to all requests, then let Klein find the route."""
        self._is_handled = True
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

    def recheck(self) -> None:
        """End the request, at once, if its token is not valid any more."""
        if not self.is_trusted or self.may_end_token or self.site.access_control.still_admits(self):
            return
        if not self._is_handled:
            # The rest of the body is discarded, and so is what would have followed.
            self.channel.refuse(raw(self.site.access_control.unauthorized()))
        elif self.startedWriting:
            self.abort()
        elif self.work is not None:
            self.is_revoked = True
            self.work.cancel()

    def parseCookies(self) -> None:
        """Do nothing: the API uses no cookies."""

    def getRequestHostname(self) -> bytes:
        """Return a fixed name: routing must not depend on the Host header."""
        return b"localhost"

    def _all(self, name: bytes) -> Sequence[bytes]:
        return self.requestHeaders.getRawHeaders(name) or ()

    def _forbidden(self) -> Reply | None:
        """Return the response if the token does not admit to the route; else keep the body."""
        route = self.site.find_route(self.method, self.path)
        access = self.decision.access
        if route is None or (access is None and route.scopes):
            return None
        if access is not None and route.scopes and not route.admits(access, self.parameters):
            return problem(403, route.forbidden(self.parameters))
        self.body_limit = route.body_limit
        self._keeps_body = True
        return None

    def _stopped(self) -> Reply | None:
        """Return the response if no route is to see this request."""
        decision = self.decision
        if decision.rejection is not None:
            return decision.rejection
        asked = b"Access-Control-Request-Method"
        if self.method == b"OPTIONS" and decision.cors and self.requestHeaders.hasHeader(asked):
            return PREFLIGHT
        if decision.access is None and not self._is_open():
            return self.site.access_control.unauthorized()
        return self._without_route()

    def _is_open(self) -> bool:
        """Return whether the request needs no token: the page itself does only for programs."""
        if self.path == b"/" and not accepts_html(self.requestHeaders):
            return False
        return self.path in self.site.open_paths

    def _without_route(self) -> Reply | None:
        """Return the response to a request of an authorized caller that no route can handle."""
        if self._expected and self._expected != [b"100-continue"]:
            return _BAD_EXPECTATION
        if not self.method.isupper():
            return _BAD_METHOD
        if self.path == b"*" and self.method == b"OPTIONS":
            return _ALL_METHODS
        if not _is_path(self.path):
            return _BAD_PATH
        return _COMPRESSED if self._has_body and self._is_compressed() else None

    def _is_compressed(self) -> bool:
        codings = b",".join(self._all(b"Content-Encoding")).lower().split(b",")
        return any(each.strip() not in (b"", b"identity") for each in codings)


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
