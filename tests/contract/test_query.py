"""Query parameters: which are read, and what is wrong with the others."""

import json
from typing import Any

import pytest

from qabel.contract.query import CURSOR, MAX_ID, identifier, read_query
from qabel.contract.rejection import Rejected
from qabel.forms.compound import Key, ListOf, Object
from qabel.forms.errors import InvalidInput
from qabel.forms.plain import Integer, Present, Text

QUERY = Object(
    {
        "limit": Key(Integer(1, 100), 10),
        "all": Key(Present(), False),
        "names": Key(ListOf(Text(9), 3), ()),
        "identity": identifier("Only this one."),
    }
)


def problem_of(query: Object, args: dict[bytes, list[bytes]]) -> dict[str, Any]:
    """Return the problem with which a query is rejected."""
    with pytest.raises(Rejected) as caught:
        read_query(query, args)
    assert caught.value.reply.status == 400
    problem: dict[str, Any] = json.loads(caught.value.reply.body)
    return problem


def test_omitted_parameters_have_their_defaults() -> None:
    """An empty query has the value of every parameter."""
    expected = {"limit": 10, "all": False, "names": (), "identity": None}
    assert read_query(QUERY, {}) == expected


def test_parameters_are_read_from_text() -> None:
    """Numbers and lists are written without quotation marks, and switches without a value."""
    args = {b"limit": [b"5"], b"all": [b""], b"names": ["a,ü".encode()], b"identity": [b"0"]}
    expected = {"limit": 5, "all": True, "names": ("a", "ü"), "identity": 0}
    assert read_query(QUERY, args) == expected


def test_unknown_parameter_is_rejected() -> None:
    """The problem names the known ones: the parameter may be misspelled."""
    problem = problem_of(QUERY, {b"limits": [b"5"]})
    assert problem["detail"] == (
        "Unknown keys in the query: limits. Known keys: limit, all, names, identity."
    )
    assert [error["key"] for error in problem["errors"]] == ["limits"]


def test_required_parameter_is_missing() -> None:
    """A parameter without a default must be given."""
    query = Object({"since": Key(CURSOR)})
    assert problem_of(query, {})["detail"] == "Required keys are missing in the query: since."


@pytest.mark.parametrize(
    ("args", "errors"),
    [
        ({b"limit": [b"0"]}, {"limit": "must be an integer from 1 to 100"}),
        ({b"limit": [b"5", b"5"]}, {"limit": "must be given only once"}),
        ({b"limit": [b"\xff"]}, {"limit": "is not UTF-8"}),
        (
            {b"limit": [b"\xff", b"5"], b"all": [b"\xff"], b"names": [b"x" * 10]},
            {"limit": "must be given only once", "all": "is not UTF-8"},
        ),
        ({b"limit": [b"x"], b"all": [b"x"]}, {
            "limit": "must be an integer from 1 to 100",
            "all": "must have no value, or true or false"
        }),
        ({b"identity": [str(MAX_ID + 1).encode()]}, {
            "identity": f"must be an integer from 0 to {MAX_ID}"
        }),
    ],
)  # fmt: skip
def test_invalid_parameters_each_have_an_error(
    args: dict[bytes, list[bytes]], errors: dict[str, str]
) -> None:
    """What is wrong is named by parameter."""
    found = problem_of(QUERY, args)["errors"]
    assert {error["key"]: error["detail"] for error in found} == errors


def test_name_that_is_long_or_not_utf8_is_shown_safely() -> None:
    """A problem is small, and valid JSON, whatever the names are."""
    [error] = problem_of(QUERY, {b"\xff" * 1000: [b""]})["errors"]
    assert len(error["key"]) <= 101
    [error] = problem_of(QUERY, {b"x" * 1000: [b"", b""]})["errors"]
    assert len(error["key"]) <= 101


@pytest.mark.parametrize("text", ["", " ", "\n", "x" * 201])
def test_cursor_is_short_printable_text(text: str) -> None:
    """Anything else is not a cursor."""
    assert CURSOR.read("a-1") == "a-1"
    with pytest.raises(InvalidInput):
        CURSOR.read(text)
