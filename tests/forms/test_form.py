"""What all forms have in common: text, JSON, and changes of a value as a whole or in part."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.forms.errors import MAX_NAME, Errors, FieldError, InvalidInput, UnknownKey
from qabel.forms.form import MAX_PATH, put_at
from qabel.forms.plain import Anything, Integer, Text

NOW = 5000
NAMES = st.text(max_size=3)
JSON_OBJECTS = st.dictionaries(
    NAMES, st.recursive(st.integers(), lambda inner: st.dictionaries(NAMES, inner), max_leaves=5)
)


class Open(Anything):
    """Any value, with any path below it."""

    def check_path(self, path: object) -> None:
        """Accept any path."""


def value_at(target: Any, path: list[str]) -> Any:
    """Return what is at a path."""
    for name in path:
        target = target[name]
    return target


def test_text_is_read_like_json_unless_a_form_does_otherwise() -> None:
    """A form without a text form of its own reads text as a string."""
    assert Text().read_text("5") == "5"


def test_value_is_encoded_as_it_is_written() -> None:
    """The JSON text of a value is compact and in UTF-8."""
    assert Anything().encode({"ü": [1, None]}) == '{"ü":[1,null]}'.encode()


def test_update_reads_the_new_value() -> None:
    """A valid value replaces the old one."""
    errors = Errors()
    assert Integer(0, 9).update(5, 1, NOW, errors) == 5
    assert not errors


def test_invalid_update_keeps_the_old_value() -> None:
    """An invalid value leaves an error, and the old value."""
    errors = Errors()
    assert Integer(0, 9).update("5", 1, NOW, errors.under("a")) == 1
    assert errors.as_exception().errors == (FieldError("a", "must be an integer from 0 to 9"),)


def test_empty_path_puts_the_whole_value() -> None:
    """A value can be put in place of any other without naming a part."""
    errors = Errors()
    assert Integer(0, 9).put(1, [], 5, NOW, errors) == 5
    assert Integer(0, 9).put(1, [], "5", NOW, errors) == 1
    assert errors.has("")


def test_plain_value_has_no_keys() -> None:
    """A path below a plain value leads nowhere."""
    with pytest.raises(UnknownKey, match="this value has no keys"):
        Integer(0, 9).put(1, ["a"], 5, NOW, Errors())


def test_part_is_put_into_the_value() -> None:
    """Only the part at the path changes, and the old value stays what it was."""
    old = {"a": {"b": 1, "c": 2}}
    assert Open().put(old, ["a", "b"], 5, NOW, Errors()) == {"a": {"b": 5, "c": 2}}
    assert old == {"a": {"b": 1, "c": 2}}


def test_part_below_something_else_than_an_object_is_an_error() -> None:
    """The error is at the value that is in the way, and the old value is kept."""
    errors = Errors()
    old = {"a": {"b": 1}}
    assert Open().put(old, ["a", "b", "c", "d"], 5, NOW, errors) is old
    assert errors.as_exception().errors == (
        FieldError("a.b", "is not an object, so it has no keys"),
    )


@given(JSON_OBJECTS, st.lists(NAMES, max_size=4), st.integers())
def test_value_is_at_the_path_where_it_was_put(
    target: dict[str, Any], path: list[str], value: int
) -> None:
    """Missing objects are made on the way, and what is beside the path stays."""
    before = repr(target)
    try:
        result = put_at(target, path, value)
    except InvalidInput as error:
        [only] = error.errors
        assert only.detail == "is not an object, so it has no keys"
    else:
        assert value_at(result, path) == value
        if path:
            assert isinstance(result, dict)
            beside = {name: each for name, each in target.items() if name != path[0]}
            assert {name: each for name, each in result.items() if name != path[0]} == beside
    assert repr(target) == before


def test_depth_of_a_path_is_bounded() -> None:
    """A path with too many names is an error, and no recursion without end."""
    assert value_at(put_at({}, ["a"] * MAX_PATH, 1), ["a"] * MAX_PATH) == 1
    for length in (MAX_PATH + 1, 100_000):
        with pytest.raises(InvalidInput, match="is nested too deeply: at most 64 levels"):
            put_at({}, ["a"] * length, 1)


def test_names_in_the_keys_of_errors_are_shortened() -> None:
    """A long name on the way is cut where an error shows it."""
    name = "x" * 1000
    with pytest.raises(InvalidInput) as caught:
        put_at({name: 1}, [name, "a"], 2)
    assert [error.key for error in caught.value.errors] == ["x" * MAX_NAME + "…"]
