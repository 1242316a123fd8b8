"""Jobs that share a commit: one that fails undoes no other, and none succeeds too early."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlcipher3 import dbapi2 as sqlcipher
from twisted.python.failure import Failure

from qabel.store.database.connection import BUSY_TIMEOUT, Connection, configure, connect
from qabel.store.database.errors import Busy, Corrupt, ReadOnly, StoreClosed, StoreError
from qabel.store.database.transactions import DatabaseJob, run_jobs


@pytest.fixture
def connection(path: Path, key: bytes) -> Any:
    """Return a connection to a database with one table."""
    path.touch()
    made = connect(path, key)
    made.execute("PRAGMA journal_mode = WAL")
    configure(made)
    made.execute("CREATE TABLE t (a UNIQUE CHECK (a <> 13))")
    yield made
    made.close()


def add(*values: object) -> DatabaseJob:
    """Return a job that adds rows, one by one."""

    def work(connection: Connection) -> int:
        for value in values:
            connection.execute("INSERT INTO t VALUES (?)", (value,))
        return len(values)

    return DatabaseJob(work)


def read() -> DatabaseJob:
    """Return a job that reads all rows."""
    return DatabaseJob(values)


def values(connection: Connection) -> list[Any]:
    """Return the values in the table."""
    return [row[0] for row in connection.execute("SELECT a FROM t ORDER BY a")]


def _never() -> bool:
    return False


def test_a_job_that_fails_undoes_no_other(connection: Connection, path: Path) -> None:
    """A job that fails is undone as a whole, and its neighbours are committed."""

    def fail(connection: Connection) -> None:
        connection.execute("INSERT INTO t VALUES (50)")
        raise KeyError("no such thing")

    jobs = [add(1), add(2, 3, 13), DatabaseJob(fail), add(4)]
    run_jobs(connection, jobs, path, _never)
    assert jobs[0].result == 1
    assert jobs[1].result.check(StoreError)
    assert jobs[2].result.check(KeyError)
    assert jobs[3].result == 1
    assert values(connection) == [1, 4]
    assert not connection.in_transaction


class _FailingCommits:
    """A connection whose first commits fail."""

    def __init__(self, connection: Connection, failures: int) -> None:
        self._connection = connection
        self._failures = failures
        self.commits = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, parameters: Any = ()) -> Any:
        """Run a statement, unless it is a commit that must fail."""
        if sql == "COMMIT":
            self.commits += 1
            if self.commits <= self._failures:
                # A commit that fails for real: within SQLite, by a constraint that was put off.
                return self._connection.execute("INSERT INTO t VALUES (13)")
        return self._connection.execute(sql, parameters)


@pytest.mark.parametrize(("failures", "kept"), [(1, [1, 2, 3]), (2, [2, 3]), (4, [])])
def test_when_a_commit_fails_each_job_runs_again_alone(
    connection: Connection, path: Path, failures: int, kept: list[int]
) -> None:
    """If the common commit fails, each job is committed alone, and may fail alone."""
    failing: Any = _FailingCommits(connection, failures)
    jobs = [add(1), add(2), add(3)]
    run_jobs(failing, jobs, path, _never)
    assert values(connection) == kept
    assert [index for index, job in enumerate(jobs, 1) if job.result == 1] == kept
    assert not connection.in_transaction


def test_when_sqlite_rolls_back_the_whole_transaction(connection: Connection, path: Path) -> None:
    """A job that ends the common transaction, as a full disk does, undoes no other job."""
    jobs = [add(1), DatabaseJob(lambda connection: connection.execute("ROLLBACK")), add(2)]
    run_jobs(connection, jobs, path, _never)
    assert [jobs[0].result, jobs[2].result] == [1, 1]
    assert isinstance(jobs[1].result, Failure)
    assert values(connection) == [1, 2]


def test_abandoned_jobs_are_not_begun(connection: Connection, path: Path) -> None:
    """Once closing takes too long, jobs that were done are kept, and the rest fail."""
    asked = iter([False, False, True, True])
    jobs = [add(1), add(2), add(3), add(4)]
    run_jobs(connection, jobs, path, lambda: next(asked))
    assert values(connection) == [1, 2]
    assert all(job.result.check(StoreClosed) for job in jobs[2:])


@pytest.fixture
def fresh(connection: Connection, path: Path) -> Callable[[list[DatabaseJob]], list[Any]]:
    """Return a function that runs jobs on an empty table, and returns its values."""

    def run(jobs: list[DatabaseJob]) -> list[Any]:
        connection.execute("DELETE FROM t")
        run_jobs(connection, jobs, path, _never)
        return values(connection)

    return run


@given(groups=st.lists(st.lists(st.integers(8, 15), max_size=4), max_size=8))
def test_any_group_ends_as_if_run_one_by_one(
    groups: list[list[int]], request: pytest.FixtureRequest
) -> None:
    """Jobs that share a commit have the same results as jobs that run one by one."""
    fresh = request.getfixturevalue("fresh")
    expected: set[int] = set()
    outcomes = []
    for group in groups:
        good = 13 not in group and len(set(group)) == len(group) and not expected & set(group)
        expected |= set(group) if good else set()
        outcomes.append(good)
    jobs = [add(*group) for group in groups]
    assert fresh(jobs) == sorted(expected)
    assert [not isinstance(job.result, Failure) for job in jobs] == outcomes


def test_what_is_locked_can_be_read(connection: Connection, path: Path, key: bytes) -> None:
    """While another process writes, jobs that read succeed, and nobody waits again and again."""
    run_jobs(connection, [add(1)], path, _never)
    connection.execute("PRAGMA busy_timeout = 10")
    other = connect(path, key)
    other.execute("BEGIN IMMEDIATE")
    jobs = [read(), add(2), read()]
    run_jobs(connection, jobs, path, _never)
    assert [jobs[0].result, jobs[2].result] == [[1], [1]]
    assert jobs[1].result.check(Busy)
    assert connection.execute("PRAGMA busy_timeout").fetchone() == (0,)
    other.execute("ROLLBACK")
    other.close()
    run_jobs(connection, jobs[1:2], path, _never)
    assert values(connection) == [1, 2]
    assert connection.execute("PRAGMA busy_timeout").fetchone() == (BUSY_TIMEOUT,)


def test_what_is_read_only_can_be_read(connection: Connection, path: Path) -> None:
    """Where nothing can be written, jobs that read succeed."""
    run_jobs(connection, [add(1)], path, _never)
    connection.execute("PRAGMA query_only = ON")
    jobs = [add(2), read()]
    run_jobs(connection, jobs, path, _never)
    assert jobs[0].result.check(ReadOnly)
    assert jobs[1].result == [1]


def test_after_damage_others_get_a_new_connection(connection: Connection, path: Path) -> None:
    """Damage that one job meets undoes and breaks no other, though they would share a commit."""
    renewed = []

    def renew(broken: Connection) -> Connection:
        renewed.append(broken)
        broken.is_broken = False
        return broken

    def meet(connection: Connection) -> None:
        raise sqlcipher.DatabaseError("database disk image is malformed")

    jobs = [add(1), DatabaseJob(meet), add(2)]
    run_jobs(connection, jobs, path, _never, renew)
    assert jobs[1].result.check(Corrupt)
    assert values(connection) == [1, 2]
    assert renewed == [connection, connection]


def test_without_a_new_connection_jobs_fail(connection: Connection, path: Path) -> None:
    """If a broken connection cannot be replaced, all jobs fail with the reason."""

    def renew(_: Connection) -> Connection:
        raise Corrupt("It cannot be opened.")

    connection.is_broken = True
    jobs = [add(1), add(2)]
    run_jobs(connection, jobs, path, _never, renew)
    assert all(job.result.check(Corrupt) for job in jobs)
    assert values(connection) == []


def test_damage_that_was_read_around_is_reported(connection: Connection, path: Path) -> None:
    """A job that got around damage has its result, and the damage is reported all the same."""
    reported: list[StoreError] = []

    def read_around(connection: Connection) -> int:
        connection.is_broken = True
        return 5

    job = DatabaseJob(read_around, on_failure=reported.append)
    run_jobs(connection, [job], path, _never)
    got: list[int] = []
    job.done.addCallback(got.append)
    job.deliver()
    assert got == [5]
    assert [type(each) for each in reported] == [Corrupt]
