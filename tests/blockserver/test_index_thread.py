"""The index on its thread: results, refusals, groups, and a file that fails."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from operator import methodcaller
from pathlib import Path
from threading import Event, current_thread
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList, gatherResults

from qabel.blockserver.block_values import BlockRefused
from qabel.blockserver.index_tables import INDEX_NAME, open_index
from qabel.blockserver.index_thread import IndexThread, IndexUnavailable
from qabel.blockserver.object_index import ObjectIndex
from tests.blockserver.conftest import ANNA
from tests.blockserver.indexes import index_in

PATIENCE = 5


@asynccontextmanager
async def index_thread(folder: Path) -> AsyncIterator[IndexThread]:
    """Run an index with two accounts on a thread."""
    with index_in(folder):
        pass
    thread = IndexThread(open_index(folder / INDEX_NAME), reactor)
    try:
        yield thread
    finally:
        await thread.close()


def add(name: str) -> Any:
    """Return a function that adds an account."""
    return methodcaller("add_account", name, name * 40, 1)


def names(index: ObjectIndex) -> list[str]:
    """Return the names of all accounts."""
    return [each.name for each in index.accounts()]


def hold(thread: IndexThread) -> Event:
    """Keep the thread busy until an event, so that what is asked meanwhile is one group."""
    begun, go = Event(), Event()

    def wait(_: ObjectIndex) -> bool:
        begun.set()
        return go.wait(PATIENCE)

    thread.run(wait)
    assert begun.wait(PATIENCE)
    return go


def add_and_raise(name: str, error: Exception) -> Any:
    """Return a function that adds an account, and raises an error then."""

    def act(index: ObjectIndex) -> None:
        assert add(name)(index)
        raise error

    return act


@pytest_twisted.ensureDeferred
async def test_results(tmp_path: Path) -> None:
    """What a function returns, of the index, on another thread."""
    async with index_thread(tmp_path) as thread:
        assert await thread.run(lambda index: index.account(ANNA).name) == "anna"
        assert await thread.run(lambda _: current_thread()) is not current_thread()


@pytest_twisted.ensureDeferred
async def test_what_was_changed_is_in_the_file(tmp_path: Path) -> None:
    """Others see it as soon as there is a result."""
    async with index_thread(tmp_path) as thread:
        await thread.run(add("c"))
        with index_in(tmp_path) as other:
            assert names(other) == ["anna", "bob", "c"]
            other.revoke("c")
        assert (await thread.run(methodcaller("accounts")))[2].is_revoked


@pytest_twisted.ensureDeferred
async def test_a_refusal_hurts_no_other(tmp_path: Path) -> None:
    """Of what is asked together, what is refused changes nothing, and the rest is done."""
    refused = BlockRefused(402, "Quota reached")
    async with index_thread(tmp_path) as thread:
        go = hold(thread)
        jobs = [
            thread.run(add("c")),
            thread.run(add_and_raise("d", refused)),
            thread.run(methodcaller("account", "x")),
            thread.run(add("e")),
        ]
        go.set()
        results = await DeferredList(jobs, consumeErrors=True)
        assert [is_done for is_done, _ in results] == [True, False, False, True]
        assert results[1][1].value is refused
        assert results[2][1].value.status == 403
        assert await thread.run(names) == ["anna", "bob", "c", "e"]


@pytest_twisted.ensureDeferred
async def test_what_is_asked_together_is_one_transaction(tmp_path: Path) -> None:
    """Others see none of it before all of it is done."""
    async with index_thread(tmp_path) as thread:
        with index_in(tmp_path) as other:
            go, seen = hold(thread), list[list[str]]()
            jobs = [
                thread.run(add("c")),
                thread.run(lambda _: seen.append(names(other))),
                thread.run(add("d")),
            ]
            go.set()
            await gatherResults(jobs)
            assert seen == [["anna", "bob"]]
            assert names(other) == ["anna", "bob", "c", "d"]


@pytest_twisted.ensureDeferred
async def test_an_error_of_the_file(tmp_path: Path, logged_failures: Any) -> None:
    """It is logged, undoes what was asked together, and the index can be used afterwards."""
    async with index_thread(tmp_path) as thread:
        go = hold(thread)
        jobs = [
            thread.run(add("c")),
            thread.run(methodcaller("account", "x")),
            thread.run(add_and_raise("d", sqlite3.OperationalError("disk I/O error"))),
            thread.run(add("e")),
        ]
        go.set()
        results = await DeferredList(jobs, consumeErrors=True)
        assert {type(failure.value) for _, failure in results} == {IndexUnavailable}
        (event,) = logged_failures.flush()
        assert event["error"] == "disk I/O error"
        assert await thread.run(names) == ["anna", "bob"]
        assert await thread.run(add("f"))
        assert await thread.run(names) == ["anna", "bob", "f"]


@pytest_twisted.ensureDeferred
async def test_an_error_that_ends_the_transaction(tmp_path: Path, logged_failures: Any) -> None:
    """SQLite itself undoes everything after some errors, such as that of a full disk."""
    async with index_thread(tmp_path) as thread:
        statement = "INSERT OR ROLLBACK INTO token SELECT * FROM token"
        with pytest.raises(IndexUnavailable):
            await thread.run(lambda index: index.connection.execute(statement))
        assert "UNIQUE" in logged_failures.flush()[0]["error"]
        assert await thread.run(names) == ["anna", "bob"]


@pytest_twisted.ensureDeferred
async def test_a_defect(tmp_path: Path) -> None:
    """Any other exception reaches whoever asked, and changes nothing."""
    async with index_thread(tmp_path) as thread:
        with pytest.raises(ZeroDivisionError):
            await thread.run(add_and_raise("c", ZeroDivisionError()))
        assert await thread.run(names) == ["anna", "bob"]


@pytest_twisted.ensureDeferred
async def test_closing(tmp_path: Path) -> None:
    """What was asked before is done, together with the end or not; then the file is closed."""
    with index_in(tmp_path):
        pass
    connection = open_index(tmp_path / INDEX_NAME)
    thread = IndexThread(connection, reactor)
    go = hold(thread)
    job = thread.run(add("c"))
    closed = Deferred.fromCoroutine(thread.close())
    assert not closed.called
    go.set()
    await closed
    assert await job
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")
    # The log of changes is gone with the last connection.
    assert [each.name for each in tmp_path.iterdir()] == [INDEX_NAME]
    with index_in(tmp_path) as index:
        assert names(index) == ["anna", "bob", "c"]
