"""The bandwidth of a drop: no more an hour than is allowed, and never a wait for good."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from qabel.core.receiving.drop_traffic import FULL_SHARE, HOUR, SLOT, DropTraffic

LIMIT = 3200


@pytest.fixture
def clock() -> Clock:
    """Return the clock."""
    return Clock()


@pytest.fixture
def traffic(clock: Clock) -> DropTraffic:
    """Return the traffic of a drop that was not read yet."""
    return DropTraffic(clock, LIMIT)


def test_full_readings_leave_some_for_what_is_new(traffic: DropTraffic) -> None:
    """When full readings have used their share, what is new is read nevertheless."""
    assert traffic.allowed(10**9, 0, full=True) == LIMIT * FULL_SHARE
    traffic.note(int(LIMIT * FULL_SHARE), full=True)
    assert traffic.is_used_up
    assert traffic.allowed(10**9, 0, full=True) is None
    assert traffic.allowed(10**9, 0, full=False) == LIMIT / 8
    traffic.note(LIMIT // 8, full=False)
    assert traffic.allowed(10**9, 0, full=False) is None


def test_it_waits_an_hour(traffic: DropTraffic, clock: Clock) -> None:
    """After an hour, and what is counted together, everything is free again."""
    traffic.note(LIMIT, full=False)
    clock.advance(HOUR - 1)
    assert traffic.allowed(1, 0, full=False) is None
    clock.advance(SLOT + 1)
    assert traffic.allowed(LIMIT, 0, full=False) == LIMIT
    assert not traffic.is_used_up


def test_what_cannot_be_read_in_parts(traffic: DropTraffic, clock: Clock) -> None:
    """It may take more than an hour's bytes at once, if none were taken before, and pays later."""
    traffic.note(100, full=True)
    assert traffic.allowed(LIMIT, 0, full=True) == LIMIT * FULL_SHARE - 100
    assert traffic.allowed(LIMIT, 2, full=True) is None
    assert traffic.allowed(100, 2, full=True) == 400
    clock.advance(SLOT + HOUR)
    assert traffic.allowed(LIMIT, 2, full=True) == 4 * LIMIT
    traffic.note(4 * LIMIT, full=True)
    clock.advance(4 * HOUR - 1)
    assert traffic.allowed(LIMIT, 0, full=True) is None
    clock.advance(SLOT + 1)
    assert traffic.allowed(LIMIT, 0, full=True) is not None


def test_after_a_restart(traffic: DropTraffic, clock: Clock) -> None:
    """What was counted still counts; a clock that was set back makes nothing wait longer."""
    traffic.note(LIMIT, full=False)
    clock.advance(600)
    [(age, size, full)] = traffic.entries()
    assert (age, size, full) == (600.0, LIMIT, False)
    for wrong in (age, -1e9):
        again = DropTraffic(clock, LIMIT, [(wrong, size, full)])
        assert again.allowed(1, 0, full=False) is None
    clock.advance(SLOT + HOUR)
    assert again.allowed(1, 0, full=False) == 1


def test_much_is_worth_storing(traffic: DropTraffic) -> None:
    """Little traffic is not stored for its own sake, much is."""
    traffic.note(LIMIT // 64, full=False)
    assert not traffic.is_unsaved
    traffic.note(1, full=False)
    assert traffic.is_unsaved
    traffic.entries()
    assert not traffic.is_unsaved


@given(st.lists(st.tuples(st.floats(0, 2000), st.booleans(), st.integers(0, 5000)), max_size=60))
def test_never_more_in_an_hour(steps: list[tuple[float, bool, int]]) -> None:
    """In no hour more is taken than the limit, whatever is wanted when."""
    clock, taken = Clock(), []
    traffic = DropTraffic(clock, LIMIT)
    for wait, full, wanted in steps:
        clock.advance(wait)
        size = traffic.allowed(wanted, 0, full=full) or 0
        traffic.note(size, full=full)
        taken.append((clock.seconds(), size))
        lately = sum(each for at, each in taken if at > clock.seconds() - HOUR)
        assert lately <= LIMIT
