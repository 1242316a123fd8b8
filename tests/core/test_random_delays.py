"""Random delays: how long they are on average, and how they are spread."""

from statistics import fmean

import pytest

from qabel.core.random_delays import draw_securely, exponential
from tests.core.items import draws


def test_the_mean() -> None:
    """Delays have the mean that they are asked for."""
    random = draws()
    assert fmean(exponential(30.0, random) for _ in range(20_000)) == pytest.approx(30.0, rel=0.05)


def test_a_delay_does_not_age() -> None:
    """Of the delays that last for a while already, as many end soon as of the new ones."""
    random = draws(2)
    delays = [exponential(30.0, random) for _ in range(20_000)]
    old = [each - 30.0 for each in delays if each > 30.0]
    share = sum(each < 10.0 for each in delays) / len(delays)
    assert sum(each < 10.0 for each in old) / len(old) == pytest.approx(share, rel=0.05)


def test_the_ends_of_what_is_drawn() -> None:
    """The smallest number is no delay, and the largest one an end."""
    assert exponential(30.0, lambda: 0.0) == 0.0
    assert 900 < exponential(30.0, lambda: 1.0 - 2.0**-53) < 1200


def test_numbers_are_drawn_from_the_whole_range() -> None:
    """By default the numbers differ, and lie from 0 to 1."""
    numbers = [draw_securely() for _ in range(1000)]
    assert len(set(numbers)) == 1000
    assert 0.0 <= min(numbers) < 0.1
    assert 0.9 < max(numbers) < 1.0


def test_nothing_is_drawn_from_a_generator_whose_state_shows() -> None:
    """The operating system's numbers are used, which are not repeated with the same seed."""
    assert {draw_securely() for _ in range(100)}.isdisjoint({0.0, 1.0})
    assert draw_securely.__self__.getstate is not None
    with pytest.raises(NotImplementedError):
        draw_securely.__self__.getstate()
