"""What users need: it grows with them, and nothing is planned to be full or alone."""

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from qabel.dropserver.capacity import Habits, MeasuredRates, plan
from qabel.dropserver.message_values import DAY

RATES = MeasuredRates()

USERS = st.integers(1, 10**9)


def test_by_hand() -> None:
    """A million users, of whom a tenth ask once a minute."""
    rates = evolve(RATES, post=200e-6, delivery=100e-6, poll=100e-6, primary=1000.0, usable=0.5)
    need = plan(1_000_000, Habits(messages=86.4, peak=2.0, poll_interval=50.0), rates)
    assert (round(need.posts), round(need.polls), need.listeners) == (2000, 2000, 900_000)
    # 90 by their listeners; by the work it would be (2000 * 300 µs + 2000 * 100 µs) / 0.5.
    assert (need.front_ends, need.databases) == (91, 4)
    assert round(need.disk) == round(1_000_000 * 86.4 * 7 * rates.stored)
    assert round(need.traffic) == 8 * round(2000 * rates.message + 2000 * rates.question)


def test_work_may_need_more_than_listeners_do() -> None:
    """Users who write a lot, and never listen."""
    habits = Habits(messages=DAY, peak=1.0, listening=0.0, poll_interval=1.0)
    need = plan(1000, habits, RATES)
    busy = 1000 * (RATES.post + RATES.delivery + RATES.poll)
    assert need.front_ends - 1 >= busy / RATES.usable > need.front_ends - 2


@given(USERS)
def test_few_need_no_database(users: int) -> None:
    """One server is alone; several have a database, and one more than they need."""
    need = plan(users, Habits(), RATES)
    assert (need.front_ends == 1) == (need.databases == 0) == (need.database_cores == 0)
    assert need.front_ends != 2
    if need.databases:
        assert need.posts / need.databases <= RATES.primary
    assert need.listeners / need.front_ends <= RATES.listeners


@given(USERS, USERS)
def test_more_users_need_no_less(one: int, other: int) -> None:
    """Each number grows with the users."""
    few, many = (plan(each, Habits(), RATES) for each in sorted((one, other)))
    for name in ("posts", "listeners", "front_ends", "databases", "memory", "disk", "traffic"):
        assert getattr(few, name) <= getattr(many, name)
