"""The time by which messages are old: no clock that is wrong for a while decides it."""

from qabel.core.message_age import TrustedTime

HOUR, YEAR = 3600.0, 365 * 24 * 3600.0
NOW = 1_800_000_000.0


def test_a_good_clock() -> None:
    """From the second look on, the time is what the clock says."""
    time = TrustedTime()
    assert time.look(NOW, 50.0) is None
    assert time.look(NOW + HOUR, 50.0 + HOUR) == NOW + HOUR


def test_a_clock_that_is_ahead_for_a_while() -> None:
    """It is not believed, neither when it jumps ahead nor when it comes back."""
    time = TrustedTime()
    time.look(NOW, 0.0)
    assert time.look(NOW + YEAR, HOUR) == NOW + HOUR
    assert time.look(NOW + 2 * HOUR, 2 * HOUR) == NOW + 2 * HOUR
    assert time.look(NOW + 3 * HOUR, 3 * HOUR) == NOW + 3 * HOUR


def test_a_clock_that_was_set() -> None:
    """A clock that says the same twice is believed."""
    time = TrustedTime()
    time.look(NOW - YEAR, 0.0)
    assert time.look(NOW, HOUR) == NOW - YEAR + HOUR
    assert time.look(NOW + HOUR, 2 * HOUR) == NOW + HOUR
