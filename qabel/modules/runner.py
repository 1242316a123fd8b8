"""Running one module: it reads the journal at its own pace, and what it makes of it is stored."""

from enum import StrEnum

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.core.journal.journal import Journal
from qabel.modules.module_reader import PATIENCE, ModuleReader
from qabel.modules.module_thread import Hangs
from qabel.modules.pacing import Pacing
from qabel.modules.reading import Batch
from qabel.modules.ticks import Ticks
from qabel.store.database.errors import Corrupt, StoreClosed, StoreError
from qabel.store.database.transactions import DISK_FAILURES
from qabel.store.pace import Pace

TARGET = 0.05
"""Seconds that a batch of entries is to take while nobody else needs the database."""

SHORT = 0.002
"""Seconds that it is to take while others do: they wait for it."""

LINGER = 1.0
"""Seconds after others needed the database for which they are taken to need it still."""

FIRST_SIZE = 16
"""Entries in the first batch."""

MOST_AT_ONCE = 2000
"""Entries in a batch at most."""

PAUSES = (1.0, 5.0)
"""Seconds before the second and the third attempt at an entry; then it is set aside."""

STORE_PAUSE = 5.0
"""Seconds before the database is tried again after it failed."""

CATCH_UP = 0.5
"""Seconds that a reader waits at most for a module to deal with what is new."""


def pace_of_batches() -> Pace:
    """Return what says how many entries a batch should have."""
    return Pace(target=TARGET, first=FIRST_SIZE, most=MOST_AT_ONCE)


class ModuleState(StrEnum):
    """The state of a module."""

    RUNNING = "running"
    """It has dealt with all entries, or will in a moment."""
    BUILDING = "building"
    """It deals with entries that were there before."""
    FAILED = "failed"
    """It does not run."""


@define(eq=False, kw_only=True)
class ModuleRunner:
    """Runs one module.

    Args:
        reader: has it deal with entries.
        journal: says when there is more to read.
        clock: measures pauses.
        pacing: keeps its looks for news apart.

    """

    _reader: ModuleReader
    _journal: Journal
    _clock: IReactorTime
    _pacing: Pacing
    _ticks: Ticks = field(init=False)
    _batches: Pace = field(factory=pace_of_batches, init=False)
    _work: "Deferred[None] | None" = field(default=None, init=False)
    _others_until: float = field(default=0.0, init=False)
    """Until then others are taken to need the database."""
    _is_to_be_rebuilt: bool = field(default=False, init=False)
    failure: str | None = field(default=None, init=False)
    """Why it does not run."""

    _log = Logger()

    @_ticks.default
    def _look_at_times(self) -> Ticks:
        return Ticks(self._reader, self._journal, self._clock)

    @property
    def name(self) -> str:
        """The name of the module."""
        return self._reader.name

    @property
    def state(self) -> ModuleState:
        """The state of the module."""
        if self.failure is not None:
            return ModuleState.FAILED
        is_done = self._reader.progress.is_live and not self._is_to_be_rebuilt
        return ModuleState.RUNNING if is_done else ModuleState.BUILDING

    @property
    def has_tables(self) -> bool:
        """Whether its tables are there."""
        return self._reader.has_tables

    @property
    def set_aside(self) -> int:
        """How many entries it could not deal with."""
        return self._reader.progress.set_aside

    @property
    def done(self) -> float:
        """Which part of the journal it has dealt with: from 0 to 1."""
        return self._reader.done

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
        self._ticks.begin_anew()
        self._is_to_be_rebuilt, self.failure = True, None
        self.start()

    async def catch_up(self) -> None:
        """Wait until it has dealt with what is in the journal now, unless that takes long."""
        wanted, until = self._journal.last_seq, self._clock.seconds() + CATCH_UP
        while self._is_at_work and self._reader.seen < wanted:
            if (left := until - self._clock.seconds()) <= 0:
                return
            await self._pacing.next_look(left)

    @property
    def _is_at_work(self) -> bool:
        return self._work is not None and self.state is ModuleState.RUNNING

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
                await self._reader.open(rebuild=self._is_to_be_rebuilt)
                self._is_to_be_rebuilt = False
                await self._reader.try_again()
                while True:
                    await self._look()
            except Hangs:
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

    async def _look(self) -> None:
        """Deal with what is new, or wait for something."""
        self._pacing.begin()
        if await self._step():
            return
        self._pacing.end()
        # What came meanwhile may not have been read.
        if self._journal.last_seq <= self._reader.seen:
            await self._ticks.wait()
        await self._pacing.rest()

    async def _step(self) -> bool:
        """Deal with the next entries; return whether there may be more."""
        try:
            batch = await self._reader.read_on(self._batches.size)
        except Corrupt:
            await self._pass_over()
            return True
        if batch.error is not None:
            await self._blame(batch)
            return True
        if batch.span.count < self._batches.size:
            return False
        now = self._clock.seconds()
        if batch.have_others_waited:
            self._others_until = now + LINGER
        self._batches.target = SHORT if now < self._others_until else TARGET
        self._batches.note(batch.span.count, batch.seconds)
        # Others get as much of the time as the module.
        await deferLater(self._clock, batch.seconds)
        return True

    async def _pass_over(self) -> None:
        """Go on past what cannot be read of the journal."""
        if self._batches.size > 1:
            self._batches.size = 1
        elif not await self._reader.pass_over():
            await deferLater(self._clock, STORE_PAUSE)

    async def _blame(self, batch: Batch) -> None:
        """Find the entry at fault, and set it aside if it fails again and again."""
        if batch.span.count > 1:
            self._batches.size = max(1, batch.span.count // 2)
            return
        for pause in PAUSES:
            await deferLater(self._clock, pause)
            batch = await self._reader.read_on(1)
            if batch.error is None:
                return
        await self._reader.set_aside(batch)
