"""What is wrong with a request, as an answer (RFC 9457) and as an exception that carries one."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from qabel.contract.reply import PROBLEM, Headers, Reply
from qabel.forms.errors import Fault
from qabel.jsontext import encode

MAX_FAULTS = 100
"""So many things that are wrong are told one by one."""


class Rejected(Exception):
    """A request that cannot be answered as it is; carries the answer that says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def rejected(status: int, detail: str, **more: Any) -> Rejected:
    """Return the exception that ends a request with a problem; for ``more`` see ``problem``."""
    return Rejected(problem(status, detail, **more))


def problem(
    status: int,
    detail: str,
    *,
    faults: Iterable[Fault] = (),
    headers: Headers = (),
    **members: object,
) -> Reply:
    """Return the answer that says what is wrong.

    Args:
        status: of HTTP.
        detail: a sentence for the user.
        faults: each thing that is wrong, with its place.
        headers: further headers of the answer.
        members: further members of the problem document.

    """
    document: dict[str, object] = {
        "type": "about:blank",
        "title": title(status),
        "status": status,
        "detail": detail,
        **members,
    }
    told = [{"key": each.key, "detail": each.detail} for each in faults]
    if told:
        document["errors"] = told[:MAX_FAULTS]
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
