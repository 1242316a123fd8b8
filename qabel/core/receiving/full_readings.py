"""When a drop is read in full: regularly, after a failure, and when there is a reason."""

from collections.abc import Callable
from enum import Enum

from attrs import define, field, frozen
from twisted.internet.interfaces import IReactorTime

from qabel.core.backoff import backoff
from qabel.core.random_delays import Draw, draw_securely, exponential
from qabel.core.receiving.drop_progress import DropProgress, Stretch, encode_progress
from qabel.core.receiving.drop_traffic import DropTraffic
from qabel.core.receiving.poll_times import HEARSAY
from qabel.drop.transport import Opener
from qabel.store.inbox.seen import Drop, DropState

FULL_READ_INTERVAL = 3600.0
"""Seconds between two full readings, which find messages that a cursor skipped."""

RARELY = 24
"""How many times that interval it is at most, after full readings that found nothing."""

FIRST_RETRY = 60.0
"""Seconds at most after which a full reading is tried again that failed once."""

LAST_RETRY = 6
"""How many intervals it may be after which one is tried again that keeps failing."""

AFTER_START = 6 * 3600.0
"""Seconds between two full readings because of a start."""

AFTER_NEWS = 600.0
"""Seconds between two full readings because of ``no-cache``, a push, or a cursor that shrank."""


class Cause(Enum):
    """Why a full reading is asked for."""

    READER = "no-cache"
    PUSH = "push"
    WENT_BACK = "went back"
    GAP = "gap"


@define
class OwnedDrop:
    """A drop that is read: its keys, how far it was read, and when it is read in full again."""

    drop: Drop
    opener: Opener = field(repr=False)
    cursor: str | None
    full_due: float
    """In seconds on the clock of the schedule."""
    traffic: DropTraffic = field(repr=False)
    progress: DropProgress = field(factory=DropProgress, repr=False)
    last_full: int | None = None
    """When the last full reading succeeded, in milliseconds since the epoch."""
    because: "Cause | None" = None
    """Why the next full reading was asked for; None if it is due anyway."""
    after_start: bool = False
    """Whether the next full reading is due because of the start."""
    asked: int = 0
    """How often a full read was asked for: one that began earlier does not count for it."""
    repeat_from: float = 0.0
    """From when a full read may be asked for, on the same clock."""
    is_shared: bool = False
    """Whether people share it by chance: then the server's cursors are not sent back to it."""
    news_from: float = 0.0
    """From when what is new may be read of such a drop, on the same clock."""
    is_news_put_off: bool = False
    """Whether what is new was not read when it was to be."""


@frozen
class FullReadings:
    """Decides when drops are read in full. Nothing depends on the time of day for long.

    Args:
        clock: the clock of the schedule.
        now: returns seconds since the epoch.
        interval: seconds between two full readings at least.
        draw: returns a random number in [0, 1).

    """

    _clock: IReactorTime
    _now: Callable[[], float]
    _interval: float
    _draw: Draw = draw_securely

    def plan(self, state: DropState, progress: DropProgress) -> tuple[float, bool]:
        """Return when a drop is due after a restart, and whether because of the start."""
        now = self._clock.seconds()
        if state.last_full_read is None:
            return now, False
        longest = self._interval * RARELY
        interval = min(progress.interval or self._interval, longest)
        if progress.retry is not None:
            left = progress.retry / 1000 - self._now()
        else:
            left = self._drawn(interval) - (self._now() - state.last_full_read / 1000)
        due = now + min(max(left, 0.0), self._drawn(interval))
        if state.cursor is not None and self._is_over(progress.after_start, AFTER_START):
            return now, True
        return due, False

    def begin(self, drop: OwnedDrop) -> bool:
        """Note that a full reading begins; return whether that is to be stored first.

        One that was asked for counts even if it does not end: a daemon that is killed in the middle
        of it does not begin it again at each start.
        """
        now = int(self._now() * 1000)
        if drop.after_start:
            drop.progress.after_start, drop.after_start = now, False
        elif drop.because is not None:
            drop.progress.after_news = now
        else:
            return False
        drop.because = None
        return drop.cursor is not None

    def ask(self, drop: OwnedDrop, cause: Cause, *, at_once: bool = True) -> None:
        """Have a drop read in full soon, if it was not for such a reason lately.

        Without a cursor each reading is a full one. What a reader asks for too early is not done;
        what there is evidence for is done later.

        Args:
            drop: the drop.
            cause: why.
            at_once: whether nothing but this drop gave the reason. Otherwise the time is drawn, as
                it must not show which drops are read in full for the same reason.

        """
        if drop.cursor is None:
            return
        wait = self._wait(drop.progress.after_news, AFTER_NEWS)
        if wait and cause is Cause.READER:
            return
        delay = 0.0 if at_once else exponential(HEARSAY, self._draw)
        due = self._clock.seconds() + wait + delay
        if due < drop.full_due:
            drop.full_due, drop.because = due, cause

    def went_back(self, drop: OwnedDrop) -> None:
        """Note that a server has fewer messages than before: the cursor may hide some."""
        drop.progress.went_back = int(self._now() * 1000)
        drop.progress.is_in_doubt = True
        drop.progress.full = Stretch()
        drop.asked += 1
        self.ask(drop, Cause.WENT_BACK)

    def succeeded(self, drop: OwnedDrop, *, found: bool, since: str | None) -> None:
        """Note a full reading, and plan the next: the fewer find something, the fewer there are.

        Args:
            drop: what was read.
            found: whether messages were found that the cursor had not shown.
            since: the cursor that the drop had before; None for none.

        """
        progress = drop.progress
        interval = min(progress.interval or self._interval, self._interval * RARELY)
        if found or since is None:
            interval = self._interval
        else:
            interval = min(interval * 2, self._interval * RARELY)
        progress.interval = interval
        progress.failures, progress.failed, progress.retry = 0, None, None
        progress.full, progress.is_in_doubt = Stretch(), False
        drop.last_full = int(self._now() * 1000)
        drop.full_due = self._clock.seconds() + self._drawn(interval)

    def failed(self, drop: OwnedDrop, reason: str) -> None:
        """Note that a full reading failed, and when to try again."""
        progress = drop.progress
        pause = backoff(
            progress.failures,
            base=min(FIRST_RETRY, self._interval),
            longest=self._interval * LAST_RETRY,
            draw=self._draw,
        )
        progress.failures += 1
        progress.failed = reason
        progress.retry = int((self._now() + pause) * 1000)
        drop.full_due = self._clock.seconds() + pause

    def text(self, drop: OwnedDrop) -> str:
        """Return what is to be stored of a drop."""
        drop.progress.traffic = list(drop.traffic.entries())
        drop.progress.saved = int(self._now() * 1000)
        return encode_progress(drop.progress)

    def _drawn(self, interval: float) -> float:
        """Draw the seconds between two full readings of a drop: an interval at least."""
        return interval * (1 + self._draw() / 2)

    def _wait(self, last: int | None, pause: float) -> float:
        """Return the seconds until a pause since ``last`` is over, whatever the clock did."""
        if last is None:
            return 0.0
        passed = self._now() - last / 1000
        return max(0.0, pause - passed) if passed >= 0 else 0.0

    def _is_over(self, last: int | None, pause: float) -> bool:
        return self._wait(last, pause) == 0.0
