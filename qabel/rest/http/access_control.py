"""Access control: checks on the headers of every request, before any route sees it."""

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Protocol

from attrs import field, frozen
from twisted.web.http_headers import Headers as RequestHeaders

from qabel.contract.access import EVERYTHING, Access
from qabel.contract.rejection import problem
from qabel.contract.reply import Headers, Reply
from qabel.contract.statuses import HEADERS
from qabel.core.tokens import TokenBook
from qabel.net.addresses import is_loopback

MAX_HOST = 255
"""The longest host name, in bytes."""

MAX_PORT = 65535

_HOST = re.compile(
    # No zone id: "::1%evil.example" is no address of this machine.
    r"(?:\[(?P<v6>[0-9a-f]*:[0-9a-f:.]*)\]|(?P<name>[0-9a-z_.-]+))(?::(?P<port>[0-9]{1,5}))?"
)
_OWN_SITES = (b"same-origin", b"none")
_SITES = (*_OWN_SITES, b"same-site", b"cross-site")
_USUAL = frozenset({"localhost", "127.0.0.1", "::1"})

METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

_EXPOSED = ", ".join(HEADERS).encode()
_REQUEST_HEADERS = (
    b"Authorization, Cache-Control, Content-Type, Idempotency-Key, If-Match, If-None-Match, "
    b"Last-Event-ID, X-Qabel-New-Since"
)


class RequestHead(Protocol):
    """A request whose headers have arrived."""

    requestHeaders: RequestHeaders

    method: bytes

    def isSecure(self) -> bool:
        """Return whether the request came over TLS."""


@frozen
class Decision:
    """What access control decided about a request."""

    access: Access | None = None
    """What the caller may do; None without a valid token."""
    cors: Headers = ()
    """Headers that let a web page of an allowed origin read the response."""
    rejection: Reply | None = None
    """The response to a request that is rejected whatever its token."""


UNDECIDED = Decision()


@frozen
class AccessOptions:
    """The configuration of access control."""

    auth: bool = True
    """Whether requests need a token."""
    allowed_hosts: frozenset[str] = frozenset()
    """Host names to accept besides the loopback ones, each with or without a port."""
    allowed_origins: frozenset[str] = frozenset()
    """Origins of web pages that may call the API, as in ``https://example.org``."""
    unix: bool = False
    """Whether requests come over a Unix socket, whose file mode controls the access."""
    console: bool = True
    """Whether the page for people is served."""
    max_connections: int = 1024
    """The largest number of simultaneous connections."""


@frozen
class AccessControl:
    """Decides whether a request is authorized, by its headers.

    Args:
        tokens: the valid tokens.
        options: the configuration.

    """

    _tokens: TokenBook
    _options: AccessOptions
    _hosts: frozenset[str] = field(init=False)
    _origins: frozenset[bytes] = field(init=False)

    @_hosts.default
    def _normal_hosts(self) -> frozenset[str]:
        return frozenset(each.lower().rstrip(".") for each in self._options.allowed_hosts)

    @_origins.default
    def _encoded_origins(self) -> frozenset[bytes]:
        return frozenset(each.encode() for each in self._options.allowed_origins)

    def decide(self, request: RequestHead, *, is_page: bool = False) -> Decision:
        """Return what the sender of a request may do, or why the request is rejected.

        Args:
            request: the request.
            is_page: whether it is for a page that contains nothing about the user: a browser may
                open it from anywhere, as from the file that ``qabel open`` writes.

        """
        headers = request.requestHeaders.getRawHeaders
        hosts = headers(b"Host")
        if not self._options.unix and not self._is_good_host(hosts):
            return Decision(rejection=_BAD_HOST)
        cors: Headers = ()
        origins = headers(b"Origin")
        if origins is not None:
            if not self._is_good_origin(origins, hosts, request):
                return Decision(rejection=_BAD_ORIGIN)
            cors = cors_headers(origins[0]) if origins[0] in self._origins else ()
        sites = headers(b"Sec-Fetch-Site")
        is_opened = is_page and origins is None and _is_navigation(request)
        if sites is not None and not is_opened and not _is_good_site(sites, is_allowed=bool(cors)):
            return Decision(rejection=_BAD_ORIGIN)
        return Decision(self._access(headers(b"Authorization")), cors)

    def still_admits(self, request: RequestHead) -> bool:
        """Return whether the token of a request that was admitted is still valid."""
        if self._options.unix or not self._options.auth:
            return True
        value = _token_in(request.requestHeaders.getRawHeaders(b"Authorization"))
        return value is not None and self._tokens.is_valid(value)

    def note_use(self, request: RequestHead) -> None:
        """Note that the token of a request that was admitted is in use."""
        value = _token_in(request.requestHeaders.getRawHeaders(b"Authorization"))
        if value is not None:
            self._tokens.note_use(value)

    def unauthorized(self) -> Reply:
        """Return the response to a request without a valid token."""
        return problem(
            401,
            "Missing or invalid token. Send the header 'Authorization: Bearer TOKEN'; the token "
            f"of this daemon is in {self._tokens.path}.",
            headers=((b"WWW-Authenticate", b"Bearer"),),
        )

    def _access(self, given: Sequence[bytes] | None) -> Access | None:
        if self._options.unix or not self._options.auth:
            return EVERYTHING
        value = _token_in(given)
        return None if value is None else self._tokens.check(value)

    def _is_good_host(self, hosts: Sequence[bytes] | None) -> bool:
        return hosts is not None and len(hosts) == 1 and self._is_ours(hosts[0])

    def _is_ours(self, host: bytes) -> bool:
        if len(host) > MAX_HOST + 6 or not host.isascii():
            return False
        name, port = _split(host.decode("ascii").lower())
        if port is None:
            return False
        bare = name.removesuffix(".")
        if bare in _USUAL or _is_loopback(bare):
            return True
        with_port = f"{bare}:{port}" if port else bare
        return not self._hosts.isdisjoint((bare, with_port))

    def _is_good_origin(
        self, origins: Sequence[bytes], hosts: Sequence[bytes] | None, request: RequestHead
    ) -> bool:
        if len(origins) != 1:
            return False
        scheme = b"https://" if request.isSecure() else b"http://"
        own = hosts is not None and origins[0].lower() == scheme + hosts[0].lower()
        return own or origins[0] in self._origins


