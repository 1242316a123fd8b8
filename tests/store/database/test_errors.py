"""Errors of SQLite and of the file system, put into one clear line."""

import errno
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2 as sqlcipher

from qabel.store.database.errors import (
    Busy,
    Corrupt,
    DiskError,
    ReadOnly,
    StoreClosed,
    StoreError,
    StoreFull,
    translate,
)

PATH = Path("data/x.db")


def named(name: str, text: str = "something") -> sqlcipher.Error:
    """Return an error of SQLite as the driver raises it, with its extended name."""
    error = sqlcipher.OperationalError(text)
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("SQLITE_FULL", StoreFull),
        ("SQLITE_CORRUPT", Corrupt),
        ("SQLITE_CORRUPT_INDEX", Corrupt),
        ("SQLITE_NOTADB", Corrupt),
        ("SQLITE_INTERRUPT", StoreClosed),
        ("SQLITE_IOERR_WRITE", DiskError),
        ("SQLITE_IOERR_FSYNC", DiskError),
        ("SQLITE_IOERR_READ", Corrupt),
        ("SQLITE_IOERR_SHORT_READ", Corrupt),
        ("SQLITE_BUSY", Busy),
        ("SQLITE_LOCKED_SHAREDCACHE", Busy),
        ("SQLITE_CANTOPEN", DiskError),
        ("SQLITE_READONLY_DIRECTORY", ReadOnly),
        ("SQLITE_CONSTRAINT", StoreError),
    ],
)
def test_an_error_of_sqlite_has_a_kind(name: str, kind: type[StoreError]) -> None:
    """The name that SQLite gives an error, or its start, tells what happened."""
    assert type(translate(named(name), PATH)) is kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("database or disk is full", StoreFull),
        ("disk I/O error", DiskError),
        ("database disk image is malformed", Corrupt),
        ("interrupted", StoreClosed),
    ],
)
def test_an_error_without_a_name_is_known_by_its_text(text: str, kind: type[StoreError]) -> None:
    """Where the driver omits the name, the text of SQLite tells what happened."""
    assert type(translate(sqlcipher.OperationalError(text), PATH)) is kind


def test_all_that_the_system_calls_full_is_full() -> None:
    """A full disk, an exhausted quota and a file that may not grow are one thing to the user."""
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        assert type(translate(OSError(number, "x"), PATH)) is StoreFull
    assert type(translate(OSError(errno.EIO, "x"), PATH)) is StoreError


def test_all_that_cannot_be_written_is_read_only() -> None:
    """A read-only disk, missing permissions and an immutable file are one thing to the user."""
    for number in (errno.EROFS, errno.EACCES, errno.EPERM):
        assert type(translate(OSError(number, "x"), PATH)) is ReadOnly


def test_the_file_is_named() -> None:
    """Each text names the file, so that the user knows which disk or file to look at."""
    for name in ("SQLITE_FULL", "SQLITE_BUSY", "SQLITE_CORRUPT", "SQLITE_IOERR", "SQLITE_ERROR"):
        assert str(PATH) in str(translate(named(name), PATH))
    assert str(PATH) in str(translate(OSError(errno.EIO, "x"), PATH))


def test_looking_at_an_error_writes_nothing(tmp_path: Path) -> None:
    """The translation is pure: it does not touch the directory of the database."""
    before = tmp_path.stat().st_mtime_ns
    translate(named("SQLITE_IOERR_WRITE"), tmp_path / "x.db")
    assert tmp_path.stat().st_mtime_ns == before
