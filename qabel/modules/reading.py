"""What a module makes of the next entries: read and prepared on the thread of the modules."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from traceback import extract_tb

from attrs import evolve, field, frozen
from twisted.logger import Logger

from qabel.modules.api import Entry, Module, Prepared
from qabel.modules.tools import ModuleRead, ModuleTools
from qabel.store.database.errors import Corrupt, StoreClosed
from qabel.store.database.transactions import DISK_FAILURES
from qabel.store.modules.entries import Read, Span, read_entries
from qabel.store.modules.gaps import Gaps
from qabel.store.modules.happenings import Heard, SettingsChanged
from qabel.store.modules.places import Place


@frozen
class Batch:
    """Entries, and what the module made of them."""

    span: Span
    prepared: Prepared
    error: str | None = None
    """What went wrong, without the text of an exception of the module: that may quote messages."""
    seconds: float = 0.0
    """How long it took."""
    have_others_waited: bool = False
    """Whether others asked something of the database while it was stored."""


@frozen(eq=False)
class Reading:
    """Reads the journal for a module.

    Args:
        module: the module.
        wanted: returns the kinds of messages that it gets, and whether it gets all other kinds
            instead.
        read: runs statements, on the thread of the modules.
        tools: the tools of the module.

    """

    module: Module
    _wanted: Callable[[], tuple[Sequence[str], bool]]
    _read: Read
    _tools: ModuleTools
    gaps: Gaps = field(factory=Gaps, init=False)
    """What cannot be read of the journal."""

    _log = Logger()

    def prepare(self, at: Place, size: int, upto: int | None = None) -> Batch:
        """Return what the module makes of some entries; call it on the thread of the modules.

        Args:
            at: the place that the entries follow.
            size: how many entries are looked at, at most.
            upto: the last number in the journal to look at; None for the newest.

        Raises:
            StoreError: the journal cannot be read at present.

        """
        started = time.monotonic()
        kinds, but = self._wanted()
        span = read_entries(self._read, at, size, kinds, but=but, gaps=self.gaps)
        span = evolve(span, entries=[each for each in span.entries if self._wants(each)])
        if upto is not None and span.last.seq > upto:
            entries = [each for each in span.entries if each.place.seq <= upto]
            span = Span(entries, Place(upto + 1).before, span.count)
        if not span.entries:
            return Batch(span, Prepared())
        read = ModuleRead(self._read, self._tools)
        made = self._made(span, partial(self.module.prepare, span.entries, read))
        return evolve(made, seconds=time.monotonic() - started)

    def tick(self, now: int) -> Batch:
        """Return what the module makes of the time, in milliseconds since the epoch.

        Call it on the thread of the modules. Raises StoreError.
        """
        span = Span((), Place(), 0)
        if self.module.tick is None:
            return Batch(span, Prepared())
        return self._made(span, partial(self.module.tick, now, ModuleRead(self._read, self._tools)))

    def _made(self, span: Span, make: Callable[[], Prepared]) -> Batch:
        try:
            return Batch(span, make())
        except (StoreClosed, *DISK_FAILURES):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a module raises is its own affair
            return Batch(span, Prepared(), describe(error))

    def _wants(self, entry: Entry) -> bool:
        """Return whether the module gets an entry: of settings and events, what it declares."""
        if isinstance(entry, SettingsChanged):
            return self.module.settings is not None
        return not isinstance(entry, Heard) or entry.kind in self.module.hears

    def pass_over(self, at: Place, newest: int) -> bool:
        """Find what cannot be read behind a place, and read without it; return if there is any.

        Args:
            at: the place.
            newest: the newest number in the journal.

        Raises:
            StoreError: nothing can be read.

        """
        found = self.gaps.find(self._read, at, newest)
        for each in found:
            self._log.warn(
                "The database is damaged: the module {name} goes on without {what}",
                name=self.module.name,
                what=each,
            )
        return bool(found)

    def prepare_one(self, place: Place) -> Batch | None:
        """Return what the module makes of a single entry; None if that is not there any more."""
        try:
            batch = self.prepare(place.before, 1)
        except Corrupt as error:
            return Batch(Span((), place, 0), Prepared(), str(error))
        is_there = [each.place for each in batch.span.entries] == [place]
        return batch if is_there else None


def describe(error: Exception) -> str:
    """Return what kind of error it is, and where; not its text, which may quote messages."""
    frames = extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
