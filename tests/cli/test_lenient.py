"""Reading what a daemon sends: whatever is not as it should be is as if it were not there."""

import pytest

from qabel.cli.errors import CommandError
from qabel.cli.lenient import (
    as_object,
    count_in,
    number_in,
    object_in,
    objects_in,
    text_in,
    texts_in,
)

ODD: list[object] = [None, True, 3, 1e300, float("nan"), "", "text", [], [1, {}, "x"], {}, {"a": 1}]


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_anything_can_be_read_as_anything(value: object) -> None:
    """Each function returns a value of its own type."""
    found = {"key": value}
    for each in (found, {}):
        assert object_in(each, "key") is None or isinstance(value, dict)
        assert all(isinstance(item, dict) for item in objects_in(each, "key"))
        assert all(isinstance(item, str) for item in texts_in(each, "key"))
        assert isinstance(text_in(each, "key"), str)
        assert isinstance(count_in(each, "key"), int)
        number = number_in(each, "key")
        assert number is None or int(number) == 3


def test_what_is_right_is_returned() -> None:
    """A value of the right type is returned as it is."""
    assert as_object({"a": 1}, "a status") == {"a": 1}
    assert object_in({"a": {"b": 1}}, "a") == {"b": 1}
    assert objects_in({"a": [{"b": 1}]}, "a") == [{"b": 1}]
    assert (text_in({"a": "b"}, "a"), texts_in({"a": ["b"]}, "a")) == ("b", ["b"])
    assert (number_in({"a": 1.5}, "a"), count_in({"a": 7}, "a")) == (1.5, 7)


@pytest.mark.parametrize("value", [None, [], "text", 3])
def test_no_object(value: object) -> None:
    """What has to be an object and is none is an error of one line."""
    with pytest.raises(CommandError, match="a status that cannot be read"):
        as_object(value, "a status")
