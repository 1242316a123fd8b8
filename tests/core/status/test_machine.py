"""The machine: its files and disk are looked at in a worker, and its clock may not jump."""

import threading
from pathlib import Path

import pytest
import pytest_twisted
from attrs import define
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from qabel.core.status import machine
from qabel.core.status.machine import (
    CLOCK_TOLERANCE,
    INTERVAL,
    PATIENCE,
    REMEMBERED,
    YEAR_2020,
    ClockWatch,
    FilesAndDisk,
)
from qabel.core.status.troubles import TroubleKind
from qabel.core.status.watched_file import WatchedFile, remembered
from qabel.core.workers import Workers
from qabel.deferreds import result_of
from tests.core.conftest import InlineWorkers


def look(watched: FilesAndDisk) -> None:
    """Look once."""
    result_of(Deferred.fromCoroutine(watched.look()))


def test_files_and_disk_are_looked_at_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing file and a disk that is nearly full are found, and found to be well again."""
    path, clock = tmp_path / "key", Clock()
    path.touch(mode=0o600)
    file = WatchedFile(TroubleKind.KEY_FILE, path, "The database key", remembered(path))
    watched = FilesAndDisk(InlineWorkers(reactor), tmp_path, [file], clock)
    look(watched)
    assert watched.found == []
    path.unlink()
    monkeypatch.setattr(machine, "LOW_DISK_SPACE", 2**60)
    look(watched)
    assert watched.found == []
    clock.advance(INTERVAL)
    look(watched)
    assert [each.kind for each in watched.found] == [TroubleKind.KEY_FILE, TroubleKind.DISK_LOW]
    monkeypatch.setattr(machine, "LOW_DISK_SPACE", 0)
    path.touch(mode=0o600)
    clock.advance(INTERVAL)
    look(watched)
    assert watched.found == []


@pytest_twisted.ensureDeferred
async def test_a_disk_that_hangs(tmp_path: Path) -> None:
    """A look that hangs delays nobody for long, is not repeated, and goes on in the end."""
    clock, began, release, looks = Clock(), threading.Event(), threading.Event(), []
    workers = Workers(reactor)
    workers.start()

    def hang(content: bytes) -> bool:
        looks.append(content)
        began.set()
        return release.wait(20)

    (tmp_path / "key").touch(mode=0o600)
    file = WatchedFile(TroubleKind.KEY_FILE, tmp_path / "key", "The database key", hang)
    watched = FilesAndDisk(workers, tmp_path, [file], clock)
    try:
        first = Deferred.fromCoroutine(watched.look())
        assert began.wait(20)
        clock.advance(PATIENCE)
        await first
        clock.advance(INTERVAL)
        await watched.look()
        assert workers.longest() > 0
    finally:
        release.set()
        workers.stop()
    assert len(looks) == 1
    assert workers.longest() == 0


@define
class Times:
    """The time of day, and a clock that cannot be set."""

    day: float = 1_800_000_000.0
    steady: float = 100.0

    def watch(self) -> ClockWatch:
        """Watch them."""
        return ClockWatch(lambda: self.day, lambda: self.steady)

    def passes(self, seconds: float) -> None:
        """Let time pass."""
        self.day += seconds
        self.steady += seconds


def test_a_clock_that_was_never_set() -> None:
    """It is trouble until it is set, and setting it then is none."""
    times = Times(day=1000.0)
    watch = times.watch()
    [trouble] = watch.look()
    assert "never set" in trouble.what
    times.day = YEAR_2020 + 1
    times.passes(5)
    assert watch.look() == []


@pytest.mark.parametrize(("jump", "way"), [(7200.0, "forward by 2 h"), (-7200.0, "back by 2 h")])
def test_a_clock_that_is_set(jump: float, way: str) -> None:
    """It is trouble until it is set right again, or for an hour."""
    for mended in (True, False):
        times = Times()
        watch = times.watch()
        times.passes(1e5)
        assert watch.look() == []
        times.day += jump
        for _ in range(3):
            times.passes(5)
            [trouble] = watch.look()
            assert way in trouble.what
        if mended:
            times.day -= jump
        else:
            times.passes(REMEMBERED)
        assert watch.look() == []
        times.passes(5)
        assert watch.look() == []


def test_a_clock_that_is_corrected_little_by_little() -> None:
    """Small corrections are none, however many there are."""
    times = Times()
    watch = times.watch()
    for _ in range(100):
        times.passes(2)
        times.day += CLOCK_TOLERANCE / 2
        assert watch.look() == []
