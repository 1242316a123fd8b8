"""Lengths of time as text: whole numbers of the unit that fits."""

import pytest

from qabel.core.status.durations import duration, interval_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (119.9, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h")],
)
def test_durations(seconds: float, text: str) -> None:
    """A time is in seconds, minutes or hours, rounded down."""
    assert duration(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.1, "0.1 s"), (5.0, "5 s"), (3600, "60 min")])
def test_intervals(seconds: float, text: str) -> None:
    """Short intervals keep their fraction: none of them is 0 s."""
    assert interval_text(seconds) == text
