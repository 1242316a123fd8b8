"""Time stamps: they rise strictly for each identity, whatever the clock does."""

from hypothesis import given
from hypothesis import strategies as st

from qabel.core.sending.time_stamps import EARLIEST_NOW, TimeStamps
from qabel.store.outbox.time_stamps import MOST_AHEAD
from tests.core.items import key

ME, OTHER = key(1).public_key, key(2).public_key
NOW = 1_800_000_000_000
WEEK = MOST_AHEAD
YEAR = 365 * 24 * 3600 * 1000


class Clocked:
    """Time stamps by a clock that a test sets, in milliseconds."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now
        self.stamps = TimeStamps(lambda: self.now / 1000)

    def at(self, now: int) -> int:
        """Return the next time stamp at a time."""
        self.now = now
        return self.stamps.make(ME)


def test_one_millisecond_more_each() -> None:
    """Several messages in a millisecond get time stamps of their own, each identity by itself."""
    clocked = Clocked()
    assert [clocked.at(NOW) for _ in range(3)] == [NOW, NOW + 1, NOW + 2]
    assert clocked.stamps.make(OTHER) == NOW
    assert clocked.at(NOW + 5) == NOW + 5


@given(st.lists(st.integers(NOW - WEEK // 3, NOW + WEEK // 3), max_size=50))
def test_they_rise_while_the_clock_jumps(times: list[int]) -> None:
    """A clock that goes forth and back by days makes no time stamp twice."""
    clocked = Clocked()
    made = [clocked.at(now) for now in times]
    assert made == sorted(set(made))


def test_a_restart_continues() -> None:
    """After a restart with a clock that was set back, time stamps go on from the newest."""
    clocked = Clocked()
    clocked.stamps.load({ME.raw: NOW + 5000})
    assert clocked.at(NOW) == NOW + 5001


def test_a_clock_that_was_far_ahead_is_forgiven() -> None:
    """Time stamps of a wrong future do not bind later ones once the clock is right again."""
    clocked = Clocked()
    clocked.at(NOW + 10 * YEAR)
    assert [clocked.at(NOW) for _ in range(2)] == [NOW, NOW + 1]


def test_a_clock_that_is_certainly_wrong_binds_nobody() -> None:
    """A clock that stands in 1970 does not make earlier time stamps wrong."""
    clocked = Clocked()
    newest = clocked.at(NOW)
    assert clocked.at(0) == newest + 1
    assert clocked.at(EARLIEST_NOW - 1) == newest + 2


def test_what_clients_state() -> None:
    """The daemon avoids a time that a client has stated, unless that is in the future."""
    clocked = Clocked()
    assert clocked.stamps.is_past(ME, NOW)
    assert clocked.at(NOW) == NOW + 1
    assert not clocked.stamps.is_past(ME, NOW + 5000)
    assert clocked.at(NOW) == NOW + 2
