"""Responses to exceptions: one table from exceptions to statuses."""

import secrets
from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.logger import Logger
from twisted.python.failure import Failure
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from qabel.contract.rejection import Rejected, allow, problem, summary, title
from qabel.contract.reply import Reply
from qabel.core import errors
from qabel.core.main_token import TokenFileTrouble
from qabel.forms.errors import FieldError, InvalidInput, UnknownKey
from qabel.jsontext import InvalidJSON
from qabel.store.database.errors import Busy, ReadOnly, StoreClosed

_log = Logger()


def problem_of(error: BaseException, methods: Callable[[], Iterable[str]]) -> Reply:
    """Return the response to an exception; log an unexpected one under an incident number.

    Args:
        error: the exception.
        methods: returns the methods that the resource has.

    """
    for kind, translate in _TABLE:
        if isinstance(error, kind):
            return translate(error, methods)
    return _unexpected(error)


_Methods = Callable[[], Iterable[str]]


def _unknown_key(error: UnknownKey, methods: _Methods) -> Reply:
    return problem(
        405,
        "No such setting.",
        errors=[FieldError(error.key, error.detail)],
        headers=(allow(methods()),),
    )


def _invalid_document(error: InvalidInput, _: _Methods) -> Reply:
    return problem(400, summary("settings", error.errors), errors=error.errors)


def _invalid(error: errors.Invalid, _: _Methods) -> Reply:
    return problem(400, error.detail, errors=error.errors)


def _too_large(error: errors.TooLarge, _: _Methods) -> Reply:
    return problem(413, error.detail, size=error.size, limit=error.limit)


def _gone(error: errors.Gone, _: _Methods) -> Reply:
    headers = ((b"X-Qabel-Oldest", error.oldest.encode()),)
    return problem(410, error.detail, oldest=error.oldest, headers=headers)


def _unauthorized(error: errors.Unauthorized, _: _Methods) -> Reply:
    return problem(401, error.detail, headers=((b"WWW-Authenticate", b"Bearer"),))


def _unavailable(error: Exception, _: _Methods) -> Reply:
    detail = error.detail if isinstance(error, errors.CoreError) else "The request was interrupted."
    return problem(503, detail, headers=((b"Retry-After", b"1"),))


def _store(error: Exception, _: _Methods) -> Reply:
    _log.error("A request failed because of the disk: {error}", error=str(error))
    return problem(503, str(error))


def _store_for_now(error: errors.StoreError, _: _Methods) -> Reply:
    return problem(503, str(error), headers=((b"Retry-After", b"5"),))


def _method_not_allowed(error: MethodNotAllowed, _: _Methods) -> Reply:
    return problem(
        405,
        "Method not allowed for this resource.",
        headers=(allow(error.valid_methods or ()),),
    )


def _routing(error: HTTPException, _: _Methods) -> Reply:
    details = {404: "No such resource."}
    status = error.code or 500
    return problem(status, details.get(status, title(status)))


def _plain(status: int) -> Callable[[errors.CoreError, _Methods], Reply]:
    return lambda error, _: problem(status, error.detail)


_TABLE: tuple[tuple[Any, Callable[[Any, _Methods], Reply]], ...] = (
    (Rejected, lambda error, _: error.reply),
    (UnknownKey, _unknown_key),
    (InvalidInput, _invalid_document),
    (InvalidJSON, lambda error, _: problem(400, f"Invalid JSON: {error}.")),
    (errors.Invalid, _invalid),
    (errors.Forbidden, _plain(403)),
    (errors.NotFound, _plain(404)),
    (errors.Conflict, _plain(409)),
    (errors.Changed, _plain(412)),
    (errors.TooLarge, _too_large),
    (errors.Gone, _gone),
    (errors.Unauthorized, _unauthorized),
    (errors.Unavailable, _unavailable),
    (TokenFileTrouble, _store),
    (errors.StoreFull, lambda error, _: problem(507, str(error))),
    (Busy | ReadOnly | StoreClosed, _store_for_now),
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
        f"Unexpected error; the log has details under incident {incident}.",
        incident=incident,
    )
