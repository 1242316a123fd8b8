"""Damage in pages that nobody reads is found after the start, and once a day."""

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from qabel.core.status.page_check import INTERVAL, REST, PageCheck
from qabel.store.database.errors import Corrupt


class Pages:
    """Pages that are checked, up to the last."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.checked: list[int] = []
        self.damaged: int | None = None

    def check_some(self, first: int) -> "Deferred[int | None]":
        """Check one page."""
        self.checked.append(first)
        if first == self.damaged:
            return fail(Corrupt("It is damaged."))
        return succeed(first + 1 if first < self.last else None)


def pass_time(clock: Clock, seconds: float) -> None:
    """Let time pass, a second at a time."""
    clock.pump([1.0] * int(seconds))


def test_all_pages_are_checked_after_the_start() -> None:
    """They are checked a few at a time, and then there is a day's rest."""
    clock, pages = Clock(), Pages(3)
    check = PageCheck(pages.check_some, clock)
    check.startService()
    assert pages.checked == []
    pass_time(clock, 3 * INTERVAL)
    assert pages.checked == [1, 2, 3]
    pass_time(clock, 10 * INTERVAL)
    assert pages.checked == [1, 2, 3]
    clock.advance(REST)
    pass_time(clock, 3 * INTERVAL)
    assert pages.checked[3:6] == [1, 2, 3]
    check.stopService()
    assert clock.getDelayedCalls() == []


def test_damage_ends_a_check() -> None:
    """What is found once need not be found again; the next day begins anew."""
    clock, pages = Clock(), Pages(9)
    pages.damaged = 2
    check = PageCheck(pages.check_some, clock)
    check.startService()
    pass_time(clock, 20)
    assert pages.checked == [1, 2]
    pages.damaged = None
    clock.advance(REST)
    pass_time(clock, 20)
    assert pages.checked[2:] == list(range(1, 10))
    check.stopService()


def test_a_check_that_hangs_does_not_pile_up() -> None:
    """While the database does not respond, no further check is begun."""
    clock, asked = Clock(), []
    hanging: Deferred[int | None] = Deferred()

    def check_some(first: int) -> "Deferred[int | None]":
        asked.append(first)
        return hanging

    check = PageCheck(check_some, clock)
    check.startService()
    pass_time(clock, 30)
    assert asked == [1]
    check.stopService()
    hanging.callback(None)
    assert clock.getDelayedCalls() == []
