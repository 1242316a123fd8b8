"""Connections to encrypted files: how they are opened, set up and checked."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2 as sqlcipher

from qabel.store.database.connection import (
    PAGE_SIZE,
    Connection,
    check_key,
    configure,
    connect,
    fetch_one,
    has_log,
    read_versions,
    remove_with_logs,
)
from qabel.store.database.errors import Corrupt, KeyTrouble, NotADatabase, StoreError, WrongKey


@pytest.fixture
def connection(path: Path, key: bytes) -> Iterator[Connection]:
    """Return a connection to a database with one table, which has a log."""
    path.touch()
    opened = connect(path, key)
    configure(opened)
    opened.execute("PRAGMA journal_mode = WAL")
    opened.execute("PRAGMA application_id = 7")
    opened.execute("PRAGMA user_version = 3")
    opened.execute("CREATE TABLE t (a)")
    yield opened
    opened.close()


@pytest.mark.parametrize("name", [b"a b?c#d%20.db", "\u00e4\u4e2d.db".encode(), b"\xff\xfe.db"])
def test_any_file_name_can_be_opened(tmp_path: Path, key: bytes, name: bytes) -> None:
    """A file is opened by its name, also if that has special characters of a URI."""
    path = tmp_path / os.fsdecode(name)
    path.touch()
    connection = connect(path, key)
    connection.execute("CREATE TABLE t (a)")
    connection.close()
    assert path.stat().st_size > 0
    assert [os.fsencode(each.name) for each in tmp_path.iterdir()] == [name]


def test_a_missing_file_is_not_created(path: Path, key: bytes) -> None:
    """Connecting never creates a file."""
    with pytest.raises(sqlcipher.OperationalError, match="unable to open"):
        connect(path, key)
    assert not path.exists()


def test_commits_are_durable(connection: Connection) -> None:
    """A commit waits for the disk, and deleted data are overwritten."""
    names = ("synchronous", "foreign_keys", "secure_delete", "temp_store")
    assert [fetch_one(connection, f"PRAGMA {name}")[0] for name in names] == [2, 1, 1, 2]


@pytest.mark.parametrize("key", [b"", b"SECRET", b"SECRET" * 6])
def test_a_key_has_32_bytes(path: Path, key: bytes) -> None:
    """A key of another size is rejected before the file is touched, and is not quoted."""
    with pytest.raises(KeyTrouble, match=f"32 bytes, not {len(key)}") as caught:
        connect(path, key)
    assert "SECRET" not in str(caught.value)
    check_key(bytes(32))


def test_versions_are_read_without_a_change(connection: Connection, path: Path, key: bytes) -> None:
    """Reading the versions of a file that has a log changes neither of them."""
    log = path.with_name(path.name + "-wal")
    before = path.read_bytes(), log.read_bytes()
    assert read_versions(path, key) == (7, 3)
    assert (path.read_bytes(), log.read_bytes()) == before


def test_a_file_without_a_log_gets_none(connection: Connection, path: Path, key: bytes) -> None:
    """Reading the versions of a closed database leaves no file beside it."""
    connection.close()
    assert read_versions(path, key) == (7, 3)
    assert list(path.parent.iterdir()) == [path]


def test_a_wrong_key_is_reported(connection: Connection, path: Path) -> None:
    """The error for a wrong key names the file, and does not quote the key."""
    connection.close()
    with pytest.raises(WrongKey) as caught:
        read_versions(path, b"\x41" * 32)
    assert str(path) in str(caught.value)
    assert "41" * 32 not in str(caught.value)


@pytest.mark.parametrize("size", [0, PAGE_SIZE + 1])
def test_an_impossible_size_is_reported(path: Path, key: bytes, size: int) -> None:
    """The error for a file that is not made of pages says how many bytes it has."""
    path.write_bytes(b"x" * size)
    with pytest.raises(NotADatabase, match=f"it has {size} bytes"):
        read_versions(path, key)


def test_a_missing_file_is_reported(path: Path, key: bytes) -> None:
    """The error for a file that cannot be read says why."""
    with pytest.raises(StoreError, match="No such file"):
        read_versions(path, key)


def test_a_required_row(connection: Connection) -> None:
    """A required row is returned, and the database is damaged if it is missing."""
    connection.execute("INSERT INTO t VALUES (5)")
    assert fetch_one(connection, "SELECT a FROM t WHERE a = ?", (5,)) == (5,)
    with pytest.raises(Corrupt, match="required row"):
        fetch_one(connection, "SELECT a FROM t WHERE a = ?", (6,))


def test_a_log_counts_if_it_has_something(path: Path) -> None:
    """An empty log file counts as none."""
    log = path.with_name(path.name + "-wal")
    assert not has_log(path)
    log.touch()
    assert not has_log(path)
    log.write_bytes(b"frame")
    assert has_log(path)


def test_an_unfinished_database_is_removed_with_its_logs(path: Path) -> None:
    """All files of a database are removed, however many of them there are, and no others."""
    other = path.with_name("other")
    other.touch()
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).touch()
    for _ in range(2):
        remove_with_logs(path)
        assert list(path.parent.iterdir()) == [other]


def test_what_deletes_nothing_leaves_nothing_to_erase(connection: Connection) -> None:
    """Only statements that have deleted something are noted, run once or for many values."""
    connection.execute("CREATE TABLE numbers (number INTEGER)")
    delete = "DELETE FROM numbers WHERE number = ?"
    connection.execute(delete, (-1,))
    connection.executemany(delete, [(-1,), (-2,)])
    assert not connection.has_erased
    connection.execute("INSERT INTO numbers VALUES (-2)")
    connection.executemany(delete, [(-1,), (-2,), (-3,)])
    assert connection.has_erased
