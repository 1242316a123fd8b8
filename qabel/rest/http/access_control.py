"""Who gets in: the checks that every request passes before anything else looks at it."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING

from attrs import frozen

from qabel.core.access import EVERYTHING, Access, TokenBook
from qabel.rest.http.answers import Headers, Reply
from qabel.rest.http.problems import problem

if TYPE_CHECKING:
    from qabel.rest.http.request import ApiRequest

MAX_HOST = 255
"""Bytes of a host name."""

MOST_HOSTS_KEPT = 64
"""Spellings of Host that are kept as known to be good."""

METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

_EXPOSED = b"ETag, Location, Retry-After, X-Qabel-Latest, X-Qabel-Oldest"
_REQUEST_HEADERS = (
    b"Authorization, Cache-Control, Content-Type, Idempotency-Key, If-Match, If-None-Match, "
    b"Last-Event-ID, X-Qabel-New-Since"
)


@frozen
class DoorOptions:
    """What can be chosen about who gets in."""

    auth: bool = True
    """Whether a token is needed."""
    allowed_hosts: frozenset[str] = frozenset()
    """Names besides the loopback ones, each with or without a port."""
    allowed_origins: frozenset[str] = frozenset()
    """Origins of web pages that may ask, as in ``https://example.org``."""
    unix: bool = False
    """Whether this door is a Unix socket: its file's mode is the check."""
    max_connections: int = 1024


class Door:
    """Looks at the headers of each request. What it finds stands in the request afterwards."""

    def __init__(self, tokens: TokenBook, options: DoorOptions) -> None:
        self._tokens = tokens
        self._token_needed = options.auth and not options.unix
        self._any_host = options.unix
        self._hosts = frozenset(each.lower().rstrip(".") for each in options.allowed_hosts)
        self._origins = frozenset(each.encode() for each in options.allowed_origins)
        self._good_hosts: set[bytes] = set()

    def examine(self, request: "ApiRequest") -> None:
        """Say who asks (``access``), from where (``cors``), or why not (``refusal``)."""
        headers = request.requestHeaders.getRawHeaders
        hosts = headers(b"Host")
        if not self._any_host and not self._is_good_host(hosts):
            request.refusal = _BAD_HOST
            return
        origins = headers(b"Origin")
        if origins is not None and not self._is_good_origin(origins, hosts, request):
            request.refusal = _BAD_ORIGIN
            return
        sites = headers(b"Sec-Fetch-Site")
        if sites is not None and not request.cors and sites[-1] not in (b"same-origin", b"none"):
            request.refusal = _BAD_ORIGIN
            return
        if not self._token_needed:
            request.access = EVERYTHING
            return
        given = headers(b"Authorization")
        if given is not None and len(given) == 1:
            request.access = self._access(given[0])

    def unknown(self) -> Reply:
        """Give the answer to those who show no token that is good for anything."""
        return problem(
            401,
            "The header 'Authorization: Bearer TOKEN' is missing, or its token is not valid. "
            f"The token of this daemon is in the file {self._tokens.path}.",
            headers=((b"WWW-Authenticate", b"Bearer"),),
        )

    def _access(self, value: bytes) -> Access | None:
        if value[:7].lower() != b"bearer " or not value.isascii():
            return None
        return self._tokens.check(value[7:].strip().decode("ascii"))

    def _is_good_host(self, hosts: Sequence[bytes] | None) -> bool:
        if hosts is None or len(hosts) != 1:
            return False
        host = hosts[0]
        if host in self._good_hosts:
            return True
        if not self._is_ours(host):
            return False
        if len(self._good_hosts) >= MOST_HOSTS_KEPT:
            self._good_hosts.clear()
        self._good_hosts.add(host)
        return True

    def _is_ours(self, host: bytes) -> bool:
        if len(host) > MAX_HOST + 6 or not host.isascii():
            return False
        full = host.decode("ascii").lower()
        name, port = _split(full)
        if port is None:
            return False
        bare = name.removesuffix(".")
        with_port = f"{bare}:{port}" if port else bare
        return bare == "localhost" or _is_loopback(bare) or bool({bare, with_port} & self._hosts)

    def _is_good_origin(
        self, origins: Sequence[bytes], hosts: Sequence[bytes] | None, request: "ApiRequest"
    ) -> bool:
        if len(origins) != 1:
            return False
        origin = origins[0]
        if origin in self._origins:
            request.cors = cors_headers(origin)
            return True
        scheme = b"https://" if request.isSecure() else b"http://"
        return hosts is not None and origin.lower() == scheme + hosts[0].lower()


def cors_headers(origin: bytes) -> Headers:
    """Give the headers that let a page of an allowed origin read an answer."""
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
"""Answers what browsers ask before they let a page of an allowed origin send a request."""

_BAD_HOST = problem(
    403,
    "The Host header must name this machine: localhost or a loopback address. Other names are "
    "allowed with --allow-host.",
)
_BAD_ORIGIN = problem(
    403, "Web pages of another origin may not ask here. Origins are allowed with --allow-origin."
)


def _split(host: str) -> tuple[str, str | None]:
    """Split name and port; the port is None if it is none."""
    name, bracket, rest = host.partition("]")
    if bracket:
        name, colon, port = name.removeprefix("["), rest[:1], rest[1:]
        if not host.startswith("[") or (rest and colon != ":") or ":" not in name:
            return "", None
    else:
        name, colon, port = host.partition(":")
    if not name or (colon and not (port.isdecimal() and len(port) <= 5)):
        return "", None
    return name, port


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
