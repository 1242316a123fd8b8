"""Which events a module tells: nothing of old entries, and little while it is far behind."""

from collections.abc import Sequence

from attrs import define, evolve, field

from qabel.store.modules.changes import Told
from qabel.store.modules.places import Place
from qabel.store.modules.progress import Progress

BEHIND = 1000
"""Numbers of the journal after which events are replaced by a single one."""


@define(eq=False)
class Telling:
    """Chooses the events of one module."""

    _name: str
    is_behind: bool = field(default=False, init=False)
    """Whether its events are being replaced by a single one."""

    def told(
        self, progress: Progress, last: Place, events: Sequence[Told], newest: int
    ) -> list[Told]:
        """Return the events to store with what the module made of some entries.

        Args:
            progress: how far the module was before.
            last: the last of the entries.
            events: what the module tells.
            newest: the newest number in the journal.

        """
        if not progress.is_live:
            is_done = progress.live > 0 and last.seq >= progress.live
            return [Told("module.rebuilt", {"module": self._name})] if is_done else []
        if newest - last.seq >= BEHIND:
            was_behind, self.is_behind = self.is_behind, True
            return [] if was_behind else [Told("module.behind", {"module": self._name})]
        self.is_behind = False
        return of_module(self._name, events)


def of_module(name: str, events: Sequence[Told]) -> list[Told]:
    """Return events of a module as they are stored: each kind has its name in front."""
    return [evolve(each, kind=f"{name}.{each.kind}") for each in events]
