"""Looks of a module at what is due: now and then, while it has dealt with all entries."""

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from qabel.core.journal.journal import Journal
from qabel.modules.module_reader import ModuleReader

INTERVAL = 60.0
"""Seconds between two looks of a module."""


@define(eq=False)
class Ticks:
    """Has one module look at what is due.

    Args:
        reader: has the module look.
        journal: says when there is more to read.
        clock: measures the time between two looks.

    """

    _reader: ModuleReader
    _journal: Journal
    _clock: IReactorTime
    _next: float = field(default=0.0, init=False)
    """When to look again, in seconds on the clock."""

    def begin_anew(self) -> None:
        """Look as soon as all entries have been dealt with, as after a start."""
        self._next = 0.0

    async def wait(self) -> None:
        """Wait for further entries, or until the module has looked.

        It looks only once it has dealt with what was there before. Raises what
        ``ModuleReader.look`` raises.
        """
        if self._reader.module.tick is None or not self._reader.progress.is_live:
            await self._journal.changed()
            return
        pause = self._next - self._clock.seconds()
        if pause > 0:
            await self._journal.changed().addTimeout(pause, self._clock, lambda *_: None)
            return
        self._next = self._clock.seconds() + INTERVAL
        await self._reader.look()
