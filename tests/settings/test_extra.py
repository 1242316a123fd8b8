"""``extra``: an object of limited size, of which nothing is shown."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.forms.errors import InvalidInput
from qabel.settings.extra import MAX_SIZE, Extra, ExtraForm
from tests.settings.strategies import JSON_VALUES

FORM = ExtraForm()


@given(st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=4))
def test_any_object_is_kept(value: dict[str, Any]) -> None:
    """An object comes back as it was, and nobody can change it by changing a copy."""
    extra = FORM.read(value)
    FORM.write(extra)["more"] = 1
    assert FORM.write(extra) == value
    assert FORM.read(FORM.write(extra)) == extra


@pytest.mark.parametrize("value", [None, [], "x", 5, {"a": float("nan")}, {"a": "x" * MAX_SIZE}])
def test_what_is_no_object_or_too_large(value: object) -> None:
    """Anything but an object of JSON is refused, and so is a large one."""
    with pytest.raises(InvalidInput):
        FORM.read(value)


def test_the_limit() -> None:
    """An object may have so many bytes of JSON, and no more."""
    assert len(FORM.read({"a": "x" * (MAX_SIZE - 8)}).text) == MAX_SIZE
    with pytest.raises(InvalidInput):
        FORM.read({"a": "x" * (MAX_SIZE - 7)})


def test_nothing_is_shown() -> None:
    """The representation shows no value."""
    assert "secret" not in repr(Extra(b'{"a":"secret"}'))
