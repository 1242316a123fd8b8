"""Backups: a consistent copy, made while the database is written to."""

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError

from qabel.store.database.database import Database
from qabel.store.database.errors import AlreadyThere, StoreClosed, StoreError
from qabel.store.key_record import GivenKey
from tests.store.database.damage import damage

PAIR = "INSERT INTO documents VALUES (?, ?)"


def add_pair(number: int) -> Any:
    """Return a transaction that adds two documents that belong together."""

    def work(connection: Any) -> None:
        connection.execute(PAIR, (f"a{number}", b"x" * 2000))
        connection.execute(PAIR, (f"b{number}", b"x" * 2000))

    return work


def facts(connection: Any) -> tuple[Any, ...]:
    """Return how many documents of each half there are."""
    return connection.execute(
        "SELECT (SELECT count(*) FROM documents WHERE name LIKE 'a%'), "
        "(SELECT count(*) FROM documents WHERE name LIKE 'b%') FROM state"
    ).fetchone()


@pytest_twisted.ensureDeferred
async def test_a_copy_is_consistent_while_it_is_written(
    path: Path, key: bytes, here: Any, got: Any
) -> None:
    """A transaction that is committed meanwhile is in the copy as a whole or not at all."""
    database = Database(path, GivenKey(key))
    await database.open()
    for i in range(300):
        await database.run(add_pair(i))
    target = path.with_name("copy.db")
    done = database.backup(target)
    written = 300
    while not done.called:
        await database.run(add_pair(written))
        written += 1
    await done
    await database.close()
    copy = Database(target, GivenKey(key), worker=here)
    got(copy.open())
    first, second = got(copy.run(facts))
    assert got(copy.run(damage)) == []
    got(copy.close())
    assert first == second
    assert 300 <= first <= written
    assert sorted(each.name for each in path.parent.iterdir()) == ["copy.db", "qabel.db"]


def test_a_file_in_the_way_is_not_changed(database: Database, tmp_path: Path, got: Any) -> None:
    """A backup never replaces a file."""
    target = tmp_path / "copy"
    target.write_bytes(b"mine")
    with pytest.raises(AlreadyThere):
        got(database.backup(target))
    assert target.read_bytes() == b"mine"


def test_a_target_that_cannot_be_written(database: Database, tmp_path: Path, got: Any) -> None:
    """A directory that cannot be created is an error of one line."""
    with pytest.raises(StoreError, match="No such file"):
        got(database.backup(tmp_path / "missing" / "deeper" / "copy"))


@pytest_twisted.ensureDeferred
async def test_closing_stops_a_backup(path: Path, key: bytes) -> None:
    """A copy that is not complete when the database closes is removed."""
    database = Database(path, GivenKey(key))
    await database.open()
    await database.run(
        lambda c: [c.execute(PAIR, (f"{i}", b"x" * 900_000)) for i in range(12)] and None
    )
    copies = [database.backup(path.with_name(f"copy{i}")) for i in range(2)]
    await database.close()
    for copy in copies:
        with pytest.raises(StoreClosed):
            await copy
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest_twisted.ensureDeferred
async def test_backups_and_a_change_of_key_run_one_by_one(
    path: Path, key: bytes, here: Any, got: Any
) -> None:
    """Backups and changes of key run one at a time."""
    database = Database(path, GivenKey(key))
    await database.open()
    await database.run(add_pair(0))
    before = database.backup(path.with_name("before"))
    changed = database.rekey(b"\x09" * 32)
    after = database.backup(path.with_name("after"))
    changed.cancel()
    with pytest.raises(CancelledError):
        await changed
    await before
    await after
    await database.close()
    for name, fits in (("before", key), ("after", b"\x09" * 32)):
        copy = Database(path.with_name(name), GivenKey(fits), worker=here)
        got(copy.open())
        assert got(copy.run(facts)) == (1, 1)
        got(copy.close())
