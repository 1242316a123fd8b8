"""What is wrong with a request, as an answer (RFC 9457) and as an exception that carries one."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from qabel.contract.reply import PROBLEM, Headers, Reply
from qabel.contract.types import CursorText, View
from qabel.forms.errors import ErrorKind, FieldError
from qabel.jsontext import encode

MAX_ERRORS = 100
"""So many things that are wrong are told one by one."""


class Rejected(Exception):
    """A request that cannot be answered as it is; carries the answer that says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def rejected(status: int, detail: str, **more: Any) -> Rejected:
    """Return the exception that ends a request with a problem; for ``more`` see ``problem``."""
    return Rejected(problem(status, detail, **more))


def rejected_input(what: str, errors: Sequence[FieldError]) -> Rejected:
    """Return the exception that ends a request whose body or query is not valid."""
    return rejected(400, summary(what, errors), errors=errors)


def summary(what: str, errors: Sequence[FieldError]) -> str:
    """Return in a sentence what is wrong with the body, the query or another part of a request."""
    names = ", ".join(error.key for error in errors)
    kinds = {error.kind for error in errors}
    if kinds == {ErrorKind.UNKNOWN}:
        known = errors[0].detail.partition("; ")[2]
        return f"Unknown keys in the {what}: {names}. {known[:1].upper()}{known[1:]}."
    if kinds == {ErrorKind.MISSING}:
        return f"Required keys are missing in the {what}: {names}."
    if len(errors) == 1:
        [error] = errors
        where = f"{error.key} in the {what}" if error.key else f"the {what}"
        return f"{where[:1].upper()}{where[1:]} {error.detail}."
    return f"{len(errors)} errors in the {what}: {names}."


class ErrorView(View):
    """One thing that is wrong, with its place."""

    key: str
    detail: str


class Problem(View, omit_defaults=True):
    """What is wrong (RFC 9457)."""

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
    """Return the answer that says what is wrong.

    Args:
        status: of HTTP.
        detail: a sentence for the user.
        errors: each thing that is wrong, with its place.
        headers: further headers of the answer.
        members: further members of the problem.

    """
    told = [ErrorView(each.key, each.detail) for each in errors][:MAX_ERRORS]
    document = Problem(
        "about:blank", title(status), status, detail, told or msgspec.UNSET, **members
    )
    return Reply(status, encode(document), PROBLEM, headers)


def title(status: int) -> str:
    """Return the name of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Problem"


def allow(methods: Iterable[str]) -> tuple[bytes, bytes]:
    """Return the header that says which methods a resource has."""
    return b"Allow", ", ".join(sorted({*methods, "OPTIONS"})).encode()
