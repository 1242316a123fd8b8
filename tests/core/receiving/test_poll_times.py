"""The times of polls: what is drawn, and between which limits."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.core.receiving.poll_times import (
    FIRST_WITHIN,
    RECONNECT,
    first_pause,
    next_pause,
    reconnect_pause,
)

DRAWS = st.floats(0.0, 1.0, exclude_max=True)
INTERVALS = st.floats(0.01, 1e5)


@given(interval=INTERVALS, draw=DRAWS)
def test_the_first_poll_is_soon(interval: float, draw: float) -> None:
    """It is within an interval, and within a minute."""
    assert 0 <= first_pause(interval, lambda: draw) <= min(interval, FIRST_WITHIN)


@given(interval=INTERVALS, draw=DRAWS)
def test_polls_are_half_an_interval_apart_at_least(interval: float, draw: float) -> None:
    """However the number is drawn, the pause is finite and at least half the interval."""
    assert interval / 2 <= next_pause(interval, lambda: draw) < 20 * interval


def test_the_mean_is_the_interval() -> None:
    """Over numbers that are spread evenly, the pauses are an interval long on average."""
    count = 10_000
    pauses = [next_pause(8.0, lambda n=n: (n + 0.5) / count) for n in range(count)]
    assert sum(pauses) / count == pytest.approx(8.0, rel=0.001)
    assert sum(each < 4 + 4 * math.log(2) for each in pauses) == count / 2


def test_pauses_before_connecting_again_grow() -> None:
    """They double up to a limit; the first is long enough for two not to come back together."""
    means = [reconnect_pause(n, lambda: 1 - math.exp(-1)) for n in (0, 1, 2, 100)]
    assert means == pytest.approx([RECONNECT, 2 * RECONNECT, 4 * RECONNECT, 300.0])
