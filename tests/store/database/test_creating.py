"""What is refused is left as it was: what is foreign, newer, cut off, or under another key."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlcipher3 import dbapi2 as sqlcipher

from qabel.keys.key_file import KeyFile
from qabel.store.database.connection import connect
from qabel.store.database.database import Database
from qabel.store.database.errors import (
    AlreadyThere,
    KeyTrouble,
    NewerVersion,
    NotADatabase,
    WrongKey,
)
from qabel.store.database.schema import migrations
from qabel.store.key_record import GivenKey


def content(directory: Path) -> dict[str, bytes]:
    """Read every file of a directory."""
    return {
        each.name: each.read_bytes() for each in directory.iterdir() if each.suffix != ".db-shm"
    }


@pytest.fixture
def opening(path: Path, key: bytes, here: Any, got: Any) -> Callable[..., None]:
    """Return what opens the database and closes it again."""

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
def test_short_files_are_refused(path: Path, opening: Any, size: int) -> None:
    """A file that cannot be a whole database is refused before any key is tried."""
    path.write_bytes(b"\x07" * size)
    before = content(path.parent)
    with pytest.raises(NotADatabase):
        opening()
    assert content(path.parent) == before


def test_garbage_is_refused(path: Path, opening: Any) -> None:
    """A file of the right size that no key opens is refused."""
    path.write_bytes(b"\x07" * 8192)
    before = content(path.parent)
    with pytest.raises(WrongKey):
        opening()
    assert content(path.parent) == before


def test_an_unencrypted_database_is_refused(path: Path, opening: Any) -> None:
    """A plain SQLite file is named as such."""
    _plain(path)
    before = content(path.parent)
    with pytest.raises(NotADatabase, match="unencrypted"):
        opening()
    assert content(path.parent) == before


def test_a_foreign_encrypted_database_is_refused(path: Path, key: bytes, opening: Any) -> None:
    """A database under this key that another program made is refused."""
    _foreign(path, key)
    before = content(path.parent)
    with pytest.raises(NotADatabase, match="not a Qabel database"):
        opening()
    assert content(path.parent) == before


def test_a_directory_is_refused(path: Path, opening: Any) -> None:
    """Whatever is found in place of the file is reported in one line."""
    path.mkdir()
    with pytest.raises(Exception, match="cannot be read"):
        opening()


@pytest.mark.parametrize("logged", [False, True])
def test_a_wrong_key_changes_nothing(
    path: Path, key: bytes, opening: Any, here: Any, got: Any, logged: bool
) -> None:
    """Neither the file nor a log that a crash left beside it is changed by a wrong key."""
    opening()
    if logged:
        _leave_a_log(path, key)
    before = content(path.parent)
    with pytest.raises(WrongKey):
        opening(b"\x01" * 32)
    assert content(path.parent) == before
    opening()


def test_a_key_of_another_size_is_no_password(opening: Any) -> None:
    """SQLCipher would take a key of another size for a password: it is refused."""
    with pytest.raises(KeyTrouble):
        opening(b"short")


def test_a_newer_version_is_refused(path: Path, opening: Any) -> None:
    """A database that a newer version wrote is left alone."""
    opening(steps=(*migrations(), "CREATE TABLE newer (a);"))
    before = content(path.parent)
    with pytest.raises(NewerVersion, match=f"version {len(migrations()) + 1}"):
        opening()
    assert content(path.parent) == before


def test_an_older_version_is_brought_up_to_date(path: Path, key: bytes, opening: Any) -> None:
    """What is missing is added, with all that was there."""
    opening()
    opening(steps=(*migrations(), "CREATE TABLE newer (a);\nINSERT INTO newer VALUES (1);"))
    connection = connect(path, key)
    assert connection.execute("SELECT a FROM newer").fetchall() == [(1,)]
    connection.close()


def test_a_log_without_its_file_is_not_taken_for_a_new_ones(path: Path, opening: Any) -> None:
    """A database that went missing but for its log is not made anew beside that."""
    log = path.with_name(path.name + "-wal")
    log.write_bytes(b"frames")
    with pytest.raises(AlreadyThere, match="move"):
        opening()
    assert content(path.parent) == {log.name: b"frames"}


def test_a_half_made_database_is_made_anew(path: Path, opening: Any) -> None:
    """What a crash left of a database in the making is in nobody's way."""
    path.with_name(path.name + ".new").write_bytes(b"half")
    opening()
    assert list(content(path.parent)) == [path.name]


def test_a_file_cut_off_within_a_page_is_mended_from_its_log(
    path: Path, key: bytes, opening: Any
) -> None:
    """A full disk can cut off the folding in of the log, which then still has everything."""
    opening()
    _leave_a_log(path, key)
    with path.open("r+b") as file:
        file.seek(0, 2)
        file.write(b"half a page")
    opening()
    connection = connect(path, key)
    assert connection.execute("SELECT name FROM documents").fetchall() == [("logged",)]
    connection.close()


def test_a_missing_key_is_never_made_for_a_database(
    tmp_path: Path, path: Path, here: Any, got: Any
) -> None:
    """A fresh key comes with a fresh database only."""
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


@pytest.mark.parametrize("name", [b"a b?c#d%20.db", "\u00e4\u4e2d.db".encode(), b"\xff\xfe.db"])
def test_any_name_that_the_disk_takes(
    tmp_path: Path, key: bytes, here: Any, got: Any, name: bytes
) -> None:
    """A file name is a file name, whatever is in it."""
    path = tmp_path / os.fsdecode(name)
    database = Database(path, GivenKey(key), worker=here)
    got(database.open())
    got(database.close())
    assert [os.fsencode(each.name) for each in tmp_path.iterdir()] == [name]
