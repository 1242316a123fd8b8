"""What goes wrong, as answers: a status for every exception, and no secret in any of them."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError
from werkzeug.exceptions import Forbidden, MethodNotAllowed, NotFound

from qabel.contract.rejection import rejected
from qabel.contract.reply import Reply
from qabel.contract.statuses import PROBLEMS
from qabel.core import errors
from qabel.core.main_token import TokenFileTrouble
from qabel.forms.errors import FieldError, InvalidInput, UnknownKey
from qabel.jsontext import InvalidJSON
from qabel.rest.http.problems import problem_of
from qabel.store.database.errors import Busy, ReadOnly
from tests.conftest import LoggedFailures

WRONG = (FieldError("a.b", "must be 1"), FieldError("c", "must be text"))


def problem_for(error: BaseException, methods: Sequence[str] = ()) -> tuple[Reply, Any]:
    """Return the answer to an exception, and its document."""
    reply = problem_of(error, lambda: methods)
    document = json.loads(reply.body)
    assert document["status"] == reply.status
    return reply, document


EXPECTED = [
    (rejected(418, "Short and stout."), 418),
    (UnknownKey("colour", "there is no such key"), 405),
    (InvalidInput(WRONG), 400),
    (InvalidJSON("line 1"), 400),
    (errors.Invalid("It is not valid."), 400),
    (errors.Forbidden("No."), 403),
    (errors.NotFound("Nothing."), 404),
    (errors.Conflict("It is there already."), 409),
    (errors.Changed("It changed."), 412),
    (errors.TooLarge("Too large.", size=3, limit=2), 413),
    (errors.Gone("Gone.", oldest="db.5"), 410),
    (errors.Unavailable("Stopping."), 503),
    (CancelledError(), 503),
    (errors.StoreFull("The disk is full."), 507),
    (MethodNotAllowed(["GET"]), 405),
    (NotFound(), 404),
    (Forbidden(), 403),
]


@pytest.mark.parametrize(
    ("error", "status"), EXPECTED, ids=[type(error).__name__ for error, _ in EXPECTED]
)
def test_statuses(error: BaseException, status: int) -> None:
    """Each expected exception has a status, and is not logged."""
    reply, document = problem_for(error)
    assert reply.status == status
    assert document["detail"]


@pytest.mark.parametrize(
    "error", [errors.StoreError("The disk failed."), TokenFileTrouble("It cannot be read.")]
)
def test_a_failing_disk(error: Exception, logged_failures: LoggedFailures) -> None:
    """A failing disk is 503, without an incident, and logged."""
    reply, document = problem_for(error)
    assert (reply.status, document["detail"]) == (503, str(error))
    assert "incident" not in document
    assert len(logged_failures.flush()) == 1


def test_every_status_is_described() -> None:
    """The contract describes all statuses that the daemon's own exceptions lead to."""
    statuses = {status for _, status in EXPECTED[1:]}
    assert statuses | {500} <= set(PROBLEMS)


@pytest.mark.parametrize("error", [InvalidInput(WRONG), errors.Invalid("No.", WRONG)])
def test_all_errors_are_listed(error: Exception) -> None:
    """Everything that is wrong is listed, each with its key."""
    _, document = problem_for(error)
    assert document["errors"] == [
        {"key": "a.b", "detail": "must be 1"},
        {"key": "c", "detail": "must be text"},
    ]


def test_what_else_clients_are_told() -> None:
    """Clients are told the methods, the oldest cursor, the limit, and when to try again."""
    allowed = (b"Allow", b"GET, OPTIONS, PUT")
    reply, document = problem_for(UnknownKey("colour", "there is no such key"), ["PUT", "GET"])
    assert reply.headers == (allowed,)
    assert document["errors"] == [{"key": "colour", "detail": "there is no such key"}]
    assert problem_for(MethodNotAllowed(["PUT", "GET"]))[0].headers == (allowed,)
    reply, document = problem_for(errors.Gone("Gone.", oldest="db.5"))
    assert (reply.headers, document["oldest"]) == (((b"X-Qabel-Oldest", b"db.5"),), "db.5")
    _, document = problem_for(errors.TooLarge("Too large.", size=3, limit=2))
    assert (document["size"], document["limit"]) == (3, 2)
    for error in (errors.Unavailable("Stopping."), CancelledError()):
        assert problem_for(error)[0].headers == ((b"Retry-After", b"1"),)


def test_incidents_differ(logged_failures: LoggedFailures) -> None:
    """Each unexpected exception has a number of its own, under which the log has its traceback."""
    documents = [problem_for(KeyError("the secret"))[1] for _ in range(2)]
    logged = logged_failures.flush()
    assert [each["incident"] for each in logged] == [each["incident"] for each in documents]
    assert documents[0]["incident"] != documents[1]["incident"]
    assert all(each["log_failure"].check(KeyError) for each in logged)


@pytest_twisted.ensureDeferred
async def test_unexpected_error(server: Any, monkeypatch: Any, logged_failures: Any) -> None:
    """An unexpected error of a running server is answered with its number, and with no secret."""

    def broken() -> None:
        raise RuntimeError("the secret")

    for name, path in (("status", "/status"), ("health", "/health")):
        monkeypatch.setattr(server.core, name, broken)
        got = await server.ask("GET", path)
        assert got.status == 500
        assert b"secret" not in got.body
        [event] = logged_failures.flush()
        assert event["incident"] == got.json()["incident"]
        assert event["incident"] in got.json()["detail"]


@pytest.mark.parametrize("error", [Busy("It is locked."), ReadOnly("It is read-only.")])
def test_a_database_that_cannot_be_written_for_now(error: Exception) -> None:
    """What passes by itself is 503, with the time after which to ask again."""
    reply, document = problem_for(error)
    assert (reply.status, document["detail"]) == (503, str(error))
    assert (b"Retry-After", b"5") in reply.headers
