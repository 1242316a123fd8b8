"""The encrypted database: one file, one connection, one thread that it is used on."""

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlcipher3 import dbapi2 as sqlcipher
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred, DeferredLock, fail, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.host.job_thread import JobThread, Worker
from qabel.store.database import creating
from qabel.store.database.backup import back_up, copy_to
from qabel.store.database.connection import (
    Connection,
    check_key,
    configure,
    connect,
    remove_with_logs,
)
from qabel.store.database.errors import StoreClosed, StoreError, translate
from qabel.store.database.schema import migrations, upgrade
from qabel.store.database.transactions import DatabaseJob, attempt, work_off
from qabel.store.key_record import KeySource

T = TypeVar("T")

Handler = Callable[[list[DatabaseJob]], None]

STEPS_AT_ONCE = 1_000_000
"""Steps of SQLite, some hundredths of a second, between two looks at whether to break off."""

GROUP_SIZE = 64
"""Transactions that share a commit at most."""

CLOSE_TIMEOUT = 4.0
"""Seconds that closing takes at most: the daemon is to stop in under 5."""


class Database:
    """A SQLCipher file, opened, used and closed on a thread of its own.

    Every method gives a Deferred. Cancelling one only means that its result is not waited for:
    what was handed to the thread is done, and stays done.
    """

    _log = Logger()

    def __init__(
        self,
        path: Path,
        keys: KeySource,
        *,
        steps: Sequence[str] | None = None,
        reactor: Any = global_reactor,
        worker: Callable[[Handler], Worker[DatabaseJob]] | None = None,
    ) -> None:
        """Prepare; nothing is touched before ``open``.

        Args:
            path: the file; made at the first start, with its owner alone allowed to read it.
            keys: where the key comes from.
            steps: the SQL of the migrations, other than in tests those of this package.
            reactor: gets the results of the thread, and bounds the time of closing.
            worker: makes what runs the jobs; a thread, other than in tests.

        """
        self.path = path
        self._keys = keys
        self._steps = migrations() if steps is None else tuple(steps)
        self._clock: IReactorTime = reactor
        self._make_worker = worker or self._make_thread
        self._worker: Worker[DatabaseJob] | None = None
        self._connection: Connection | None = None
        self._key = b""
        self._whole = DeferredLock()
        """Held by what goes over the whole file: one at a time, and closing waits for it."""
        self._closing = False
        self._abandoned = False
        """Closing takes too long: what still waits is not done."""

    def _make_thread(self, handle: Handler) -> Worker[DatabaseJob]:
        return JobThread(handle, self._clock, name="store", group_size=GROUP_SIZE)

    def open(self) -> "Deferred[None]":
        """Open the file, or make it; bring it to the newest version.

        Fails with WrongKey, KeyTrouble, NewerVersion, NotADatabase, Corrupt or another
        StoreError; the file is then as it was.
        """
        if self._worker is not None:
            return fail(StoreError(f"{self.path} was opened before; make a new Database for it."))
        self._worker = self._make_worker(self._handle)
        opened = self._submit(DatabaseJob(lambda _: self._open(), transaction=False))
        return opened.addErrback(self._end_after)

    def run(self, work: Callable[[Connection], T]) -> "Deferred[T]":
        """Do ``work(connection)`` as one transaction; fires once that is durable.

        Calls that wait for the thread together share one commit. Should that fail, each is done
        again: ``work`` may be called more than once, and must change nothing but the database.

        Fails with StoreClosed, StoreFull, Corrupt or another StoreError, or with what ``work``
        raised; nothing is changed then.
        """
        if self._closing:
            return fail(StoreClosed("The store is closed."))
        return self._submit(DatabaseJob(work))

    def backup(self, target: Path) -> "Deferred[None]":
        """Write a copy of the database as it is now; writing goes on meanwhile.

        The copy is encrypted under the same key. It has a database id of its own: places that
        this database gave mean nothing there. Fails with AlreadyThere if there is such a file,
        with StoreClosed if the store is closed before the copy is done.
        """

        def start() -> "Deferred[None]":
            aside = self._make_worker(lambda jobs: self._copy(jobs, target))
            job = DatabaseJob(lambda _: None, transaction=False)
            aside.submit(job)
            aside.end()
            return job.done

        return self._in_turn(start)

    def rekey(self, key: bytes) -> "Deferred[None]":
        """Encrypt the whole file anew, under another key of 32 bytes, and have that kept.

        Takes time and room in proportion to the file, and holds up all other calls meanwhile.
        Cut off anywhere, the file opens with the old or with the new key, and the key source
        holds both until it is known which. Where it fails, the store goes on with the one that
        fits.
        """
        return self._in_turn(
            lambda: self._submit(DatabaseJob(lambda _: self._rekey(key), transaction=False))
        )

    def close(self, timeout: float = CLOSE_TIMEOUT) -> "Deferred[None]":
        """Do what was asked before, then close the file; in ``timeout`` seconds at most.

        When half of them are over, what still waits is given up, with StoreClosed. Fails with
        StoreError if the disk does not answer even so.
        """
        if self._worker is None or self._closing:
            return succeed(None)
        self._closing = True
        closed = self._queue(self._end)
        if closed.called:
            return closed
        giving_up = self._clock.callLater(timeout / 2, self._abandon)
        closed.addTimeout(timeout, self._clock)
        return closed.addBoth(self._closed, giving_up)

    def _closed(self, result: Any, giving_up: Any) -> Any:
        if giving_up.active():
            giving_up.cancel()
        if isinstance(result, Failure) and result.check(DeferredTimeout):
            return Failure(StoreError(f"{self.path} could not be closed: the disk hangs."))
        return result

    def _end_after(self, failure: Failure) -> Failure:
        self._closing = True
        if self._worker is not None:
            self._worker.end()
        return failure

    def _end(self) -> "Deferred[None]":
        closed = self._submit(DatabaseJob(lambda _: self._close(), transaction=False))
        if self._worker is not None:
            self._worker.end()
        return closed

    def _in_turn(self, start: Callable[[], "Deferred[None]"]) -> "Deferred[None]":
        """Do what goes over the whole file once nothing else does."""
        if self._worker is None or self._closing:
            return fail(StoreClosed("The store is not open."))

        def go() -> "Deferred[None]":
            return fail(StoreClosed("The store was closed.")) if self._closing else start()

        return self._queue(go)

    def _queue(self, start: Callable[[], "Deferred[None]"]) -> "Deferred[None]":
        # Not what the lock gives: cancelling that would let the next one in too early.
        done: Deferred[None] = Deferred()
        self._whole.run(start).chainDeferred(done)
        return done

    def _submit(self, job: DatabaseJob) -> "Deferred[Any]":
        if self._worker is None:
            return fail(StoreClosed("The store is not open."))
        self._worker.submit(job)
        return job.done

    def _abandon(self) -> None:
        self._log.warn("Closing {path} takes long: what still waits is given up.", path=self.path)
        self._abandoned = True

    # What follows runs on the database's thread.

    def _handle(self, jobs: list[DatabaseJob]) -> None:
        for transaction, group in groupby(jobs, lambda job: job.transaction):
            some = list(group)
            if not transaction:
                for job in some:
                    attempt(cast("Connection", self._connection), job, self.path)
            elif self._connection is not None:
                work_off(self._connection, some, self.path, lambda: self._abandoned)
            else:
                for job in some:
                    job.fail(StoreClosed("The store is not open."))

    def _open(self) -> None:
        if not self.path.exists():
            creating.make(self.path, self._keys, self._steps)
        self._connect()
        try:
            self._settle_key()
            # Of a change of key that was cut off; a database in the making has no name yet.
            remove_with_logs(creating.unfinished_name(self.path))
        except BaseException:
            self._close()
            raise

    def _connect(self) -> None:
        self._key = creating.find_key(self.path, self._keys, len(self._steps))
        connection = connect(self.path, self._key)
        try:
            configure(connection)
            upgrade(connection, self._steps)
            connection.set_progress_handler(lambda: self._abandoned, STEPS_AT_ONCE)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _settle_key(self) -> None:
        """End a change of key: one that was to follow, and does not fit, is forgotten."""
        record = self._keys.read()
        if record.following is not None:
            self._keys.write(record.settled(self._key))

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _rekey(self, key: bytes) -> None:
        if self._connection is None:
            raise StoreClosed("The store is not open.")
        check_key(key)
        self._keys.write(self._keys.read().changing(self._key, key))
        unfinished = creating.unfinished_name(self.path)
        # SQLCipher's own way, PRAGMA rekey, says that all is well where the disk was full, and
        # leaves a connection that writes under the new key into a file under the old one.
        try:
            copy_to(unfinished, self.path, (self._key, key), lambda: self._abandoned, new_id=False)
            self._close()
            creating.publish(unfinished, self.path)
        finally:
            remove_with_logs(unfinished)
            self._close()
            self._connect()
            self._settle_key()

    def _copy(self, jobs: list[DatabaseJob], target: Path) -> None:
        for job in jobs:
            try:
                if self._connection is None:
                    raise StoreClosed("The store is not open.")
                back_up(self.path, self._key, target, lambda: self._closing)
            except StoreError as error:
                job.fail(error)
            except (sqlcipher.Error, OSError) as error:
                job.fail(translate(error, target))
