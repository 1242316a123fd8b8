"""Files that cannot be opened are not changed: foreign, newer, truncated, or under another key."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlcipher3 import dbapi2 as sqlcipher

from qabel.keys.key_file import KeyFile
from qabel.store.database.connection import connect
from qabel.store.database.creating import ensure_key
from qabel.store.database.database import Database
from qabel.store.database.errors import (
    AlreadyThere,
    KeyMissing,
    KeyTrouble,
    NewerVersion,
    NotADatabase,
    StoreError,
    WrongKey,
)
from qabel.store.database.schema import migrations
from qabel.store.key_record import KEY_SIZE, GivenKey, KeyRecord


def content(directory: Path) -> dict[str, bytes]:
    """Read every file of a directory."""
    return {
        each.name: each.read_bytes() for each in directory.iterdir() if each.suffix != ".db-shm"
    }


@pytest.fixture
def opening(path: Path, key: bytes, here: Any, got: Any) -> Callable[..., None]:
    """Return a function that opens the database and closes it again."""

    def run(other_key: bytes | None = None, steps: tuple[str, ...] | None = None) -> None:
        database = Database(path, GivenKey(other_key or key), steps=steps, worker=here)
        got(database.open())
        got(database.close())

    return run


def _plain(path: Path) -> None:
    connection = sqlcipher.connect(path)
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    connection.close()


def _foreign(path: Path, key: bytes) -> None:
    path.touch()
    connection = connect(path, key)
    connection.execute("CREATE TABLE t (a)")
    connection.close()


@pytest.mark.parametrize("size", [0, 1, 15, 100, 4095, 5000, 8193])
def test_short_files_are_rejected(path: Path, opening: Any, size: int) -> None:
    """A file that cannot be a complete database is rejected before any key is tried."""
    path.write_bytes(b"\x07" * size)
    before = content(path.parent)
    with pytest.raises(NotADatabase):
        opening()
    assert content(path.parent) == before


def test_garbage_is_rejected(path: Path, opening: Any) -> None:
    """A file of the right size that no key opens is rejected."""
    path.write_bytes(b"\x07" * 8192)
    before = content(path.parent)
    with pytest.raises(WrongKey):
        opening()
    assert content(path.parent) == before


def test_an_unencrypted_database_is_rejected(path: Path, opening: Any) -> None:
    """The error for a plain SQLite file says that it is unencrypted."""
    _plain(path)
    before = content(path.parent)
    with pytest.raises(NotADatabase, match="unencrypted"):
        opening()
    assert content(path.parent) == before


def test_a_foreign_encrypted_database_is_rejected(path: Path, key: bytes, opening: Any) -> None:
    """A database under this key that another program created is rejected."""
    _foreign(path, key)
    before = content(path.parent)
    with pytest.raises(NotADatabase, match="not a Qabel database"):
        opening()
    assert content(path.parent) == before


def test_a_directory_is_rejected(path: Path, opening: Any) -> None:
    """A directory in place of the file is reported as a file that cannot be read."""
    path.mkdir()
    with pytest.raises(StoreError, match="cannot be read"):
        opening()


@pytest.mark.parametrize("logged", [False, True])
def test_a_wrong_key_changes_nothing(
    path: Path, key: bytes, opening: Any, here: Any, got: Any, logged: bool
) -> None:
    """A wrong key changes neither the file nor a log that a crash left beside it."""
    opening()
    if logged:
        _leave_a_log(path, key)
    before = content(path.parent)
    with pytest.raises(WrongKey):
        opening(b"\x01" * 32)
    assert content(path.parent) == before
    opening()


def test_a_key_of_another_size_is_no_password(opening: Any) -> None:
    """A key of another size, which SQLCipher would use as a password, is rejected."""
    with pytest.raises(KeyTrouble):
        opening(b"short")


def test_a_newer_version_is_rejected(path: Path, opening: Any) -> None:
    """A database that a newer version wrote is rejected, and the error names its version."""
    opening(steps=(*migrations(), "CREATE TABLE newer (a);"))
    before = content(path.parent)
    with pytest.raises(NewerVersion, match=f"version {len(migrations()) + 1}"):
        opening()
    assert content(path.parent) == before


def test_an_older_version_is_upgraded(path: Path, key: bytes, opening: Any) -> None:
    """Opening a database of an older version runs the migrations that it lacks."""
    opening()
    opening(steps=(*migrations(), "CREATE TABLE newer (a);\nINSERT INTO newer VALUES (1);"))
    connection = connect(path, key)
    assert connection.execute("SELECT a FROM newer").fetchall() == [(1,)]
    connection.close()


def test_a_log_without_its_file(path: Path, opening: Any) -> None:
    """No database is created beside the log of one that is missing."""
    log = path.with_name(path.name + "-wal")
    log.write_bytes(b"frames")
    with pytest.raises(AlreadyThere, match="move"):
        opening()
    assert content(path.parent) == {log.name: b"frames"}


def test_an_unfinished_database_is_replaced(path: Path, opening: Any) -> None:
    """What a crash left of a database being created does not prevent creating one."""
    path.with_name(path.name + ".new").write_bytes(b"half")
    opening()
    assert list(content(path.parent)) == [path.name]


def test_a_file_that_ends_within_a_page_is_repaired_from_its_log(
    path: Path, key: bytes, opening: Any
) -> None:
    """A file whose checkpoint was cut off by a full disk opens with all that its log has."""
    opening()
    _leave_a_log(path, key)
    with path.open("r+b") as file:
        file.seek(0, 2)
        file.write(b"half a page")
    opening()
    connection = connect(path, key)
    assert connection.execute("SELECT name FROM documents").fetchall() == [("logged",)]
    connection.close()


def test_a_missing_key_is_never_replaced(tmp_path: Path, path: Path, here: Any, got: Any) -> None:
    """A fresh key is created for a new database, never for an existing one."""
    keys = KeyFile(tmp_path / "key")
    first = Database(path, keys, worker=here)
    got(first.open())
    got(first.close())
    keys.path.unlink()
    with pytest.raises(KeyTrouble, match="missing"):
        got(Database(path, keys, worker=here).open())
    assert not keys.path.exists()


def _leave_a_log(path: Path, key: bytes) -> None:
    """Copy file and log as they are while a connection writes, as a crash would leave them."""
    connection = connect(path, key)
    connection.execute("INSERT INTO documents (name, body) VALUES ('logged', x'00')")
    log = path.with_name(path.name + "-wal")
    saved = path.read_bytes(), log.read_bytes()
    connection.close()
    path.write_bytes(saved[0])
    log.write_bytes(saved[1])


def test_a_fresh_key_is_stored_once() -> None:
    """A source without a key gets a fresh random one, and keeps it from then on."""
    keys = NoKeyYet(bytes(32))
    made = ensure_key(keys)
    assert len(made.current) == KEY_SIZE
    assert ensure_key(keys) == keys.read() == made
    assert ensure_key(NoKeyYet(bytes(32))) != made


class NoKeyYet(GivenKey):
    """A key source that has no key until one is written."""

    is_empty = True

    def read(self) -> KeyRecord:
        """Return what was written. Raises KeyMissing."""
        if self.is_empty:
            raise KeyMissing("no key")
        return super().read()

    def write(self, record: KeyRecord) -> None:
        """Store the record."""
        self.is_empty = False
        super().write(record)
