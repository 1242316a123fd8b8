"""The encrypted database: one file, one connection, one thread that it is used on."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import attrs
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import CancelledError, Deferred, DeferredLock, fail, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.host.job_thread import JobThread, Worker
from qabel.store.database.connection import Connection
from qabel.store.database.encrypted_file import EncryptedFile
from qabel.store.database.erasing import Erasing
from qabel.store.database.errors import Corrupt, StoreClosed, StoreError
from qabel.store.database.schema import migrations
from qabel.store.database.separators import has_deleted_words, mend_all, mend_some
from qabel.store.database.side_connection import SideConnection
from qabel.store.database.transactions import DatabaseJob
from qabel.store.key_record import KeySource

T = TypeVar("T")

Handler = Callable[[list[DatabaseJob]], None]

GROUP_SIZE = 64
"""Transactions that share a commit, at most."""

PATIENCE = 0.01
"""Seconds that a transaction which may wait does so for another one, to share its commit."""

CLOSE_TIMEOUT = 4.0
"""Seconds that closing takes at most: the daemon is to stop in under 5."""


@attrs.define(eq=False, repr=False)
class Database:
    """A SQLCipher file, opened, used and closed on a thread of its own.

    Every method returns a Deferred. Cancelling one only means that its result is ignored: what
    was handed to the thread is done, and stays done. Nothing is touched before ``open``.

    Args:
        path: the file; created at the first start, readable by its owner alone.
        keys: where the key is stored.
        steps: the SQL of the migrations; those of this package, other than in tests.
        reactor: receives the results of the thread, and limits the time of closing.
        worker: returns what runs the jobs; a thread, unless nothing else is going on.

    """

    path: Path
    _keys: KeySource
    _steps: Sequence[str] | None = attrs.field(default=None, kw_only=True)
    _clock: Any = attrs.field(default=global_reactor, kw_only=True, alias="reactor")
    _make_worker: Callable[[Handler], Worker[DatabaseJob]] = attrs.field(
        default=attrs.Factory(lambda self: self._make_thread, takes_self=True),
        kw_only=True,
        alias="worker",
    )
    on_failure: Callable[[StoreError], object] = attrs.field(default=lambda _: None, init=False)
    """Called after each transaction that the disk failed, or that found damage."""
    damage: Corrupt | None = attrs.field(default=None, init=False)
    """The first damage that was found."""
    on_erased: Callable[[], object] = attrs.field(default=lambda: None, init=False)
    """Called after each transaction that deleted anything."""
    _file: EncryptedFile = attrs.field(init=False)
    _worker: Worker[DatabaseJob] | None = attrs.field(default=None, init=False)
    _whole_file: DeferredLock = attrs.field(factory=DeferredLock, init=False)
    """Held by what processes the whole file: one at a time, and closing waits for it."""
    _closing: bool = attrs.field(default=False, init=False)
    erasing: Erasing = attrs.field(init=False)
    """Removes from the disk what was deleted."""
    asked: int = attrs.field(default=0, init=False)
    """How many transactions were asked for so far."""

    _log: ClassVar = Logger()

    @_file.default
    def _file_at_path(self) -> EncryptedFile:
        steps = migrations() if self._steps is None else tuple(self._steps)
        return EncryptedFile(self.path, self._keys, steps)

    @erasing.default
    def _erasing_of_file(self) -> Erasing:
        def erase_some() -> "Deferred[bool]":
            # In turn: it closes the file for a moment, which a backup reads.
            return self._in_turn(lambda: Deferred.fromCoroutine(self._erase_some()))

        return Erasing(erase_some, self._clock)

    async def _erase_some(self) -> bool:
        after = await self._submit(DatabaseJob(mend_some))
        while after is not None:
            if self._closing:
                raise StoreClosed("The database is closed.")
            after = await self._submit(DatabaseJob(partial(mend_some, after=after)))
        return bool(await self._submit_outside(self._file.erase_some))

    @property
    def start_mark(self) -> str:
        """The random mark of this start; see ``qabel.store.starts``."""
        return self._file.start_mark

    def _make_thread(self, handle: Handler) -> Worker[DatabaseJob]:
        return JobThread(
            handle, self._clock, name="store", group_size=GROUP_SIZE, patience=PATIENCE
        )

    def open(self) -> "Deferred[None]":
        """Open the file, creating it if necessary, and upgrade it to the newest version.

        Fails with WrongKey, KeyTrouble, NewerVersion, NotADatabase, Corrupt or another
        StoreError; the file is then as it was. If this is cancelled, the database must still be
        closed: the thread opens it all the same.
        """
        if self._worker is not None:
            return fail(StoreError(f"{self.path} was opened before; create a new Database for it."))
        self._worker = self._make_worker(self._file.handle)
        opened = self._submit_outside(self._file.open)
        return opened.addCallbacks(self._opened, self._end_after)

    def run(self, work: Callable[[Connection], T], *, may_wait: bool = False) -> "Deferred[T]":
        """Run ``work(connection)`` as one transaction; fires once that is durable.

        Calls that wait for the thread together share one commit. If that fails, each is run again
        alone: ``work`` may be called more than once, and must change nothing but the database.

        Args:
            work: what to do.
            may_wait: whether nobody waits for it, so that it may wait ``PATIENCE`` for a commit to
                share, unless something else is there to be done.

        Fails with StoreClosed, StoreFull, Corrupt or another StoreError, or with what ``work``
        raised; nothing is changed then.

        """
        if self._closing:
            return fail(StoreClosed("The database is closed."))
        self.asked += 1
        job = DatabaseJob(work, on_failure=self._failed, on_erased=self._erased, may_wait=may_wait)
        return self._submit(job)

    @property
    def side(self) -> SideConnection:
        """A connection that reads on another thread, without keeping the others from writing."""
        return self._file.side

    def probe(self, *, by_writing: bool = False) -> "Deferred[None]":
        """Check that the database can be written; fails with StoreError if it cannot.

        Nothing is written for that, unless ``by_writing``: use that once writing has failed.
        """
        if self._closing:
            return fail(StoreClosed("The database is closed."))
        return self._submit_outside(lambda: self._file.probe(by_writing=by_writing))

    def check_some(self, first: int) -> "Deferred[int | None]":
        """Check that some pages of the file can be read, from a number on.

        Fires with the number of the next, or with None after the last; fails with StoreError.
        Damage is reported as if something had met it.
        """
        if self._closing:
            return fail(StoreClosed("The database is closed."))
        job = DatabaseJob(
            lambda _: self._file.check_some(first), transaction=False, on_failure=self._noted
        )
        return self._submit(job)

    def backup(self, target: Path) -> "Deferred[None]":
        """Write a copy of the database as it is now; writing goes on meanwhile.

        The copy is encrypted under the same key. Cursors given up to now are valid in it. It is
        checked before it gets its name. Fails with AlreadyThere if the file exists, with Corrupt if
        this database is damaged, and with StoreClosed if it is closed before the copy is complete.
        """

        def start() -> "Deferred[None]":
            def copy(jobs: list[DatabaseJob]) -> None:
                self._file.back_up(jobs, target, lambda: self._closing)

            aside = self._make_worker(copy)
            job = DatabaseJob(lambda _: None, transaction=False, on_failure=self._noted)
            aside.submit(job)
            aside.end()
            return job.done

        return self._in_turn(start)

    def rekey(self, key: bytes) -> "Deferred[None]":
        """Encrypt the whole file under another key of 32 bytes, and have the source store that.

        Takes time and disk space in proportion to the file, and blocks all other calls meanwhile.
        Interrupted anywhere, the file opens with the old or with the new key, and the key source
        holds both until it is known which. If it fails, the database continues with the one that
        fits.
        """
        return self._in_turn(lambda: self._submit_outside(lambda: self._file.rekey(key)))

    def close(self, timeout: float = CLOSE_TIMEOUT) -> "Deferred[None]":
        """Finish earlier calls, then close the file, within ``timeout`` seconds.

        After half of that, calls that still wait fail with StoreClosed. Fails with StoreError if
        the disk does not respond even then.
        """
        if self._worker is None or self._closing:
            return succeed(None)
        self._closing = True
        closed = self._queue(self._end)
        if closed.called:
            return closed
        abandoning = self._clock.callLater(timeout / 2, self._abandon)
        closed.addTimeout(timeout, self._clock)
        return closed.addBoth(self._closed, abandoning)

    def _closed(self, result: Any, abandoning: Any) -> Any:
        if abandoning.active():
            abandoning.cancel()
        if isinstance(result, Failure) and result.check(DeferredTimeout):
            return Failure(StoreError(f"{self.path} cannot be closed: the disk does not respond."))
        return result

    def _failed(self, error: StoreError) -> None:
        if isinstance(error, Corrupt) and self.damage is None:
            self.damage = error
        self.on_failure(error)

    def _noted(self, error: StoreError) -> None:
        # Other failures of a backup are those of the place where it was written.
        if isinstance(error, Corrupt):
            self._failed(error)

    def _erased(self) -> None:
        self.erasing.request()
        self.on_erased()

    def _opened(self, something_to_erase: bool) -> None:
        def looked(has_words: bool) -> None:
            if something_to_erase or has_words:
                self.erasing.request()

        left = self._submit(DatabaseJob(has_deleted_words))
        left.addErrback(lambda failure: failure.trap(StoreError) and False).addCallback(looked)

    def _end_after(self, failure: Failure) -> Failure:
        if failure.check(CancelledError):
            return failure
        self._closing = True
        if self._worker is not None:
            self._worker.end()
        return failure

    def _end(self) -> "Deferred[None]":
        self.erasing.stop()
        if self.erasing.is_wanted or self.erasing.is_running:
            mended = self._submit(
                DatabaseJob(partial(mend_all, is_abandoned=lambda: self._file.abandoned))
            )
            mended.addErrback(lambda failure: failure.trap(StoreError) and None)
            erased = self._submit_outside(self._file.erase_all)
            erased.addErrback(lambda failure: failure.trap(StoreError) and None)
        closed = self._submit_outside(self._file.close)
        if self._worker is not None:
            self._worker.end()
        return closed

    def _in_turn(self, start: "Callable[[], Deferred[T]]") -> "Deferred[T]":
        """Start what processes the whole file once nothing else does."""
        if self._worker is None or self._closing:
            return fail(StoreClosed("The database is not open."))

        def go() -> "Deferred[T]":
            return fail(StoreClosed("The database was closed.")) if self._closing else start()

        return self._queue(go)

    def _queue(self, start: "Callable[[], Deferred[T]]") -> "Deferred[T]":
        # Not the lock's own Deferred: cancelling that would let the next one in too early.
        done: Deferred[T] = Deferred()
        self._whole_file.run(start).chainDeferred(done)
        return done

    def _submit_outside(self, work: Callable[[], Any]) -> "Deferred[Any]":
        return self._submit(DatabaseJob(lambda _: work(), transaction=False))

    def _submit(self, job: DatabaseJob) -> "Deferred[Any]":
        if self._worker is None:
            return fail(StoreClosed("The database is not open."))
        self._worker.submit(job)
        return job.done

    def _abandon(self) -> None:
        self._log.warn("Closing {path} takes long: what still waits is abandoned.", path=self.path)
        self._file.abandoned = True
