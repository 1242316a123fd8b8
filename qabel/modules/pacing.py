"""How often a module looks for news: what comes in quick succession is dealt with together."""

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

SPACING = 0.02
"""Seconds between two looks, unless somebody waits for what the module makes of the news."""


@define(eq=False)
class Pacing:
    """Keeps looks apart: each costs a transaction, whether it finds one entry or twenty.

    Args:
        clock: measures the time.
        spacing: seconds between the beginnings of two looks.

    """

    _clock: IReactorTime
    _spacing: float = SPACING
    _not_before: float = field(default=0.0, init=False)
    _resting: "Deferred[None] | None" = field(default=None, init=False)
    _is_hurried: bool = field(default=False, init=False)
    _waiting: "list[Deferred[None]]" = field(factory=list, init=False)
    """Deferreds that wait for a look that has seen all there was."""

    def begin(self) -> None:
        """Note that a look begins now."""
        self._not_before = self._clock.seconds() + self._spacing
        self._is_hurried = False

    def end(self) -> None:
        """Note that a look has seen all there was."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

    async def rest(self) -> None:
        """Wait until the next look may begin, or somebody hurries."""
        left = self._not_before - self._clock.seconds()
        if left <= 0 or self._is_hurried:
            return
        self._resting = Deferred()
        timer = self._clock.callLater(left, self._resting.callback, None)
        try:
            await self._resting
        finally:
            self._resting = None
            if timer.active():
                timer.cancel()

    def next_look(self, patience: float) -> "Deferred[None]":
        """Have a look begin at once; fires when one has ended, or after ``patience`` seconds."""
        looked: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(looked)
        self._hurry()
        return looked.addTimeout(patience, self._clock, lambda *_: None)

    def _hurry(self) -> None:
        self._is_hurried = True
        if self._resting is not None and not self._resting.called:
            self._resting.callback(None)
