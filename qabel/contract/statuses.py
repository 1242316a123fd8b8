"""The statuses that routes respond with besides those that they declare, and the headers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from qabel.contract.routes import Route

_TEXT = {"type": "string"}

HEADERS: dict[str, dict[str, Any]] = {
    "Accept-Encoding": {
        "description": "The encodings that a body may have.",
        "schema": {"const": "identity"},
    },
    "Allow": {"description": "The methods of the resource.", "schema": _TEXT},
    "Content-Disposition": {"description": "A file name to save the body under.", "schema": _TEXT},
    "Content-Security-Policy": {
        "description": "The sources from which the page may load content.",
        "schema": _TEXT,
    },
    "ETag": {"description": "The version of the document.", "schema": _TEXT},
    "Location": {"description": "The path of the new resource.", "schema": _TEXT},
    "Retry-After": {
        "description": "Seconds to wait before the next request.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "WWW-Authenticate": {
        "description": "The scheme to authenticate with.",
        "schema": {"const": "Bearer"},
    },
    "X-Qabel-Damaged": {
        "description": "Ids of messages up to `X-Qabel-Latest` that are damaged and cannot be "
        "read, as in `7,12-15`. Only if there are any.",
        "schema": _TEXT,
    },
    "X-Qabel-Latest": {
        "description": "The cursor of the last message in the response, or else the newest cursor.",
        "schema": _TEXT,
    },
    "X-Qabel-Oldest": {"description": "The oldest cursor that can still be used.", "schema": _TEXT},
}
"""The response headers that only some responses have."""

_ALWAYS = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    410: ("X-Qabel-Oldest",),
}
"""Headers that every response with a status has."""

_OPTIONAL = {"X-Qabel-Damaged"}
"""Headers of routes that they do not always send."""

_AT_TIMES = {415: ("Accept-Encoding",), 503: ("Retry-After",)}
"""Headers that some responses with a status have."""


PROBLEMS = {
    400: "The request is malformed, or has an unknown or invalid parameter.",
    401: "The token is missing or not valid.",
    403: "The token does not allow it, or the Host or Origin header is not allowed.",
    404: "There is no such resource.",
    405: "The resource does not have this method, or the document does not have this key.",
    408: "The request did not arrive completely in time.",
    409: "Conflicts with existing data.",
    410: "The cursor is gone.",
    412: "The document has changed.",
    413: "The body is too large.",
    415: "The content type is not supported.",
    500: "Unexpected error; the log has details.",
    503: "The daemon is stopping or not ready, or there are too many connections.",
    507: "There is no disk space left.",
}
"""The statuses of problems, and what they mean unless a route says otherwise."""

_ANYWHERE = {400, 403, 408, 413, 500, 503}
"""The statuses of problems that any request can lead to."""


def statuses(route: Route) -> dict[int, str]:
    """Return all statuses that a route may respond with, and what each means."""
    wrong = set(_ANYWHERE)
    if route.scopes:
        wrong.add(401)
    if "<" in route.path:
        wrong.add(404)
    if route.body is not None or route.raw is not None:
        wrong.add(415)
    if route.method != "GET":
        wrong.add(507)
    found = {status: PROBLEMS[status] for status in wrong}
    return dict(sorted({**found, **route.answers}.items()))


def headers_of(
    status: int, headers: Mapping[int, tuple[str, ...]] = MappingProxyType({})
) -> dict[str, dict[str, Any]]:
    """Return the headers of a response as OpenAPI header objects, by name.

    ``headers`` are the headers that the route declares, by status.
    """
    always = (*_ALWAYS.get(status, ()), *headers.get(status, ()))
    at_times = {name: HEADERS[name] for name in _AT_TIMES.get(status, ())}
    return at_times | {
        name: HEADERS[name] if name in _OPTIONAL else {**HEADERS[name], "required": True}
        for name in always
    }
