"""Forms of plain values."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from qabel.forms.errors import InvalidInput
from qabel.forms.form import Form
from qabel.forms.plain import (
    MAX_INT,
    MAX_LONG,
    MAX_TEXT,
    MIN_LONG,
    Anything,
    Choice,
    Constant,
    Flag,
    Integer,
    Number,
    Present,
    Text,
)

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
)
FORMS: list[Form[Any]] = [
    Text(),
    Text(5, shortest=2),
    Integer(0, MAX_INT),
    Integer(MIN_LONG, MAX_LONG),
    Number(0.05, 31536000),
    Flag(),
    Choice(("a", "b")),
    Constant(1),
    Anything(),
]


def detail(form: Form[Any], value: object, *, text: bool = False) -> str:
    """Return what is wrong with a value."""
    with pytest.raises(InvalidInput) as caught:
        form.read_text(value) if text else form.read(value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    [error] = caught.value.errors
    assert error.key == ""
    return error.detail


@given(st.sampled_from(FORMS), SCALARS | st.lists(st.integers(), max_size=2))
def test_valid_values_match_the_schema_and_are_kept(form: Form[Any], value: object) -> None:
    """What a form reads matches its schema, and is written as it was given."""
    try:
        read = form.read(value)
    except InvalidInput:
        return
    Draft202012Validator(form.schema()).validate(value)
    assert repr(form.write(read)) == repr(value)


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        *[(Text(), value, "must be a string") for value in (None, 5, True, [], {}, b"")],
        (Text(), "x" * (MAX_TEXT + 1), "must have at most 8192 characters"),
        (Text(5, shortest=1), "", "must have 1 to 5 characters"),
        (Text(5, shortest=1), "123456", "must have 1 to 5 characters"),
        (Text(), "a\ud800", "must not contain an unpaired surrogate"),
        (Text(5, printable=True), "a\n", "must contain only printable characters"),
        (Text(5, printable=True), "\ud800", "must contain only printable characters"),
        (Text(5, printable=True), "  ", "must not be blank"),
        (Text(5, printable=True), "", "must not be blank"),
        *[
            (Integer(0, 9), value, "must be an integer from 0 to 9")
            for value in (True, None, 5.0, "5", 10, -1, [])
        ],
        *[
            (Number(0.5, 9), value, "must be a number from 0.5 to 9")
            for value in (True, None, "5", 0.49, 10, 10**400, math.nan, math.inf, -math.inf, [])
        ],
        *[(Flag(), value, "must be true or false") for value in (None, 0, 1, "true", [])],
        *[(Choice(("a", "b")), value, "must be one of a, b") for value in ("c", "", None, 1, [])],
        *[(Constant(1), value, "must be 1 or omitted") for value in (True, 1.0, "1", None, 2)],
    ],
)
def test_invalid_value_has_one_error(form: Form[Any], value: object, expected: str) -> None:
    """A value of another type or out of bounds is rejected in words that do not quote it."""
    assert detail(form, value) == expected


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (Text(), ""),
        (Text(), "\0\n\u2028😀"),
        (Text(), "x" * MAX_TEXT),
        (Text(5, printable=True), "a ü"),
        (Integer(0, 9), 0),
        (Integer(0, 9), 9),
        (Number(0.5, 9), 0.5),
        (Number(0.5, 9), 9),
        (Choice(("a", "b")), "b"),
        (Constant(1), 1),
        (Anything(), {"a": [None]}),
    ],
)
def test_values_within_the_bounds_are_valid(form: Form[Any], value: object) -> None:
    """Bounds belong to what is valid."""
    assert form.read(value) == value


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        (Integer(-9, 9), "5", 5),
        (Integer(-9, 9), "-5", -5),
        (Integer(-9, 9), "007", 7),
        (Integer(MIN_LONG, MAX_LONG), str(MIN_LONG), MIN_LONG),
        (Number(-9, 9), "5", 5.0),
        (Number(-9, 9), "-0.5", -0.5),
        (Number(-9, 9), ".5", 0.5),
        (Number(-9, 9), "5.", 5.0),
        (Number(-9, 9), "1e-3", 0.001),
        (Present(), "", True),
        (Present(), "1", True),
        (Present(), "true", True),
        (Present(), "0", False),
        (Present(), "false", False),
        (Choice(("a", "b")), "a", "a"),
    ],
)
def test_text_is_read_as_the_value_it_spells(form: Form[Any], text: str, value: object) -> None:
    """A query has no types: its text is read as the form needs it."""
    read = form.read_text(text)
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        *[
            (Integer(-9, 9), text)
            for text in (
                "",
                "-",
                "+5",
                " 5",
                "5 ",
                "5.0",
                "5\n",
                "1_0",
                "\u0665",
                "10",
                "9" * 10_000,
            )
        ],
        *[
            (Number(-9, 9), text)
            for text in (
                "",
                ".",
                "-",
                " 5",
                "5\n",
                "1_0",
                "\u0665",
                "nan",
                "inf",
                "1e400",
                "10",
                "e5",
            )
        ],
        *[(Present(), text) for text in ("2", "no", "False", "yes", " ")],
    ],
)
def test_text_that_spells_no_valid_value_is_rejected(form: Form[Any], text: str) -> None:
    """What Python would read leniently is an error, in the same words as for JSON."""
    expected = (
        "must have no value, or true or false" if isinstance(form, Present) else detail(form, None)
    )
    assert detail(form, text, text=True) == expected


@pytest.mark.parametrize(
    ("form", "schema"),
    [
        (Text(5), {"type": "string", "maxLength": 5}),
        (Text(5, shortest=1), {"type": "string", "minLength": 1, "maxLength": 5}),
        (
            Integer(0, MAX_INT),
            {"type": "integer", "format": "int32", "minimum": 0, "maximum": MAX_INT},
        ),
        (
            Integer(0, MAX_LONG),
            {"type": "integer", "format": "int64", "minimum": 0, "maximum": MAX_LONG},
        ),
        (Number(0.5, 9), {"type": "number", "minimum": 0.5, "maximum": 9}),
        (Flag(), {"type": "boolean"}),
        (Present(), {"type": "boolean"}),
        (Choice(("a", "b")), {"type": "string", "enum": ["a", "b"]}),
        (Constant(1), {"const": 1}),
        (Anything(), {}),
    ],
)
def test_schema_has_the_bounds(form: Form[Any], schema: dict[str, Any]) -> None:
    """The JSON Schema of a form states the type and the bounds that ``read`` checks."""
    assert form.schema() == schema
