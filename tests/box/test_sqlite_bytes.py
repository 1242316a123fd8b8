"""Opening SQLite files that may be made by an enemy."""

import sqlite3

import pytest

from qabel.box import sqlite_bytes
from qabel.box.errors import UnreadableMetadata
from qabel.box.sqlite_bytes import created, is_marked_for_wal, opened
from tests.box.known_answers import changed

SECRET = "the name of a file"
DATA = changed(
    None,
    "PRAGMA page_size = 1024",
    "CREATE TABLE mine (x)",
    "CREATE TABLE other (x)",
    f"INSERT INTO mine VALUES ('{SECRET}'), (7)",
)
LARGE = 1_000_000


def test_texts_are_read_as_bytes() -> None:
    """They need not be in UTF-8."""
    with opened(DATA, ["mine"], LARGE) as file:
        assert list(file.read("SELECT x FROM mine")) == [(SECRET.encode(),), (7,)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT x FROM other",
        "DELETE FROM other",
        "CREATE TABLE more (x)",
        "DROP TABLE mine",
        "ATTACH ':memory:' AS more",
        "PRAGMA writable_schema = ON",
        "PRAGMA journal_mode = WAL",
        "SELECT hex(x) FROM mine",
        "SELECT load_extension('x')",
        "VACUUM",
    ],
)
def test_nothing_else_is_allowed(statement: str) -> None:
    """Neither other tables nor functions."""
    with pytest.raises(UnreadableMetadata), opened(DATA, ["mine"], LARGE) as file:
        file.connection.execute(statement)


@pytest.mark.parametrize("data", [b"", b"SQLite format 3\0", b"\0" + DATA[1:], bytes(4096)])
def test_what_is_no_sqlite_file_is_refused(data: bytes) -> None:
    """By its first bytes."""
    with pytest.raises(UnreadableMetadata, match="no SQLite file"), opened(data, [], LARGE):
        pass


def test_a_file_that_is_too_large_is_refused() -> None:
    """Before it is opened."""
    with (
        pytest.raises(UnreadableMetadata, match="at most 1024"),
        opened(DATA, ["mine"], 1024),
    ):
        pass


def test_a_mark_for_a_write_ahead_log_is_taken_away() -> None:
    """Files in memory have none."""
    marked = DATA[:18] + b"\2\2" + DATA[20:]
    assert is_marked_for_wal(marked)
    with opened(marked, ["mine"], LARGE) as file:
        assert len(list(file.read("SELECT x FROM mine"))) == 2
        assert not is_marked_for_wal(file.connection.serialize())


def test_reading_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in a file in which there is always one row more."""
    monkeypatch.setattr(sqlite_bytes, "MAX_STEPS", 3)
    monkeypatch.setattr(sqlite_bytes, "_STEP", 10)
    many = changed(DATA, *["INSERT INTO mine SELECT x FROM mine"] * 6)
    with (
        pytest.raises(UnreadableMetadata, match="SQLITE_INTERRUPT"),
        opened(many, ["mine"], LARGE) as file,
    ):
        list(file.read("SELECT x FROM mine"))


def test_rows_have_no_more_bytes_than_the_file() -> None:
    """Here, a hundred rows have the same long value: each names the same pages."""
    long = changed(DATA, "DELETE FROM mine", "INSERT INTO mine VALUES (zeroblob(100000))")
    root = root_page(long)
    page = bytearray(long[1024 * (root - 1) : 1024 * root])
    # One cell, at the end of the page; all pointers of a hundred cells are made to be its own.
    pointer = page[8:10]
    page[3:5] = (100).to_bytes(2)
    page[8:208] = pointer * 100
    hostile = long[: 1024 * (root - 1)] + bytes(page) + long[1024 * root :]
    with (
        pytest.raises(UnreadableMetadata, match="more bytes than the file"),
        opened(hostile, ["mine"], LARGE) as file,
    ):
        list(file.read("SELECT x FROM mine"))


def root_page(data: bytes) -> int:
    """Return the page on which the table ``mine`` begins."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(data)
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'mine'"
        return int(connection.execute(query).fetchone()[0])
    finally:
        connection.close()


def test_errors_do_not_quote_the_file() -> None:
    """SQLite's own do."""
    broken = DATA.replace(b"CREATE TABLE mine", b"CREATE TABLE \xbe\xbf\xff\xfe")
    assert broken != DATA
    with pytest.raises(UnreadableMetadata) as caught, opened(broken, ["mine"], LARGE) as file:
        list(file.read("SELECT x FROM mine"))
    assert "SQLite cannot use it" in str(caught.value)
    assert caught.value.__cause__ is None


def test_values_that_are_deleted_are_gone() -> None:
    """An object that is shared later must not have what was in it before."""
    with opened(DATA, ["mine"], LARGE) as file:
        file.connection.execute("DELETE FROM mine")
        assert SECRET.encode() not in file.connection.serialize()
    assert SECRET.encode() in DATA


def test_a_new_file_has_its_tables() -> None:
    """And the version of its schema."""
    with created("CREATE TABLE mine (x);", 7) as connection:
        data = connection.serialize()
    with opened(data, ["mine"], LARGE) as file:
        assert file.connection.execute("PRAGMA user_version").fetchone() == (7,)
        assert list(file.read("SELECT x FROM mine")) == []
