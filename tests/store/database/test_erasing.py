"""Erasing: soon after a deletion, once for many, and again until it succeeds."""

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from qabel.store.database.erasing import DELAY, Erasing
from qabel.store.database.errors import Busy, StoreClosed
from tests.conftest import LoggedFailures


@define
class Work:
    """Stands for the erasing: counts the parts, and has the results that the test sets."""

    results: list["Deferred[bool]"] = field(factory=list)
    count: int = 0

    def __call__(self) -> "Deferred[bool]":
        """Erase one part."""
        self.count += 1
        return self.results.pop(0) if self.results else succeed(True)


@define
class Bench:
    """An Erasing with its clock and its work."""

    clock: Clock = field(factory=Clock)
    work: Work = field(factory=Work)
    erasing: Erasing = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.erasing = Erasing(self.work, self.clock)


@pytest.fixture
def bench() -> Bench:
    """Return an Erasing with nothing to do."""
    return Bench()


def test_many_deletions_are_erased_together(bench: Bench) -> None:
    """What is deleted within the delay is erased once, and nothing more after that."""
    for _ in range(10):
        bench.erasing.request()
        bench.clock.advance(DELAY / 20)
    assert bench.erasing.is_wanted
    bench.clock.advance(DELAY)
    assert (bench.work.count, bench.erasing.is_wanted) == (1, False)
    assert bench.clock.getDelayedCalls() == []


def test_all_parts_are_erased(bench: Bench) -> None:
    """As long as a part is left, it goes on at once."""
    bench.work.results = [succeed(False), succeed(False)]
    bench.erasing.request()
    bench.clock.advance(DELAY)
    assert bench.work.count == 3


def test_what_is_deleted_meanwhile_is_erased_next(bench: Bench) -> None:
    """A deletion while erasing is under way is erased after it."""
    running: Deferred[bool] = Deferred()
    bench.work.results = [running]
    bench.erasing.request()
    bench.clock.advance(DELAY)
    bench.erasing.request()
    bench.clock.advance(2 * DELAY)
    assert bench.work.count == 1
    running.callback(True)
    bench.clock.advance(DELAY)
    assert bench.work.count == 2


def test_it_is_tried_again(bench: Bench) -> None:
    """While something reads the database, it is tried again; that is known, and logged once."""
    bench.work.results = [fail(Busy("It is being read.")) for _ in range(2)]
    bench.erasing.request()
    with capturedLogs() as logs:
        bench.clock.advance(DELAY)
        assert bench.erasing.failure == "It is being read."
        bench.clock.advance(DELAY)
        assert bench.erasing.is_wanted
        bench.clock.advance(DELAY)
    assert len(logs) == 1
    assert (bench.work.count, bench.erasing.failure, bench.erasing.is_wanted) == (3, None, False)


def test_it_ends_with_the_database(bench: Bench) -> None:
    """Once it is stopped, nothing is erased; what was asked for stays known."""
    bench.erasing.request()
    bench.erasing.stop()
    bench.erasing.request()
    bench.clock.advance(10 * DELAY)
    assert (bench.work.count, bench.erasing.is_wanted) == (0, True)
    assert bench.clock.getDelayedCalls() == []


def test_closing_while_it_runs_is_no_failure(bench: Bench) -> None:
    """If the database is closed under it, it stops without a word."""
    running: Deferred[bool] = Deferred()
    bench.work.results = [running]
    bench.erasing.request()
    bench.clock.advance(DELAY)
    bench.erasing.stop()
    running.errback(StoreClosed("The database is closed."))
    assert (bench.erasing.is_wanted, bench.erasing.failure) == (True, None)
    assert bench.clock.getDelayedCalls() == []


def test_unexpected_errors_are_logged(bench: Bench, logged_failures: LoggedFailures) -> None:
    """An error that is not the disk's is logged with its traceback."""
    bench.work.results = [fail(ZeroDivisionError())]
    bench.erasing.request()
    bench.clock.advance(DELAY)
    [logged] = logged_failures.flush()
    assert logged["log_failure"].check(ZeroDivisionError)
