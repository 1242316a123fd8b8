"""Transactions that share one commit, and so one wait for the disk."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
from sqlcipher3 import dbapi2 as sqlcipher
from twisted.python.failure import Failure

from qabel.host.job_thread import Job
from qabel.store.database.connection import Connection
from qabel.store.database.disk_space import diagnose
from qabel.store.database.errors import StoreClosed, StoreFull

Work = Callable[[Connection], Any]


@attrs.define(eq=False)
class DatabaseJob(Job):
    """Something to do on the database's thread."""

    work: Work
    transaction: bool = True
    """False for what cannot be part of a transaction, such as opening and closing."""
    on_full: Callable[[], object] = attrs.field(default=lambda: None, repr=False)
    """Called on the reactor's thread if there was no disk space for it."""
    on_erased: Callable[[], object] = attrs.field(default=lambda: None, repr=False)
    """Called on the reactor's thread if it deleted anything."""
    has_erased: bool = attrs.field(default=False, init=False)

    def deliver(self) -> None:
        """Fire the Deferred, after reporting a full disk or a deletion."""
        if isinstance(self.result, Failure) and self.result.check(StoreFull):
            self.on_full()
        if self.has_erased:
            self.on_erased()
        super().deliver()


def run_jobs(
    connection: Connection,
    jobs: Sequence[DatabaseJob],
    path: Path,
    is_abandoned: Callable[[], bool],
) -> None:
    """Run jobs in order and set their results; none has one before its work is on the disk.

    Neighbours share a commit. Each has a savepoint of its own, so that one that fails undoes
    nothing of the others. If the commit itself fails, or SQLite rolls back the whole transaction,
    each job is run again alone: so a job's work must be repeatable, and change nothing but the
    database.

    Args:
        connection: with no transaction open.
        jobs: what to do.
        path: the database file, for the texts of errors.
        is_abandoned: asked before each job; once it is True they fail with StoreClosed.

    """
    if len(jobs) > 1 and _commit_together(connection, jobs, path, is_abandoned):
        return
    for job in jobs:
        _commit_alone(connection, job, path, is_abandoned)


def _commit_together(
    connection: Connection,
    jobs: Sequence[DatabaseJob],
    path: Path,
    is_abandoned: Callable[[], bool],
) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            connection.execute("SAVEPOINT job")
            _run_unless(is_abandoned, connection, job, path)
            if not connection.in_transaction:
                return False
            if isinstance(job.result, Failure):
                connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
        connection.execute("COMMIT")
    except sqlcipher.Error:
        _roll_back(connection)
        return False
    return True


def _commit_alone(
    connection: Connection, job: DatabaseJob, path: Path, is_abandoned: Callable[[], bool]
) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        _run_unless(is_abandoned, connection, job, path)
        if not isinstance(job.result, Failure):
            connection.execute("COMMIT")
    except sqlcipher.Error as error:
        job.fail(diagnose(error, path))
    if isinstance(job.result, Failure):
        _roll_back(connection)


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
        job.fail(diagnose(error, path))
    except Exception as error:  # noqa: BLE001 - it is the result, whatever it is
        job.fail(error)


def _roll_back(connection: Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
