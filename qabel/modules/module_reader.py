"""A module as a reader of the journal: how far it is, and what it makes of entries, stored."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from attrs import define, evolve, field
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from qabel.core.journal.journal import Journal
from qabel.modules.api import Module, Prepared
from qabel.modules.module_thread import ModuleThread
from qabel.modules.reading import Batch, Reading
from qabel.modules.storing import NOT_ITS_FAULT, Storing, TakesMessages, explain
from qabel.modules.telling import Telling, of_module
from qabel.store.modules.entries import Span
from qabel.store.modules.places import BEGINNING, Place
from qabel.store.modules.progress import ModuleRepository, Progress, Written

PATIENCE = 30.0
"""Seconds after which a module that does not return is taken for one that hangs."""

UNSTORED = 1000
"""Numbers that a module may be ahead of its stored place, if it made nothing of them."""

T = TypeVar("T")


@define(eq=False, kw_only=True)
class ModuleReader:
    """Has a module prepare entries, and stores what it makes of them.

    Args:
        reading: reads the journal for it.
        repository: knows how far it is.
        outbox: takes what it sends.
        thread: the thread on which it works.
        journal: is told of what was stored.
        clock: measures time.
        now: returns seconds since the epoch.
        on_stored: gets what the module passes on of entries that are news, once it is stored.

    """

    _reading: Reading
    _repository: ModuleRepository
    _outbox: TakesMessages
    _thread: ModuleThread
    _journal: Journal
    _clock: IReactorTime
    _now: Callable[[], float]
    _on_stored: Callable[[Sequence[object]], None]
    progress: Progress = field(default=Progress(BEGINNING, 1), init=False)
    """What is stored of how far it is."""
    _at: Place = field(factory=Place, init=False)
    """How far it has read; behind it there may be entries of which it made nothing."""
    seen: int = field(default=0, init=False)
    """Up to this number the journal has nothing new for it."""
    has_tables: bool = field(default=False, init=False)
    """Whether the tables of the module are there."""
    _telling: Telling = field(init=False)
    _storing: Storing = field(init=False)

    _log = Logger()

    @_telling.default
    def _tell_for_module(self) -> Telling:
        return Telling(self.name)

    @_storing.default
    def _store_for_module(self) -> Storing:
        return Storing(self.name, self._repository, self._outbox, self._now)

    @property
    def module(self) -> Module:
        """The module."""
        return self._reading.module

    @property
    def name(self) -> str:
        """The name of the module."""
        return self.module.name

    @property
    def done(self) -> float:
        """Which part of the journal it has dealt with: from 0 to 1."""
        newest = self._journal.last_seq
        return 1.0 if newest == 0 else min(1.0, max(self._at.seq, self.seen) / newest)

    async def open(self, *, rebuild: bool) -> None:
        """Make the tables of the module, and empty the derived ones if it is to be rebuilt.

        Raises StoreError.
        """
        module = self.module
        self._go_on_from(await self._repository.open(self.name, module.steps, module.derived))
        self.has_tables = True
        if self.progress.is_emptying or rebuild:
            while await self._repository.rebuild(self.name, module.derived):
                continue
            await self._load()

    async def read_on(self, size: int) -> Batch:
        """Have the module prepare the next entries, and store what it makes of them.

        Args:
            size: how many entries at most.

        Returns:
            What was done; if it has an error, nothing was stored.

        Raises:
            Hangs: the module did not return.
            StoreError: the database fails, which is not the module's fault.

        """
        # What is old and what is news is not dealt with together.
        upto = None if self.progress.is_live else self.progress.live
        batch = await self._on_thread(partial(self._reading.prepare, self._at, size, upto))
        if batch.error is None:
            started, asked = self._clock.seconds(), self._repository.asked
            try:
                await self._store(batch.span, batch.prepared)
            except NOT_ITS_FAULT:
                raise
            except Exception as error:  # noqa: BLE001 - the statements are the module's
                batch = evolve(batch, error=explain(error))
            else:
                taken = max(batch.seconds, self._clock.seconds() - started)
                others = self._repository.asked - asked > 1
                batch = evolve(batch, seconds=taken, have_others_waited=others)
                if batch.span.count < size and self._at == batch.span.last:
                    self.seen = max(self.seen, self._at.seq)
        return batch

    async def pass_over(self) -> bool:
        """Read without what cannot be read right behind the last entry, from now on.

        Returns:
            Whether there is any such thing.

        Raises:
            StoreError: nothing that follows can be read.

        """
        find = partial(self._reading.pass_over, self._at, self._journal.last_seq)
        return await self._on_thread(find)

    async def set_aside(self, batch: Batch) -> None:
        """Go past the single entry of a batch that could not be dealt with. Raises StoreError."""
        place, reason = batch.span.last, batch.error or ""
        if batch.span.entries:
            place = batch.span.entries[0].place
        await self._repository.set_aside(
            self.name, self.progress.place, place, reason, now=self._now()
        )
        self._log.warn(
            "The module {name} could not deal with the entry {seq}, which is set aside: {reason}",
            name=self.name,
            seq=place.seq,
            reason=reason,
        )
        await self._load()

    async def try_again(self) -> None:
        """Deal with what was set aside, as far as the module can by now. Raises as `read_on`."""
        if not self.progress.set_aside:
            return
        for each in await self._repository.all_set_aside(self.name):
            batch = await self._on_thread(partial(self._reading.prepare_one, each.place))
            if batch is None or batch.error is None:
                made = Prepared() if batch is None else batch.prepared
                sends = made.sends if each.place.seq > self.progress.live else ()
                self._note(await self._storing.take_up(each.place, made, sends))
        await self._load()

    async def look(self) -> None:
        """Have the module look at what is due, and store what it makes. Raises as `read_on`."""
        batch = await self._on_thread(partial(self._reading.tick, int(self._now() * 1000)))
        made, error, at = batch.prepared, batch.error, self.progress.place
        try:
            if made.changes or made.told or made.sends:
                told = of_module(self.name, made.told)
                self._note(await self._storing.write(at, at, made, told, made.sends))
        except NOT_ITS_FAULT:
            raise
        except Exception as failure:  # noqa: BLE001 - the statements are the module's
            error = explain(failure)
        if error is not None:
            self._log.warn(
                "The module {name} could not deal with what is due: {reason}",
                name=self.name,
                reason=error,
            )

    async def _load(self) -> None:
        """Go on from where the module is stored to be."""
        self._go_on_from(await self._repository.progress(self.name))

    def _go_on_from(self, progress: Progress) -> None:
        self.progress, self._at, self.seen = progress, progress.place, 0

    def _note(self, written: Written | None) -> None:
        if written is not None:
            self._journal.advance(written.newest)

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await self._thread.run(work, PATIENCE)

    async def _store(self, span: Span, prepared: Prepared) -> None:
        stored, newest_now = self.progress.place, self._journal.last_seq
        told = self._telling.told(self.progress, span.last, prepared.told, newest_now)
        is_news = self.progress.is_live and not self._telling.is_behind
        sends = prepared.sends if self.progress.is_live else ()
        if prepared.changes or told or sends or span.last.seq - stored.seq >= UNSTORED:
            written = await self._storing.write(stored, span.last, prepared, told, sends)
            if written is None:
                # Somebody has moved it: a rebuild.
                await self._load()
                return
            self.progress = evolve(self.progress, place=span.last)
            if written.newest == span.last.seq + len(told):
                # Nothing is new but its own events, which it does not see.
                self.seen = written.newest
            self._note(written)
        self._at = span.last
        if is_news and prepared.passed_on:
            self._on_stored(prepared.passed_on)