def accepts_html(headers: RequestHeaders) -> bool:
    """Return whether a client names HTML among what it accepts, as browsers do."""
    given = b",".join(headers.getRawHeaders(b"Accept") or ()).lower()
    return any(each.partition(b";")[0].strip() == b"text/html" for each in given.split(b","))


def cors_headers(origin: bytes) -> Headers:
    """Return the headers that let a web page of an allowed origin read a response."""
    return (
        (b"Access-Control-Allow-Origin", origin),
        (b"Access-Control-Expose-Headers", _EXPOSED),
        (b"Vary", b"Origin"),
    )


PREFLIGHT = Reply(
    204,
    content_type=None,
    headers=(
        (b"Access-Control-Allow-Methods", METHODS),
        (b"Access-Control-Allow-Headers", _REQUEST_HEADERS),
        (b"Access-Control-Allow-Private-Network", b"true"),
        (b"Access-Control-Max-Age", b"600"),
    ),
)
"""The response to a CORS preflight request from an allowed origin."""

_BAD_HOST = problem(
    403,
    "The Host header must be localhost or a loopback address. Allow other names with --allow-host.",
)
_BAD_ORIGIN = problem(
    403,
    "Requests from web pages of other origins are rejected. Allow an origin with --allow-origin.",
)


def _is_navigation(request: RequestHead) -> bool:
    """Return whether a browser opens a page with the request, in a tab or a window."""
    headers = request.requestHeaders.getRawHeaders
    return (
        request.method in (b"GET", b"HEAD")
        and headers(b"Sec-Fetch-Mode") == [b"navigate"]
        and headers(b"Sec-Fetch-Dest") == [b"document"]
    )


def _is_good_site(sites: Sequence[bytes], *, is_allowed: bool) -> bool:
    """Return whether Sec-Fetch-Site is one that a browser sends, from a page that may call."""
    return len(sites) == 1 and (sites[0] in _OWN_SITES or (is_allowed and sites[0] in _SITES))


def _token_in(given: Sequence[bytes] | None) -> str | None:
    """Return the token in an Authorization header; None if there is none, or more than one."""
    if given is None or len(given) != 1:
        return None
    scheme, value = given[0][:7], given[0][7:]
    if scheme.lower() != b"bearer " or not value.isascii():
        return None
    return value.strip().decode("ascii")


def _split(host: str) -> tuple[str, str | None]:
    """Split a Host header into name and port; the port is None if the header is malformed.

    An IP address stands in brackets if it is one of version 6, and only then.
    """
    match = _HOST.fullmatch(host)
    if match is None or not 0 < int(match["port"] or 1) <= MAX_PORT:
        return "", None
    return match["v6"] or match["name"], match["port"] or ""


def _is_loopback(name: str) -> bool:
    try:
        return is_loopback(ip_address(name))
    except ValueError:
        return False
