"""What goes wrong, as answers: one table from exceptions to statuses (RFC 9457)."""

import secrets
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.logger import Logger
from twisted.python.failure import Failure
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from qabel.core import errors
from qabel.core.access import TokenFileTrouble
from qabel.jsontext import InvalidJSON, encode
from qabel.rest.http.answers import PROBLEM, Headers, Reply
from qabel.settings.document import Fault, InvalidDocument, UnknownKey

_log = Logger()

MAX_FAULTS = 100
"""So many things that are wrong are told one by one."""


class Refused(Exception):
    """A request that cannot be answered as it is; carries the answer that says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def refused(status: int, detail: str, **more: Any) -> Refused:
    """Make the exception that ends a request with a problem; for ``more`` see ``problem``."""
    return Refused(problem(status, detail, **more))


def problem(
    status: int,
    detail: str,
    *,
    faults: Iterable[Fault] = (),
    headers: Headers = (),
    **members: object,
) -> Reply:
    """Make the answer that says what is wrong.

    Args:
        status: of HTTP.
        detail: a sentence for the user.
        faults: each thing that is wrong, with its place.
        headers: further headers of the answer.
        members: further members of the problem document.

    """
    document: dict[str, object] = {
        "type": "about:blank",
        "title": _title(status),
        "status": status,
        "detail": detail,
        **members,
    }
    told = [{"key": each.key, "detail": each.detail} for each in faults]
    if told:
        document["errors"] = told[:MAX_FAULTS]
    return Reply(status, encode(document), PROBLEM, headers)


def allow(methods: Iterable[str]) -> tuple[bytes, bytes]:
    """Make the header that says which methods a resource has."""
    return b"Allow", ", ".join(sorted({*methods, "OPTIONS"})).encode()


def problem_of(error: BaseException, methods: Callable[[], Iterable[str]]) -> Reply:
    """Find the answer to an exception; what nobody expected is logged, under a number.

    Args:
        error: what was raised.
        methods: gives the methods that the resource has.

    """
    for kind, translate in _TABLE:
        if isinstance(error, kind):
            return translate(error, methods)
    return _unexpected(error)


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Problem"


_Methods = Callable[[], Iterable[str]]


def _unknown_key(error: UnknownKey, methods: _Methods) -> Reply:
    return problem(
        405,
        "The key is not valid.",
        faults=[Fault(error.key, error.detail)],
        headers=(allow(methods()),),
    )


def _invalid_document(error: InvalidDocument, _: _Methods) -> Reply:
    return problem(400, "The settings are not valid.", faults=error.faults)


def _invalid(error: errors.Invalid, _: _Methods) -> Reply:
    return problem(400, error.detail, faults=error.faults)


def _too_large(error: errors.TooLarge, _: _Methods) -> Reply:
    return problem(413, error.detail, size=error.size, limit=error.limit)


def _gone(error: errors.Gone, _: _Methods) -> Reply:
    headers = ((b"X-Qabel-Oldest", error.oldest.encode()),)
    return problem(410, error.detail, oldest=error.oldest, headers=headers)


def _unavailable(error: Exception, _: _Methods) -> Reply:
    detail = error.detail if isinstance(error, errors.CoreError) else "It was broken off."
    return problem(503, detail, headers=((b"Retry-After", b"1"),))


def _store(error: Exception, _: _Methods) -> Reply:
    _log.error("The disk failed a request: {error}", error=str(error))
    return problem(500, str(error))


def _method_not_allowed(error: MethodNotAllowed, _: _Methods) -> Reply:
    return problem(
        405,
        "This resource does not have that method.",
        headers=(allow(error.valid_methods or ()),),
    )


def _routing(error: HTTPException, _: _Methods) -> Reply:
    details = {404: "There is no such resource."}
    status = error.code or 500
    return problem(status, details.get(status, _title(status)))


def _plain(status: int) -> Callable[[errors.CoreError, _Methods], Reply]:
    return lambda error, _: problem(status, error.detail)


_TABLE: tuple[tuple[type[BaseException], Callable[[Any, _Methods], Reply]], ...] = (
    (Refused, lambda error, _: error.reply),
    (UnknownKey, _unknown_key),
    (InvalidDocument, _invalid_document),
    (InvalidJSON, lambda error, _: problem(400, f"This is not valid JSON: {error}.")),
    (errors.Invalid, _invalid),
    (errors.NotFound, _plain(404)),
    (errors.Conflict, _plain(409)),
    (errors.Changed, _plain(412)),
    (errors.TooLarge, _too_large),
    (errors.Gone, _gone),
    (errors.Unavailable, _unavailable),
    (TokenFileTrouble, _store),
    (errors.StoreFull, lambda error, _: problem(507, str(error))),
    (errors.StoreError, _store),
    (MethodNotAllowed, _method_not_allowed),
    (HTTPException, _routing),
    (CancelledError, _unavailable),
)


def _unexpected(error: BaseException) -> Reply:
    incident = secrets.token_hex(6)
    _log.failure("Incident {incident}: a request failed", Failure(error), incident=incident)
    return problem(
        500,
        f"Something went wrong that nobody expected. The log tells more under {incident}.",
        incident=incident,
    )
