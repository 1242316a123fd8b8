"""What any route may answer besides what it declares, and the headers of answers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from qabel.contract.routes import Route

_TEXT = {"type": "string"}

HEADERS: dict[str, dict[str, Any]] = {
    "Allow": {"description": "The methods that the resource has.", "schema": _TEXT},
    "Content-Disposition": {"description": "A name to keep the file under.", "schema": _TEXT},
    "Content-Security-Policy": {"description": "What the page may load.", "schema": _TEXT},
    "ETag": {"description": "The version of the document.", "schema": _TEXT},
    "Location": {"description": "Where it is found from now on.", "schema": _TEXT},
    "Retry-After": {
        "description": "Seconds to wait.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "WWW-Authenticate": {"description": "How to authenticate.", "schema": {"const": "Bearer"}},
    "X-Qabel-Latest": {
        "description": "The cursor of the last message in the answer, or the newest there is.",
        "schema": _TEXT,
    },
    "X-Qabel-Oldest": {"description": "The oldest cursor there is.", "schema": _TEXT},
}
"""The headers that answers may have besides those that all have."""

_ALWAYS = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    410: ("X-Qabel-Oldest",),
}
"""Headers that every answer of a status has."""

_AT_TIMES = {503: ("Retry-After",)}


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
"""Everything that can be wrong, and what it means where a route says nothing else."""

_ANYWHERE = {400, 403, 408, 413, 500, 503}


def statuses(route: Route) -> dict[int, str]:
    """Return all statuses that a route may answer with, and what each means."""
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
    status: int, tells: Mapping[int, tuple[str, ...]] = MappingProxyType({})
) -> dict[str, dict[str, Any]]:
    """Return the headers of an answer, as an OpenAPI response has them.

    ``tells`` has those that a route gives besides.
    """
    always = (*_ALWAYS.get(status, ()), *tells.get(status, ()))
    at_times = {name: HEADERS[name] for name in _AT_TIMES.get(status, ())}
    return at_times | {name: {**HEADERS[name], "required": True} for name in always}
