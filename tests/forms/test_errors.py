"""Errors of input, and how they are collected."""

from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.forms.errors import (
    MAX_ERRORS,
    MAX_NAME,
    ErrorKind,
    Errors,
    FieldError,
    InvalidInput,
    UnknownKey,
    invalid,
    join_keys,
    shorten_name,
)


def fail(value: object) -> NoReturn:
    """Raise an error of the value itself and one of a part of it."""
    raise InvalidInput([FieldError("", "is wrong"), FieldError("[0].id", "is wrong too")])


@pytest.mark.parametrize(
    ("outer", "inner", "key"),
    [
        ("", "", ""),
        ("a", "", "a"),
        ("", "a", "a"),
        ("a", "b.c", "a.b.c"),
        ("a", "[0]", "a[0]"),
        ("a", "[0].b", "a[0].b"),
        ("a.1", "b", "a.1.b"),
    ],
)
def test_keys_are_joined_by_a_dot_unless_a_position_follows(
    outer: str, inner: str, key: str
) -> None:
    """Names are separated by dots, and a position follows the name of its list directly."""
    assert join_keys(outer, inner) == key


def test_error_reads_as_its_key_and_its_detail() -> None:
    """The text of an error begins with its key, if it has one."""
    assert str(FieldError("a.b", "must be a string")) == "a.b: must be a string"
    assert str(FieldError("", "must be an object")) == "must be an object"


def test_error_moves_under_a_key_with_all_it_has() -> None:
    """Only the key of an error changes when it is seen from further out."""
    error = FieldError.unknown("x", ["a", "b"]).under("outer")
    assert error == FieldError(
        "outer.x", "unknown key; known keys: a, b", ErrorKind.UNKNOWN, ("a", "b")
    )


def test_unknown_key_where_none_is_known_says_so() -> None:
    """An object that takes no keys has no list of known ones in its errors."""
    assert FieldError.unknown("x", []).detail == "unknown key; no keys are allowed here"


def test_missing_key_is_required() -> None:
    """A missing key has an error of its own kind."""
    assert FieldError.missing("x") == FieldError("x", "is required", ErrorKind.MISSING)


def test_exception_reads_as_its_first_errors() -> None:
    """The text of the exception has ten errors, and its attribute all of them."""
    error = InvalidInput(FieldError(str(number), "is wrong") for number in range(20))
    assert str(error) == "; ".join(f"{number}: is wrong" for number in range(10))
    assert len(error.errors) == 20
    assert invalid("is wrong").errors == (FieldError("", "is wrong"),)


def test_unknown_key_has_its_key_and_why_it_is_unknown() -> None:
    """The exception for a key that leads nowhere has both parts of its text."""
    error = UnknownKey("a.b", "this value has no keys")
    assert (error.key, error.detail) == ("a.b", "this value has no keys")
    assert str(error) == "a.b: this value has no keys"


@given(st.text())
def test_any_name_can_stand_in_a_key(name: str) -> None:
    """A name is shortened to a length that is bounded, and can always be encoded."""
    short = shorten_name(name)
    short.encode()
    assert len(short) <= MAX_NAME + 1
    if len(name) <= MAX_NAME and "\ufffd" not in name and name.isascii():
        assert short == name


def test_names_are_cut_replaced_or_named_by_type() -> None:
    """A long name ends in an ellipsis, a surrogate is replaced, a number is called int."""
    assert shorten_name("x" * MAX_NAME) == "x" * MAX_NAME
    assert shorten_name("x" * (MAX_NAME + 1)) == "x" * MAX_NAME + "…"
    assert shorten_name("a\ud800") == "a?"
    assert shorten_name(5) == "int"


def test_collector_of_a_part_adds_to_the_whole() -> None:
    """Errors of a part are collected with the key that leads to it from the outermost."""
    errors = Errors()
    inner = errors.under("list").under("1")
    inner.add("a", "is wrong")
    inner.add_missing("b")
    inner.add_unknown("c", ["a", "b"])
    errors.add("", "is too large")
    assert errors.as_exception().errors == (
        FieldError("list.1.a", "is wrong"),
        FieldError.missing("list.1.b"),
        FieldError.unknown("list.1.c", ["a", "b"]),
        FieldError("", "is too large"),
    )


def test_caught_errors_get_the_key_of_their_value() -> None:
    """A read that fails leaves its errors and returns the default."""
    errors = Errors().under("outer")
    assert errors.catch("a", fail, 1, "default") == "default"
    assert errors.as_exception().errors == (
        FieldError("outer.a", "is wrong"),
        FieldError("outer.a[0].id", "is wrong too"),
    )


def test_read_that_succeeds_returns_its_value() -> None:
    """A read without errors returns what it reads, and leaves nothing."""
    errors = Errors()
    assert errors.catch("a", str, 1, None) == "1"
    assert not errors
    errors.raise_any()


def test_other_exceptions_are_not_caught() -> None:
    """Only InvalidInput is an error of the input."""
    with pytest.raises(ZeroDivisionError):
        Errors().catch("a", lambda _: 1 // 0, 1, None)


def test_errors_at_a_key_are_those_there_and_below() -> None:
    """A name that only begins like the key is another key."""
    errors = Errors()
    errors.add("list[0].id", "is wrong")
    errors.add("object.key", "is wrong")
    errors.add("value", "is wrong")
    for key in ("list", "object", "object.key", "value"):
        assert errors.has(key)
    for key in ("lis", "object.ke", "object.key.x", "val", "value2"):
        assert not errors.has(key)
    assert errors.under("object").has("key")


def test_any_error_is_raised() -> None:
    """The exception has what was collected."""
    errors = Errors()
    errors.add("a", "is wrong")
    with pytest.raises(InvalidInput, match=r"^a: is wrong$"):
        errors.raise_any()


@pytest.mark.parametrize("more", [0, 7])
def test_number_of_errors_listed_is_bounded(more: int) -> None:
    """Of too many errors the first are listed, and the number of others is stated."""
    errors = Errors()
    for number in range(MAX_ERRORS + more):
        errors.add(str(number), "is wrong")
    listed = errors.as_exception().errors
    assert [error.key for error in listed[:MAX_ERRORS]] == [str(n) for n in range(MAX_ERRORS)]
    expected = [FieldError("", "and 7 more errors")] if more else []
    assert list(listed[MAX_ERRORS:]) == expected
