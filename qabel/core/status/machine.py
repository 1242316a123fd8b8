"""Trouble with this machine: its files, disk space and clock."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import define, field
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime

from qabel.core.errors import Unavailable
from qabel.core.status.durations import duration
from qabel.core.status.troubles import Trouble, TroubleKind
from qabel.core.status.watched_file import WatchedFile
from qabel.core.workers import Workers
from qabel.deferreds import shielded

LOW_DISK_SPACE = 100 * 1024 * 1024
"""Bytes of free disk space below which there is trouble."""

INTERVAL = 3.0
"""Seconds between two looks at the files."""

PATIENCE = 3.0
"""Seconds that looking at the files may take."""

CLOCK_TOLERANCE = 120.0
"""Seconds that the clock may be set forward or back without that being trouble."""

REMEMBERED = 3600.0
"""Seconds for which it is trouble that the clock was set."""

YEAR_2020 = 1_577_836_800.0
"""The start of 2020, in seconds since the epoch: an earlier clock was never set."""


@define(eq=False)
class FilesAndDisk:
    """Looks at the disk and at files now and then, in a worker: a disk may hang."""

    _workers: Workers
    _directory: Path
    _files: Sequence[WatchedFile]
    _clock: IReactorTime
    found: list[Trouble] = field(factory=list, init=False)
    """What the last look has found."""
    _due: float = field(default=0.0, init=False)
    _running: bool = field(default=False, init=False)

    async def look(self) -> None:
        """Look, if it is time again."""
        if self._running or self._clock.seconds() < self._due:
            return
        self._running = True
        # Not cancelled when it takes too long: the worker goes on all the same.
        looking = shielded(self._look_in_worker())
        try:
            await looking.addTimeout(PATIENCE, self._clock)
        except (DeferredTimeout, Unavailable):
            # A worker that hangs is trouble of its own.
            return

    async def _look_in_worker(self) -> None:
        try:
            self.found = await self._workers.run(self._look)
        finally:
            self._running, self._due = False, self._clock.seconds() + INTERVAL

    def _look(self) -> list[Trouble]:
        found = [trouble for each in self._files if (trouble := each.look()) is not None]
        try:
            free = shutil.disk_usage(self._directory).free
        except OSError:
            return found
        if free < LOW_DISK_SPACE:
            what = f"Only {free // 2**20} MiB of disk space are free in {self._directory}."
            found.append(Trouble(TroubleKind.DISK_LOW, what))
        return found


@define(eq=False)
class ClockWatch:
    """Notices that this machine's clock was never set, or was set while the daemon runs.

    Args:
        now: returns seconds since the epoch, by the clock that can be set.
        steady: returns seconds by a clock that cannot, and that counts while the machine sleeps.

    """

    _now: Callable[[], float]
    _steady: Callable[[], float]
    _offset: float = field(init=False)
    """The seconds between the clocks, before any jump that is remembered."""
    _jumped: float | None = field(default=None, init=False)
    """When the clock was found to be set, on the steady clock."""

    def __attrs_post_init__(self) -> None:
        self._offset = self._now() - self._steady()

    def look(self) -> list[Trouble]:
        """Return what is wrong with the clock."""
        now, steady = self._now(), self._steady()
        if now < YEAR_2020:
            return [Trouble(TroubleKind.CLOCK, "This machine's clock was never set.")]
        jump = now - steady - self._offset
        was_unset = self._offset + steady < YEAR_2020
        if was_unset or abs(jump) <= CLOCK_TOLERANCE:
            self._offset, self._jumped = now - steady, None
            return []
        if self._jumped is None:
            self._jumped = steady
        elif steady - self._jumped > REMEMBERED:
            self._offset, self._jumped = now - steady, None
            return []
        way = "forward" if jump > 0 else "back"
        what = f"This machine's clock was set {way} by {duration(abs(jump))}."
        return [Trouble(TroubleKind.CLOCK, what)]
