"""Numbers above zero: what is one, and what is said otherwise."""

from typing import Any

import pytest

from qabel.host.positive_numbers import positive_number
from qabel.host.start_errors import StartError


@pytest.mark.parametrize(
    ("given", "kind", "number"),
    [("2.5", float, 2.5), ("7", int, 7), (60.0, float, 60.0), (None, float, None)],
)
def test_numbers(given: Any, kind: Any, number: Any) -> None:
    """A text, a default, and nothing at all."""
    assert positive_number("days", given, kind) == number


@pytest.mark.parametrize("given", ["0", "-1", "week", "nan", "inf", "1e13", ""])
def test_others(given: str) -> None:
    """The message names the option and what was given."""
    with pytest.raises(StartError) as raised:
        positive_number("days", given)
    assert str(raised.value) == f"--days must be a number greater than 0, not {given!r}"


def test_whole_numbers() -> None:
    """Half of something is not a number of things."""
    with pytest.raises(StartError, match="--keep must be a whole number greater than 0, not '1"):
        positive_number("keep", "1.5", int)
