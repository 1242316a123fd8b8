"""The clocks of drops: each has one of its own, whose next interval is drawn every time."""

from collections.abc import Callable

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from qabel.core.random_delays import Draw
from qabel.core.receiving.poll_times import LATE, SPREAD, first_pause, next_pause
from qabel.core.receiving.polled_drop import PolledDrop
from qabel.drop.url import DropURL


@define(eq=False, kw_only=True)
class DropClocks:
    """Sets the clocks of drops. No two drops have a common one.

    Args:
        clock: measures all times.
        interval: mean seconds between two polls.
        push_interval: the same for a drop that is watched by push.
        draw: returns a random number in [0, 1).

    """

    _clock: IReactorTime
    interval: float
    push_interval: float
    draw: Draw
    on_due: Callable[[PolledDrop], object] = field(default=lambda _: None, init=False)
    """Called with a drop when it is due."""
    is_watched: Callable[[DropURL], bool] = field(default=lambda _: False, init=False)
    """Returns whether new messages of a drop are reported by push at present."""
    wanted: Callable[[DropURL], float | None] = field(default=lambda _: None, init=False)
    """Returns when a drop is to be read though it is watched, in seconds on the clock, or None."""

    def now(self) -> float:
        """Return the time in seconds on the clock."""
        return self._clock.seconds()

    def begin(self, drop: PolledDrop) -> None:
        """Schedule the first poll of a drop."""
        drop.since = self.now()
        self.set(drop, first_pause(self.interval, self.draw))

    def set(self, drop: PolledDrop, pause: float) -> None:
        """Schedule the next poll of a drop after some seconds, and not before."""
        is_sooner = self.now() + pause < drop.due
        drop.due = self.now() + pause
        if drop.timer is not None and not is_sooner:
            drop.timer.reset(pause)
            return
        # To bring a timer forward, Twisted would search for it among those of all drops.
        drop.stop_clock()
        drop.timer = self._clock.callLater(pause, self._fire, drop)

    def hasten(self, drop: PolledDrop, at: float) -> None:
        """Schedule the next poll of a drop within one interval from a time on, if it is not sooner.

        ``at`` is in seconds on the clock.
        """
        now = self.now()
        due = max(at, now) + first_pause(self.interval, self.draw)
        if due < drop.due and drop.is_busy:
            drop.due = due
        elif due < drop.due:
            self.set(drop, due - now)

    def pause(self, drop: PolledDrop) -> float:
        """Draw the seconds until the next poll of a drop that could be read."""
        pause = next_pause(self.interval, self.draw)
        if not self.is_watched(drop.url):
            return pause
        seldom = next_pause(max(self.interval, self.push_interval), self.draw)
        wanted = self.wanted(drop.url)
        if wanted is None:
            return seldom
        return min(seldom, max(0.0, wanted - self.now()) + pause)

    def _fire(self, drop: PolledDrop) -> None:
        drop.timer = None
        if self.now() - drop.due > LATE:
            # The machine has slept, and many are due now.
            span = min(self.interval, SPREAD) if drop.is_asked else self.interval
            self.set(drop, first_pause(span, self.draw))
        else:
            self.on_due(drop)
