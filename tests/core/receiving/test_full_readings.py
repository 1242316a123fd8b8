"""When drops are read in full."""

import pytest
from twisted.internet.task import Clock

from qabel.core.random_delays import exponential
from qabel.core.receiving.drop_progress import DropProgress, decode_progress
from qabel.core.receiving.drop_traffic import DropTraffic
from qabel.core.receiving.full_readings import (
    AFTER_NEWS,
    AFTER_START,
    FIRST_RETRY,
    LAST_RETRY,
    RARELY,
    Cause,
    FullReadings,
    OwnedDrop,
)
from qabel.core.receiving.poll_times import HEARSAY
from qabel.drop.transport import Opener
from qabel.store.inbox.seen import Drop, DropState

NOW = 1_800_000_000.0
INTERVAL = 3600.0


class Bench:
    """A schedule on a clock, and a drop that was just read in full."""

    def __init__(self) -> None:
        self.clock, self.jump, self.drawn = Clock(), 0.0, 0.0
        self.schedule = FullReadings(self.clock, self.now, INTERVAL, lambda: self.drawn)
        traffic = DropTraffic(self.clock, 10**6)
        self.drop = OwnedDrop(Drop("x", "me"), Opener([]), "7", 0.0, traffic)
        self.schedule.succeeded(self.drop, found=True, since="7")

    def now(self) -> float:
        """Return the time of day."""
        return NOW + self.clock.seconds() + self.jump


@pytest.fixture
def bench() -> Bench:
    """Return one."""
    return Bench()


def test_seldom_while_nothing_is_found(bench: Bench) -> None:
    """The interval doubles up to a day, and begins anew when something is found."""
    hours = []
    for found in (*[False] * 6, True, False):
        bench.schedule.succeeded(bench.drop, found=found, since="7")
        hours.append((bench.drop.full_due - bench.clock.seconds()) / INTERVAL)
    assert hours == [2, 4, 8, 16, RARELY, RARELY, 1, 2]


def test_failures_have_growing_pauses(bench: Bench) -> None:
    """They are tried again after a minute at first, then later and later, but not too late."""
    pauses = []
    for _ in range(20):
        bench.schedule.failed(bench.drop, "No.")
        pauses.append(bench.drop.full_due)
    assert pauses[0] <= FIRST_RETRY
    assert FIRST_RETRY * 4 <= pauses[3] <= FIRST_RETRY * 8
    assert INTERVAL * LAST_RETRY / 2 <= pauses[-1] <= INTERVAL * LAST_RETRY
    assert bench.drop.progress.failed == "No."


def test_what_a_reader_asks_for(bench: Bench) -> None:
    """It is done once in ten minutes; what is asked for too early is not done later."""
    bench.schedule.ask(bench.drop, Cause.READER)
    assert bench.drop.full_due == 0
    assert bench.schedule.begin(bench.drop)
    bench.schedule.succeeded(bench.drop, found=True, since="7")
    bench.schedule.ask(bench.drop, Cause.READER)
    assert bench.drop.full_due == INTERVAL
    bench.schedule.ask(bench.drop, Cause.PUSH)
    assert bench.drop.full_due == AFTER_NEWS
    bench.clock.advance(AFTER_NEWS)
    bench.schedule.ask(bench.drop, Cause.READER)
    assert bench.drop.full_due == AFTER_NEWS


@pytest.mark.parametrize("jump", [-1e8, 1e8])
def test_a_clock_that_jumps_hides_nothing(bench: Bench, jump: float) -> None:
    """However the time of day changes, nothing is put off for longer than it would be."""
    bench.drop.because = Cause.PUSH
    bench.schedule.begin(bench.drop)
    bench.jump = jump
    bench.schedule.ask(bench.drop, Cause.PUSH)
    assert bench.drop.full_due == 0


def test_without_a_cursor_nothing_is_asked_for(bench: Bench) -> None:
    """Each reading of such a drop is a full one anyway."""
    bench.drop.cursor = None
    bench.schedule.ask(bench.drop, Cause.READER)
    assert bench.drop.full_due == INTERVAL


def test_after_a_start(bench: Bench) -> None:
    """A drop that has a cursor is read in full, once in six hours; others when they are due."""
    ago = int((NOW - 60) * 1000)
    state = DropState("7", 0, ago)
    assert bench.schedule.plan(state, DropProgress()) == (0.0, True)
    lately = DropProgress(after_start=ago)
    assert bench.schedule.plan(state, lately) == (INTERVAL - 60, False)
    bench.clock.advance(AFTER_START)
    assert bench.schedule.plan(state, lately) == (AFTER_START, True)
    assert bench.schedule.plan(DropState(), DropProgress()) == (AFTER_START, False)


def test_an_interval_and_a_failure_outlast_a_restart(bench: Bench) -> None:
    """How seldom a drop is read, and when it is tried again, is stored."""
    state = DropState("7", 0, int(NOW * 1000))
    lately = int(NOW * 1000)
    far = DropProgress(interval=INTERVAL * 8, after_start=lately)
    assert bench.schedule.plan(state, far) == (INTERVAL * 8, False)
    failed = DropProgress(retry=int((NOW + 100) * 1000), after_start=lately)
    assert bench.schedule.plan(state, failed) == (100.0, False)


def test_a_server_that_went_back(bench: Bench) -> None:
    """It is noted until a full reading that began later has succeeded."""
    bench.schedule.went_back(bench.drop)
    assert bench.drop.full_due == 0
    assert decode_progress(bench.schedule.text(bench.drop)).is_in_doubt
    bench.schedule.succeeded(bench.drop, found=False, since="7")
    assert not bench.drop.progress.is_in_doubt
    assert bench.drop.progress.went_back == NOW * 1000


def test_times_are_drawn(bench: Bench) -> None:
    """The next full reading is an interval later at least, and half of one more at most."""
    bench.drawn = 0.5
    bench.schedule.succeeded(bench.drop, found=True, since="7")
    assert bench.drop.full_due == INTERVAL * 1.25
    state = DropState("7", 0, int((NOW - 60) * 1000))
    lately = DropProgress(after_start=int(NOW * 1000))
    assert bench.schedule.plan(state, lately) == (INTERVAL * 1.25 - 60, False)


def test_what_has_a_common_cause_is_done_at_different_times(bench: Bench) -> None:
    """A full reading that is asked for of several drops is not due at once."""
    bench.drawn = 0.5
    bench.schedule.ask(bench.drop, Cause.READER, at_once=False)
    assert bench.drop.full_due == exponential(HEARSAY, lambda: 0.5)
