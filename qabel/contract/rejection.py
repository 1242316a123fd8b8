"""Problems: responses that say what is wrong (RFC 9457), and the exception that has one."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from itertools import islice
from typing import Any

import msgspec

from qabel.contract.reply import PROBLEM, Headers, Reply
from qabel.contract.types import CursorText, View
from qabel.forms.errors import ErrorKind, FieldError
from qabel.jsontext import encode

MAX_ERRORS = 100
"""Errors that a problem lists; the rest is left out."""

MAX_CLAUSES = 5
"""Errors that the detail of a problem has in full."""

MAX_NAMES = 20
"""Unknown or missing keys that the detail of a problem names."""


class Rejected(Exception):
    """The request is rejected; ``reply`` is the problem that says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def rejected(status: int, detail: str, **more: Any) -> Rejected:
    """Return the exception that rejects a request with ``problem(status, detail, **more)``."""
    return Rejected(problem(status, detail, **more))


def rejected_input(what: str, errors: Sequence[FieldError]) -> Rejected:
    """Return the exception that rejects a request; for the arguments see ``summary``."""
    return rejected(400, summary(what, errors), errors=errors)


def summary(what: str, errors: Sequence[FieldError]) -> str:
    """Return in a sentence what is wrong with a part of a request.

    Args:
        what: the part of the request: "body" or "query".
        errors: what is wrong; one error at least.

    """
    kinds = {error.kind for error in errors}
    if kinds == {ErrorKind.UNKNOWN}:
        return f"Unknown keys in the {what}: {_names(errors)}.{_known_keys(errors)}"
    if kinds == {ErrorKind.MISSING}:
        return f"Required keys are missing in the {what}: {_names(errors)}."
    if len(errors) == 1 and not errors[0].key:
        return f"The {what} {errors[0].detail}."
    clauses = [_clause(error) for error in errors[:MAX_CLAUSES]]
    more = len(errors) - MAX_CLAUSES
    rest = [f"and {more} more errors"] if more > 0 else []
    return f"Invalid {what}: {'; '.join([*clauses, *rest])}."


def _names(errors: Sequence[FieldError]) -> str:
    names = ", ".join(error.key for error in errors[:MAX_NAMES])
    more = len(errors) - MAX_NAMES
    return f"{names}, and {more} more" if more > 0 else names


def _known_keys(errors: Sequence[FieldError]) -> str:
    known = {error.known for error in errors}
    if len(known) > 1:
        # They are unknown in different objects.
        return ""
    names = ", ".join(known.pop())
    return f" Known keys: {names}." if names else " No keys are allowed here."


def _clause(error: FieldError) -> str:
    if error.kind is ErrorKind.UNKNOWN:
        return f"{error.key} is unknown"
    return f"{error.key} {error.detail}" if error.key else error.detail


class ErrorView(View):
    """What is wrong, and the key at which it is; the key is empty if the whole input is wrong."""

    key: str
    detail: str


class Problem(View, omit_defaults=True):
    """What is wrong with a request, or with the daemon (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ErrorView] | msgspec.UnsetType = msgspec.UNSET
    oldest: CursorText | msgspec.UnsetType = msgspec.UNSET
    size: int | msgspec.UnsetType = msgspec.UNSET
    limit: int | msgspec.UnsetType = msgspec.UNSET
    reasons: list[str] | msgspec.UnsetType = msgspec.UNSET
    incident: str | msgspec.UnsetType = msgspec.UNSET


def problem(
    status: int,
    detail: str,
    *,
    errors: Iterable[FieldError] = (),
    headers: Headers = (),
    **members: Any,
) -> Reply:
    """Return a problem as a response.

    Args:
        status: the HTTP status.
        detail: what is wrong, in a sentence for the user.
        errors: what is wrong, by key.
        headers: further headers of the response.
        members: further members of the problem.

    """
    listed = [ErrorView(each.key, each.detail) for each in islice(errors, MAX_ERRORS)]
    document = Problem(
        "about:blank", title(status), status, detail, listed or msgspec.UNSET, **members
    )
    return Reply(status, encode(document), PROBLEM, headers)


def title(status: int) -> str:
    """Return the reason phrase of an HTTP status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Problem"


def allow(methods: Iterable[str]) -> tuple[bytes, bytes]:
    """Return the header with the methods that a resource has, OPTIONS included."""
    return b"Allow", ", ".join(sorted({*methods, "OPTIONS"})).encode()
