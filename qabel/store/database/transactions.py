"""Transactions that share one commit, and so one wait for the disk."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
from sqlcipher3 import dbapi2 as sqlcipher
from twisted.python.failure import Failure

from qabel.host.job_thread import Job
from qabel.store.database.connection import Connection
from qabel.store.database.errors import StoreClosed, translate

Work = Callable[[Connection], Any]


@attrs.define(eq=False)
class DatabaseJob(Job):
    """Something to do on the database's thread."""

    work: Work
    transaction: bool = True
    """False for what cannot be part of one, such as opening and closing."""


def work_off(
    connection: Connection, jobs: Sequence[DatabaseJob], path: Path, given_up: Callable[[], bool]
) -> None:
    """Do jobs in order, and set their results; none has one before its work is on the disk.

    Neighbours share a commit. Each stands in a savepoint of its own, so that one that fails
    takes nothing of the others along. Where the commit itself fails, or SQLite gave up the whole
    transaction, each is done again alone: so a job's work must be repeatable, changing nothing
    but the database.

    Args:
        connection: with no transaction open.
        jobs: what to do.
        path: the database file, for the texts of errors.
        given_up: asked before each job; from then on they fail with StoreClosed.

    """
    if len(jobs) > 1 and _commit_together(connection, jobs, path, given_up):
        return
    for job in jobs:
        _commit_alone(connection, job, path, given_up)


def _commit_together(
    connection: Connection, jobs: Sequence[DatabaseJob], path: Path, given_up: Callable[[], bool]
) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            connection.execute("SAVEPOINT job")
            _attempt_unless(given_up, connection, job, path)
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
    connection: Connection, job: DatabaseJob, path: Path, given_up: Callable[[], bool]
) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        _attempt_unless(given_up, connection, job, path)
        if not isinstance(job.result, Failure):
            connection.execute("COMMIT")
    except sqlcipher.Error as error:
        job.fail(translate(error, path))
    if isinstance(job.result, Failure):
        _roll_back(connection)


def _attempt_unless(
    given_up: Callable[[], bool], connection: Connection, job: DatabaseJob, path: Path
) -> None:
    if given_up():
        job.fail(StoreClosed("The store was closed before this was done."))
    else:
        attempt(connection, job, path)


def attempt(connection: Connection, job: DatabaseJob, path: Path) -> None:
    """Do a job, outside of any transaction or within one, and set its result."""
    try:
        job.result = job.work(connection)
    except (sqlcipher.Error, OSError) as error:
        job.fail(translate(error, path))
    except Exception as error:  # noqa: BLE001 - it is the result, whatever it is
        job.fail(error)


def _roll_back(connection: Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
