"""Problems: what they say, and what they contain."""

import json
from typing import Any

import pytest

from qabel.contract.rejection import (
    MAX_CLAUSES,
    MAX_ERRORS,
    MAX_NAMES,
    allow,
    problem,
    rejected,
    rejected_input,
    summary,
    title,
)
from qabel.contract.reply import PROBLEM
from qabel.forms.errors import FieldError


def members(errors: list[FieldError]) -> dict[str, Any]:
    """Return the problem with these errors."""
    found: dict[str, Any] = json.loads(rejected_input("body", errors).reply.body)
    return found


@pytest.mark.parametrize(
    ("errors", "text"),
    [
        ([FieldError("", "must be an object")], "The body must be an object."),
        (
            [FieldError("alias", "must be a string")],
            "Invalid body: alias must be a string.",
        ),
        (
            [FieldError("alias", "must be a string"), FieldError.missing("drops")],
            "Invalid body: alias must be a string; drops is required.",
        ),
        (
            [FieldError("alias", "must be a string"), FieldError.unknown("x", ["alias"])],
            "Invalid body: alias must be a string; x is unknown.",
        ),
        (
            [FieldError("", "must be small"), FieldError("", "must be empty")],
            "Invalid body: must be small; must be empty.",
        ),
        ([FieldError.missing("a")], "Required keys are missing in the body: a."),
        (
            [FieldError.missing("a"), FieldError.missing("b.c")],
            "Required keys are missing in the body: a, b.c.",
        ),
        (
            [FieldError.unknown("x", ["a", "b"]), FieldError.unknown("y", ["a", "b"])],
            "Unknown keys in the body: x, y. Known keys: a, b.",
        ),
        (
            [FieldError.unknown("x", [])],
            "Unknown keys in the body: x. No keys are allowed here.",
        ),
        (
            [FieldError.unknown("x", ["a"]), FieldError.unknown("a.x", ["b"])],
            "Unknown keys in the body: x, a.x.",
        ),
    ],
)
def test_summary_states_what_is_wrong(errors: list[FieldError], text: str) -> None:
    """Keys are quoted as they are; known keys are named if they are the same for all errors."""
    assert summary("body", errors) == text


def test_summary_of_many_errors_is_short() -> None:
    """Of too many errors or names, only the number is stated."""
    wrong = [FieldError(f"k{number}", "must be a string") for number in range(MAX_CLAUSES + 3)]
    text = summary("query", wrong)
    assert text.endswith("k4 must be a string; and 3 more errors.")
    missing = [FieldError.missing(f"k{number}") for number in range(MAX_NAMES + 2)]
    assert summary("query", missing).endswith("k18, k19, and 2 more.")
    assert summary("query", missing[:MAX_NAMES]).endswith("k18, k19.")


def test_problem_lists_each_error_with_its_key() -> None:
    """The kind of an error and the known keys are in the text alone."""
    found = members([FieldError("a.0", "must be a string"), FieldError.unknown("x", ["a"])])
    assert found["errors"] == [
        {"key": "a.0", "detail": "must be a string"},
        {"key": "x", "detail": "unknown key; known keys: a"},
    ]
    assert (found["status"], found["title"], found["type"]) == (400, "Bad Request", "about:blank")


def test_problem_lists_a_bounded_number_of_errors() -> None:
    """The errors beyond the limit are left out."""
    errors = [FieldError(f"k{number}", "is wrong") for number in range(MAX_ERRORS + 1)]
    assert [each["key"] for each in members(errors)["errors"]] == [
        f"k{number}" for number in range(MAX_ERRORS)
    ]


def test_problem_has_only_the_members_that_are_given() -> None:
    """A problem without errors has no list of errors."""
    reply = problem(413, "It is too large.", headers=((b"A", b"b"),), size=2, limit=1)
    assert (reply.status, reply.content_type, reply.headers) == (413, PROBLEM, ((b"A", b"b"),))
    assert json.loads(reply.body) == {
        "type": "about:blank",
        "title": title(413),
        "status": 413,
        "detail": "It is too large.",
        "size": 2,
        "limit": 1,
    }


def test_exception_has_the_problem_and_does_not_show_it() -> None:
    """What a log shows of the exception is its status: the detail may be secret."""
    error = rejected(404, "There is no contact Bob.", reasons=["a"])
    assert json.loads(error.reply.body)["reasons"] == ["a"]
    assert error.reply.status == 404
    assert "Bob" not in f"{error} {error!r} {error.reply!r}"


@pytest.mark.parametrize(("status", "text"), [(404, "Not Found"), (599, "Problem")])
def test_title_is_the_reason_phrase(status: int, text: str) -> None:
    """A status that HTTP does not define has a title, too."""
    assert title(status) == text


def test_allow_has_options_and_is_sorted() -> None:
    """Every resource responds to OPTIONS."""
    assert allow(["PUT", "GET"]) == (b"Allow", b"GET, OPTIONS, PUT")
    assert allow(["OPTIONS"]) == (b"Allow", b"OPTIONS")
