"""Transactions that share one commit, and so one wait for the disk."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
from sqlcipher3 import dbapi2 as sqlcipher
from twisted.python.failure import Failure

from qabel.host.job_thread import Job
from qabel.store.database.connection import BUSY_TIMEOUT, Connection, is_sound
from qabel.store.database.disk_space import diagnose
from qabel.store.database.errors import (
    Busy,
    Corrupt,
    DiskError,
    FileReplaced,
    ReadOnly,
    StoreClosed,
    StoreError,
    StoreFull,
    translate,
)

Work = Callable[[Connection], Any]

DISK_FAILURES = (Busy, Corrupt, DiskError, FileReplaced, ReadOnly, StoreFull)
"""The failures of the file and its disk, and not of what was asked for."""


@attrs.define(eq=False)
class DatabaseJob(Job):
    """Something to do on the database's thread."""

    work: Work
    transaction: bool = True
    """False for what cannot be part of a transaction, such as opening and closing."""
    on_failure: Callable[[StoreError], object] = attrs.field(default=lambda _: None, repr=False)
    """Called on the reactor's thread if the disk failed it, or was found damaged."""
    on_erased: Callable[[], object] = attrs.field(default=lambda: None, repr=False)
    """Called on the reactor's thread if it deleted anything."""
    has_erased: bool = attrs.field(default=False, init=False)
    damage: StoreError | None = attrs.field(default=None, init=False)
    """The damage that it found, and got around."""

    def deliver(self) -> None:
        """Fire the Deferred, after reporting a failure of the disk or a deletion."""
        failure = self.result if isinstance(self.result, Failure) else None
        if failure is not None and isinstance(failure.value, DISK_FAILURES):
            self.on_failure(failure.value)
        elif self.damage is not None:
            self.on_failure(self.damage)
        if self.has_erased:
            self.on_erased()
        super().deliver()


_MALFORMED = "database disk image is malformed"

Renew = Callable[[Connection], Connection]
"""Returns a connection to use instead of a broken one. Raises StoreError."""


def run_jobs(
    connection: Connection,
    jobs: Sequence[DatabaseJob],
    path: Path,
    is_abandoned: Callable[[], bool],
    renew: Renew = lambda connection: connection,
) -> None:
    """Run jobs in order and set their results; none has one before its work is on the disk.

    Neighbours share a commit. Each has a savepoint of its own, so that one that fails undoes
    nothing of the others. If the commit itself fails, SQLite rolls back the whole transaction, or
    the connection breaks, each job is run again alone: so a job's work must be repeatable, and
    change nothing but the database.

    While nothing can be written, because another process has locked the file or it is read-only,
    jobs that only read succeed all the same.

    Args:
        connection: with no transaction open.
        jobs: what to do.
        path: the database file, for the texts of errors.
        is_abandoned: asked before each job; once it is True they fail with StoreClosed.
        renew: replaces a connection that is broken.

    """
    if len(jobs) > 1 and _commit_together(connection, jobs, path, is_abandoned):
        return
    for job in jobs:
        try:
            if connection.is_broken:
                connection = renew(connection)
        except StoreError as error:
            job.fail(error)
        else:
            job.damage = None
            _commit_alone(connection, job, path, is_abandoned)


def begin(connection: Connection) -> None:
    """Begin a transaction that can write; if that is impossible at present, one that can read."""
    try:
        begin_writing(connection)
    except sqlcipher.Error as error:
        if not isinstance(translate(error, Path()), Busy | ReadOnly):
            raise
        connection.execute("BEGIN")


def begin_writing(connection: Connection) -> None:
    """Begin a transaction that can write. Raises an error of SQLite.

    While another process has locked the file, only the first waits for it.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlcipher.Error:
        _wait_for_others(connection, 0)
        raise
    _wait_for_others(connection, BUSY_TIMEOUT)


def _wait_for_others(connection: Connection, milliseconds: int) -> None:
    if connection.patience != milliseconds:
        connection.patience = milliseconds
        connection.execute(f"PRAGMA busy_timeout = {milliseconds}")


def _commit_together(
    connection: Connection,
    jobs: Sequence[DatabaseJob],
    path: Path,
    is_abandoned: Callable[[], bool],
) -> bool:
    if connection.is_broken:
        return False
    try:
        begin(connection)
        for job in jobs:
            connection.execute("SAVEPOINT job")
            _run_unless(is_abandoned, connection, job, path)
            if connection.is_broken or not connection.in_transaction:
                _roll_back(connection)
                return False
            if isinstance(job.result, Failure):
                connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
        _commit(connection)
    except sqlcipher.Error:
        _roll_back(connection)
        return False
    return True


def _commit_alone(
    connection: Connection, job: DatabaseJob, path: Path, is_abandoned: Callable[[], bool]
) -> None:
    try:
        begin(connection)
        _run_unless(is_abandoned, connection, job, path)
        if connection.is_broken and not isinstance(job.result, Failure):
            # It read around the damage, and wrote nothing.
            job.damage = translate(sqlcipher.DatabaseError(_MALFORMED), path)
            _roll_back(connection)
        elif not isinstance(job.result, Failure):
            _commit(connection)
    except sqlcipher.Error as error:
        _fail(connection, job, diagnose(error, path))
    if isinstance(job.result, Failure):
        _roll_back(connection)


def _commit(connection: Connection) -> None:
    if not is_sound(connection):
        connection.is_broken = True
        raise sqlcipher.DatabaseError(_MALFORMED)
    connection.execute("COMMIT")


def _run_unless(
    is_abandoned: Callable[[], bool], connection: Connection, job: DatabaseJob, path: Path
) -> None:
    if is_abandoned():
        job.fail(StoreClosed("The database was closed before this was done."))
    else:
        run_job(connection, job, path)


def run_job(connection: Connection, job: DatabaseJob, path: Path) -> None:
    """Run a job, in a transaction or outside of any, and set its result."""
    try:
        if job.transaction:
            connection.has_erased = False
        job.result = job.work(connection)
        job.has_erased = job.transaction and connection.has_erased
    except (sqlcipher.Error, OSError) as error:
        _fail(connection, job, diagnose(error, path))
    except Exception as error:  # noqa: BLE001 - it is the result, whatever it is
        _fail(connection, job, error)


def _fail(connection: Connection | None, job: DatabaseJob, error: Exception) -> None:
    job.fail(error)
    if connection is not None and isinstance(error, Corrupt | DiskError):
        connection.is_broken = True


def _roll_back(connection: Connection) -> None:
    if connection.in_transaction:
        with suppress(sqlcipher.Error):
            connection.execute("ROLLBACK")
