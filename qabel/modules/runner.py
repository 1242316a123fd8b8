"""Running one module: it reads the journal at its own pace, and what it makes of it is stored."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

from attrs import define, evolve, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.core.journal.journal import Journal
from qabel.modules.api import Module, Place, Prepared
from qabel.modules.module_thread import ModuleThread
from qabel.modules.reading import Batch, Reading, describe
from qabel.modules.telling import Telling
from qabel.store.database.errors import StoreClosed, StoreError
from qabel.store.database.transactions import DISK_FAILURES
from qabel.store.modules.changes import Change
from qabel.store.modules.entries import BEGINNING, Span
from qabel.store.modules.progress import ModuleRepository, Progress

TARGET = 0.02
"""Seconds that a batch of entries is to take."""

FIRST_SIZE = 16
"""Entries in the first batch."""

MOST_AT_ONCE = 1000
"""Entries in a batch at most."""

PATIENCE = 30.0
"""Seconds after which a module that does not return is taken for one that hangs."""

PAUSES = (1.0, 5.0)
"""Seconds before the second and the third attempt at an entry; then it is set aside."""

STORE_PAUSE = 5.0
"""Seconds before the database is tried again after it failed."""

UNSTORED = 1000
"""Numbers that a module may be ahead of its stored place, if it made nothing of them."""

_NOT_ITS_FAULT = (CancelledError, StoreClosed, *DISK_FAILURES)


class ModuleState(StrEnum):
    """The state of a module."""

    RUNNING = "running"
    """It has dealt with all entries, or will in a moment."""
    BUILDING = "building"
    """It deals with entries that were there before."""
    FAILED = "failed"
    """It does not run."""


T = TypeVar("T")


class _Hangs(Exception):
    """The module did not return."""


@define(eq=False, kw_only=True)
class ModuleRunner:
    """Runs one module.

    Args:
        reading: reads the journal for it.
        repository: stores what it makes.
        thread: the thread.
        journal: says when there is more to read.
        clock: measures pauses.
        now: returns seconds since the epoch.

    """

    _reading: Reading
    _repository: ModuleRepository
    _thread: ModuleThread
    _journal: Journal
    _clock: IReactorTime
    _now: Callable[[], float]
    _progress: Progress = field(default=Progress(BEGINNING, 1), init=False)
    _at: Place = field(factory=Place, init=False)
    """How far it has read; behind it there may be entries of which it made nothing."""
    _size: int = field(default=FIRST_SIZE, init=False)
    _telling: Telling = field(init=False)
    _work: "Deferred[None] | None" = field(default=None, init=False)
    _is_to_be_rebuilt: bool = field(default=False, init=False)
    failure: str | None = field(default=None, init=False)
    """Why it does not run."""

    _log = Logger()

    @_telling.default
    def _tell_for_module(self) -> Telling:
        return Telling(self.name)

    @property
    def module(self) -> Module:
        """The module."""
        return self._reading.module

    @property
    def name(self) -> str:
        """The name of the module."""
        return self.module.name

    @property
    def state(self) -> ModuleState:
        """The state of the module."""
        if self.failure is not None:
            return ModuleState.FAILED
        is_done = self._progress.is_live and not self._is_to_be_rebuilt
        return ModuleState.RUNNING if is_done else ModuleState.BUILDING

    @property
    def set_aside(self) -> int:
        """How many entries it could not deal with."""
        return self._progress.set_aside

    @property
    def done(self) -> float:
        """Which part of the journal it has dealt with: from 0 to 1."""
        newest = self._journal.last_seq
        return 1.0 if newest == 0 else min(1.0, self._at.seq / newest)

    def start(self) -> None:
        """Begin, or go on."""
        if self._work is None:
            self._work = Deferred.fromCoroutine(self._run())
            self._work.addErrback(self._ended)

    def stop(self) -> None:
        """Stop. What is being prepared is not stored."""
        work, self._work = self._work, None
        if work is not None:
            work.cancel()

    def rebuild(self) -> None:
        """Empty the derived tables, and make their rows anew."""
        self.stop()
        self._is_to_be_rebuilt, self.failure = True, None
        self.start()

    def _fail(self, reason: str) -> None:
        self.failure = reason
        self._log.warn("The module {name} does not run: {reason}", name=self.name, reason=reason)

    def _ended(self, failure: Failure) -> None:
        if not failure.check(CancelledError, StoreClosed):
            self._log.failure("The module {name} stopped unexpectedly", failure, name=self.name)
            self.failure = "Internal error; the daemon's log has details."

    async def _run(self) -> None:
        while True:
            try:
                await self._open()
                await self._try_again()
                while True:
                    newest = self._journal.last_seq
                    # What came meanwhile may not have been read.
                    if not await self._step() and self._journal.last_seq == newest:
                        await self._journal.changed()
            except _Hangs:
                self._thread.leave()
                self._fail(f"It did not return within {PATIENCE:g} s.")
                return
            except StoreClosed:
                raise
            except StoreError as error:
                if not isinstance(error, DISK_FAILURES):
                    self._fail(str(error))
                    return
                # The database's troubles are reported elsewhere.
                await deferLater(self._clock, STORE_PAUSE)

    async def _open(self) -> None:
        self._go_on_from(await self._repository.open(self.name, self.module.steps))
        if self._progress.is_emptying or self._is_to_be_rebuilt:
            while await self._repository.rebuild(self.name, self.module.derived):
                continue
            self._is_to_be_rebuilt = False
            await self._load()

    async def _load(self) -> None:
        """Go on from where the module is stored to be."""
        self._go_on_from(await self._repository.progress(self.name))

    def _go_on_from(self, progress: Progress) -> None:
        self._progress, self._at = progress, progress.place

    async def _try_again(self) -> None:
        """Deal with what was set aside, as far as the module can by now."""
        if not self.set_aside:
            return
        for each in await self._repository.all_set_aside(self.name):
            batch = await self._on_thread(partial(self._reading.prepare_one, each.place))
            if batch is None:
                await self._take_up(each.place, ())
            elif batch.error is None:
                await self._take_up(each.place, batch.prepared.changes)
        await self._load()

    async def _take_up(self, place: Place, changes: Sequence[Change]) -> None:
        try:
            newest = await self._repository.take_up(self.name, place, changes, now=self._now())
        except _NOT_ITS_FAULT:
            raise
        except Exception as error:  # noqa: BLE001 - it stays set aside
            self._log.debug(
                "{name} cannot store it: {error}", name=self.name, error=describe(error)
            )
        else:
            self._journal.advance(newest or 0)

    async def _step(self) -> bool:
        """Deal with the next entries; return False if there are none."""
        batch = await self._attempt(self._size)
        if batch.error is not None:
            await self._blame(batch)
            return True
        if batch.span.count < self._size:
            return batch.span.count > 0
        self._adapt(batch.span.count, batch.seconds)
        # Others get as much of the time as the module.
        await deferLater(self._clock, batch.seconds)
        return True

    def _adapt(self, count: int, seconds: float) -> None:
        fits = int(count * TARGET / seconds) if seconds > 0 else MOST_AT_ONCE
        self._size = max(1, min(MOST_AT_ONCE, fits, 2 * count))

    async def _attempt(self, size: int) -> Batch:
        """Prepare the next entries, and store what the module makes of them."""
        batch = await self._on_thread(partial(self._reading.prepare, self._at, size))
        if batch.error is not None:
            return batch
        started = self._clock.seconds()
        try:
            await self._store(batch.span, batch.prepared)
        except _NOT_ITS_FAULT:
            raise
        except Exception as error:  # noqa: BLE001 - the statements are the module's
            text = str(error) if isinstance(error, StoreError) else describe(error)
            return evolve(batch, error=text)
        return evolve(batch, seconds=max(batch.seconds, self._clock.seconds() - started))

    async def _on_thread(self, work: Callable[[], T]) -> T:
        def time_out(*_: object) -> Any:
            raise _Hangs

        return await self._thread.run(work).addTimeout(PATIENCE, self._clock, time_out)

    async def _store(self, span: Span, prepared: Prepared) -> None:
        stored, newest_now = self._progress.place, self._journal.last_seq
        told = self._telling.told(self._progress, span.last, prepared.told, newest_now)
        if prepared.changes or told or span.last.seq - stored.seq >= UNSTORED:
            newest = await self._repository.write(
                self.name, stored, span.last, prepared.changes, told, now=self._now()
            )
            if newest is None:
                # Somebody has moved it: a rebuild.
                await self._load()
                return
            self._progress = evolve(self._progress, place=span.last)
            self._journal.advance(newest)
        self._at = span.last

    async def _blame(self, batch: Batch) -> None:
        """Find the entry at fault, and set it aside if it fails again and again."""
        if batch.span.count > 1:
            self._size = max(1, batch.span.count // 2)
            return
        for pause in PAUSES:
            await deferLater(self._clock, pause)
            batch = await self._attempt(1)
            if batch.error is None:
                return
        place, reason = batch.span.last, batch.error or ""
        if batch.span.entries:
            place = batch.span.entries[0].place
        await self._repository.set_aside(
            self.name, self._progress.place, place, reason, now=self._now()
        )
        self._log.warn(
            "The module {name} could not deal with the entry {seq}, which is set aside: {reason}",
            name=self.name,
            seq=place.seq,
            reason=reason,
        )
        await self._load()
