"""Exact intervals and permutation tests."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.anonymity.chances import at_least, interval, permutation, seeded


@pytest.mark.parametrize(
    ("right", "asked", "low", "high"),
    [
        # From the quantiles of the beta distribution, as any table has them.
        (0, 10, 0.0, 1 - 0.0005 ** (1 / 10)),
        (10, 10, 0.0005 ** (1 / 10), 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_the_ends_of_intervals(right: int, asked: int, low: float, high: float) -> None:
    """Where nothing or everything is right, the interval has a closed form."""
    assert interval(right, asked) == pytest.approx((low, high), abs=1e-9)


def test_a_known_interval() -> None:
    """The 95 % interval of 8 of 20 is the one in textbooks."""
    assert interval(8, 20, 0.95) == pytest.approx((0.1912, 0.6395), abs=1e-4)


@given(st.integers(1, 200), st.data())
def test_intervals_leave_out_what_is_improbable(asked: int, data: st.DataObject) -> None:
    """At each end of an interval, a result as extreme has just the probability of a tail."""
    right = data.draw(st.integers(0, asked))
    low, high = interval(right, asked)
    assert 0 <= low <= right / asked <= high <= 1
    if right:
        assert at_least(right, asked, low) == pytest.approx(0.0005, rel=1e-6)
    if right < asked:
        assert 1 - at_least(right + 1, asked, high) == pytest.approx(0.0005, rel=1e-6)


@given(st.integers(0, 30), st.floats(0, 1))
def test_the_tail_is_the_sum(asked: int, chance: float) -> None:
    """The probability of so many or more is the sum of the probabilities of each."""
    for right in range(asked + 1):
        terms = (
            math.comb(asked, k) * chance**k * (1 - chance) ** (asked - k)
            for k in range(right, asked + 1)
        )
        assert at_least(right, asked, chance) == pytest.approx(sum(terms), abs=1e-9)


def test_high_scores_of_the_labelled_are_improbable() -> None:
    """If the labelled have the highest scores each time, hardly any permutation is as high."""
    scores = [[9.0, 8.0, 1.0, 2.0, 3.0, 1.0, 2.0, 1.0]] * 5
    labels = [[True, True, *[False] * 6]] * 5
    assert permutation(scores, labels, seeded(1)) < 0.0005


def test_equal_scores_are_probable() -> None:
    """If all scores are equal, every permutation is as high."""
    scores, labels = [[1.0] * 6] * 3, [[True, False, False, True, False, False]] * 3
    assert permutation(scores, labels, seeded(1), rounds=99) == 1.0
