"""Free disk space, checked against the limits that the system sets."""

from pathlib import Path

import pytest
from sqlcipher3 import dbapi2 as sqlcipher

from qabel.store.database.disk_space import ENOUGH, diagnose, has_disk_space
from qabel.store.database.errors import Corrupt, DiskError, StoreFull
from tests.small_files import no_file_over


def test_there_is_room(tmp_path: Path) -> None:
    """Where a database can grow there is disk space, even before it exists; nothing is left."""
    assert has_disk_space(tmp_path / "x.db")
    (tmp_path / "x.db").write_bytes(bytes(10))
    assert has_disk_space(tmp_path / "x.db")
    assert [each.name for each in tmp_path.iterdir()] == ["x.db"]


def test_a_limit_leaves_no_room(tmp_path: Path) -> None:
    """What counts is the end of the larger one of database and log."""
    path = tmp_path / "x.db"
    for name in ("x.db", "x.db-wal"):
        with no_file_over(2 * ENOUGH):
            assert has_disk_space(path)
            (tmp_path / name).write_bytes(bytes(ENOUGH + 1))
            assert not has_disk_space(path)
        (tmp_path / name).unlink()


def test_trouble_of_another_kind_is_not_about_room(tmp_path: Path) -> None:
    """A directory that is gone is not a full disk."""
    assert has_disk_space(tmp_path / "gone" / "x.db")


def write(path: Path, size: int) -> sqlcipher.Error:
    """Write a row into a database that may not grow; return the error of SQLite."""
    connection = sqlcipher.connect(path, isolation_level=None)
    connection.execute("CREATE TABLE IF NOT EXISTS t (x)")
    with no_file_over(path.stat().st_size), pytest.raises(sqlcipher.Error) as raised:
        connection.execute("INSERT INTO t VALUES (zeroblob(?))", (size,))
    connection.close()
    return raised.value


def test_an_error_for_want_of_space_is_recognized(tmp_path: Path) -> None:
    """What SQLite calls an I/O error is a full disk where the file may not grow."""
    path = tmp_path / "x.db"
    error = write(path, 2 * ENOUGH)
    with no_file_over(path.stat().st_size):
        assert isinstance(diagnose(error, path), StoreFull)


def test_an_error_with_space_left_is_an_error_of_the_disk(tmp_path: Path) -> None:
    """The same error stays one of the disk where there is enough space."""
    path = tmp_path / "x.db"
    error = sqlcipher.OperationalError("disk I/O error")
    assert isinstance(diagnose(error, path), DiskError)
    with no_file_over(0):
        assert isinstance(diagnose(error, path), StoreFull)


def test_other_errors_are_translated(tmp_path: Path) -> None:
    """An error that has nothing to do with space stays what it is, even on a full disk."""
    with no_file_over(0):
        found = diagnose(sqlcipher.DatabaseError("file is not a database"), tmp_path / "x.db")
    assert isinstance(found, Corrupt)
