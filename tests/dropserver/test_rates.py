"""How often each source may post."""

import pytest
from twisted.internet.task import Clock

from qabel.dropserver.rates import Rate, Rates


def test_a_burst_and_a_rate() -> None:
    """A source may post many at once, and then some a second; it is told how long to wait."""
    clock = Clock()
    rates = Rates(clock, Rate(each_second=2, burst=3))
    assert [rates.take(b"a") for _ in range(3)] == [0, 0, 0]
    assert rates.take(b"a") == pytest.approx(0.5)
    # What is refused costs nothing.
    assert rates.take(b"a") == pytest.approx(0.5)
    clock.advance(0.5)
    assert rates.take(b"a") == 0
    assert rates.take(b"a") > 0
    clock.advance(100)
    assert [rates.take(b"a") for _ in range(3)] == [0, 0, 0]
    assert rates.take(b"a") > 0


def test_sources_do_not_meet() -> None:
    """What one source does does not show to another."""
    rates = Rates(Clock(), Rate(each_second=1, burst=1))
    assert rates.take(b"a") == 0
    assert rates.take(b"a") > 0
    assert rates.take(b"b") == 0


def test_few_are_remembered() -> None:
    """However many sources come, little memory is used; those that post on stay limited."""
    rates = Rates(Clock(), Rate(each_second=1, burst=1), 10)
    assert rates.take(b"busy") == 0
    for number in range(100):
        assert rates.take(b"%d" % number) == 0
        assert rates.take(b"busy") > 0
    assert len(rates) == 10
