"""The clocks of drops: each on its own, at times that nobody can join."""

from itertools import combinations, pairwise
from statistics import correlation, fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qabel.core.receiving.poll_times import FIRST_WITHIN
from qabel.deferreds import result_of
from tests.core.receiving.polling import INTERVAL, Polling, drawn_from, drop


def run(count: int, seed: int, polls: int) -> list[list[float]]:
    """Poll drops until each was read often enough; return when each was read."""
    polling = Polling(drawn_from(seed))
    urls = [drop(number) for number in range(count)]
    polling.poller.set_drops(urls)
    polling.poller.startService()
    while min(len(polling.reads.times(url)) for url in urls[:1]) < polls:
        following = min(each.getTime() for each in polling.clock.getDelayedCalls())
        polling.clock.advance(max(0.0, following - polling.clock.seconds()))
    result_of(polling.poller.stopService())
    return [polling.reads.times(url) for url in urls]


@settings(max_examples=20, deadline=None)
@given(count=st.integers(2, 6), seed=st.integers(0, 2**32))
def test_no_two_drops_have_a_common_time(count: int, seed: int) -> None:
    """No two polls are at the same time, and no two pauses have the same length."""
    times = run(count, seed, 30)
    every = [when for each in times for when in each]
    assert len(set(every)) == len(every)
    pauses = [after - before for each in times for before, after in pairwise(each)]
    assert len(set(pauses)) == len(pauses)
    assert min(pauses) >= INTERVAL / 2 - 1e-6
    assert all(0 <= each[0] <= INTERVAL for each in times)


def test_the_intervals_are_as_long_as_they_should_be() -> None:
    """Their mean is the interval, and those of different drops have nothing to do with another."""
    times = run(4, 1, 3000)
    pauses = [[after - before for before, after in pairwise(each)][:2900] for each in times]
    for each in pauses:
        assert fmean(each) == pytest.approx(INTERVAL, rel=0.05)
        assert min(each) == pytest.approx(INTERVAL / 2, rel=0.01)
    for some, others in combinations(pauses, 2):
        assert abs(correlation(some, others)) < 0.08


def test_a_machine_that_slept() -> None:
    """After a suspension, the drops that are overdue are not read together."""
    polling = Polling(drawn_from(1))
    urls = [drop(number) for number in range(50)]
    polling.poller.set_drops(urls)
    polling.poller.startService()
    polling.run(100)
    polling.reads.begun.clear()
    polling.clock.advance(3600)
    assert polling.reads.begun == []
    polling.run(INTERVAL)
    first = sorted(polling.reads.times(url)[0] for url in urls)
    assert max(first) - min(first) > INTERVAL / 2
    result_of(polling.poller.stopService())


def test_the_length_of_a_reading_moves_nothing() -> None:
    """The pause is between the beginnings of two polls, however long a server holds up one."""
    polling = Polling()
    polling.poller.set_drops([drop(1)])
    polling.reads.hanging.add(drop(1))
    polling.poller.startService()
    polling.run(3)
    polling.reads.open.pop().callback(None)
    polling.run(2.5)
    assert polling.reads.times(drop(1)) == [0.25, 5.25]
    polling.run(20)
    polling.reads.open.pop().callback(None)
    polling.run(10)
    assert polling.reads.times(drop(1))[2] == 30.5
    result_of(polling.poller.stopService())


def test_a_drop_with_push_is_polled_seldom() -> None:
    """While it is watched; within one interval when that ends, or when there is a reason."""
    polling = Polling(lambda: 0.5)
    polling.poller.set_drops([drop(1)])
    polling.poller.clocks.is_watched = lambda _: True
    polling.poller.startService()
    polling.next_read(drop(1))
    assert polling.next_read(drop(1)) > 450
    polling.poller.clocks.wanted = lambda _: polling.clock.seconds() + 100
    polling.next_read(drop(1))
    assert 100 < polling.next_read(drop(1)) < 110
    polling.poller.clocks.wanted = lambda _: None
    polling.next_read(drop(1))
    polling.poller.clocks.is_watched = lambda _: False
    polling.poller.hasten(drop(1))
    assert polling.next_read(drop(1)) <= INTERVAL
    assert polling.next_read(drop(1)) <= INTERVAL
    result_of(polling.poller.stopService())


def test_the_first_poll_within_a_minute() -> None:
    """The interval may be as long as it likes."""
    polling = Polling(lambda: 0.999)
    polling.poller.set_drops([drop(1)])
    polling.poller.set_interval(1e6)
    polling.poller.startService()
    assert polling.next_read(drop(1)) <= FIRST_WITHIN
    result_of(polling.poller.stopService())
