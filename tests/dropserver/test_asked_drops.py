"""Which drops were asked for: none is ever forgotten too early, and few are taken for asked."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from qabel.dropserver.asked_drops import AskedDrops

WEEK = 7 * 86400


def places(start: int, count: int) -> list[bytes]:
    """Return hashes of drops."""
    return [
        hashlib.blake2b(b"%d" % number, digest_size=20).digest()
        for number in range(start, start + count)
    ]


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 2 * WEEK), st.lists(st.integers(0, 50), max_size=5)), max_size=30
    )
)
def test_none_is_forgotten_within_a_period(steps: list[tuple[int, list[int]]]) -> None:
    """Whoever asked within the last period is known, however times and drops come."""
    now = 1_795_000_000
    asked, last = AskedDrops(now), {}
    for wait, numbers in steps:
        now += wait
        asked.turn(now, WEEK)
        for number in numbers:
            asked.note(places(number, 1))
            last[number] = now
        assert all(places(n, 1)[0] in asked for n, then in last.items() if now - then < WEEK)


def test_all_is_forgotten_after_two_periods() -> None:
    """Also if nothing happened for long, such as while the server did not run."""
    asked = AskedDrops(1000)
    asked.must_settle = False
    asked.note(places(0, 10))
    asked.turn(1000 + WEEK - 1, WEEK)
    assert not asked.must_settle
    asked.turn(1000 + WEEK, WEEK)
    assert (asked.must_settle, asked.began, asked.began_before) == (True, 1000 + WEEK, 1000)
    assert all(each in asked for each in places(0, 10))
    asked.turn(1000 + 2 * WEEK, WEEK)
    assert not any(each in asked for each in places(0, 10))
    asked.note(places(0, 10))
    asked.turn(1000 + 4 * WEEK, WEEK)
    assert not any(each in asked for each in places(0, 10))


def test_it_changes_only_for_what_is_new() -> None:
    """Who asks again and again changes nothing that would have to be written."""
    asked = AskedDrops(1000)
    asked.note(places(0, 100))
    assert 90 < len(asked.changed) <= 100
    asked.changed.clear()
    asked.note(places(0, 100))
    assert asked.changed == set()


def test_few_are_mistaken() -> None:
    """Of 100,000 drops that are asked for, hardly any other seems to be one."""
    asked = AskedDrops(1000)
    asked.note(places(0, 100_000))
    assert sum(each in asked for each in places(10**6, 20_000)) <= 2
    assert all(each in asked for each in places(0, 1000))
