"""The file of the index: made once, private, and of a version that is known."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from qabel.blockserver.index_tables import (
    FOLDER,
    INDEX_NAME,
    bind_storage,
    open_index,
    read_index,
    storage_name,
)
from qabel.host.start_errors import StartError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of the file, which is not there."""
    return tmp_path / INDEX_NAME


def pragma(connection: sqlite3.Connection, name: str) -> object:
    """Return a setting."""
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_new_file(path: Path) -> None:
    """It has the tables and their version, and what was committed survives a power failure."""
    with closing(open_index(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        assert {name for (name,) in tables} == {"token", "prefix", "entry", "storage"}
        assert pragma(connection, "user_version") == 1
        assert pragma(connection, "journal_mode") == "wal"
        assert pragma(connection, "synchronous") == 2
        assert not connection.in_transaction


def test_only_its_owner_can_read_it(path: Path) -> None:
    """Neither the file nor those beside it; a file that others could read is closed to them."""
    path.touch(mode=0o644)
    path.chmod(0o644)
    with closing(open_index(path)) as connection:
        connection.execute("INSERT INTO token (name, quota) VALUES ('anna', 1)")
        files = list(path.parent.iterdir())
        assert len(files) == 3
        assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}


def test_a_file_that_is_there(path: Path) -> None:
    """It keeps what it has, with whatever it is opened."""
    with closing(open_index(path)) as connection:
        connection.execute("INSERT INTO token (name, quota) VALUES ('anna', 1)")
    for create in (True, False):
        with closing(open_index(path, create=create)) as connection:
            assert connection.execute("SELECT name FROM token").fetchall() == [("anna",)]


def test_two_have_it_open(path: Path) -> None:
    """A command can change it while a server runs."""
    with closing(open_index(path)) as one, closing(open_index(path)) as other:
        one.execute("INSERT INTO token (name, quota) VALUES ('anna', 1)")
        other.execute("INSERT INTO token (name, quota) VALUES ('bob', 1)")
        assert one.execute("SELECT count(*) FROM token").fetchone() == (2,)


def test_a_name_that_looks_like_a_query(tmp_path: Path) -> None:
    """The path is taken as it is, whatever its characters mean in an URL."""
    path = tmp_path / "a?b#c%41 d" / INDEX_NAME
    path.parent.mkdir()
    open_index(path).close()
    with closing(read_index(path)) as connection:
        assert pragma(connection, "user_version") == 1
    assert [each.name for each in tmp_path.iterdir()] == ["a?b#c%41 d"]
    assert {each.name.partition("-")[0] for each in path.parent.iterdir()} == {INDEX_NAME}


def test_no_file(path: Path) -> None:
    """Where no server was, none is made unless that is wanted."""
    with pytest.raises(StartError, match=r"there is no block server: .*index\.sqlite is missing"):
        open_index(path, create=False)
    with pytest.raises(StartError, match=r"there is no block server: .*index\.sqlite is missing"):
        read_index(path)
    assert not path.exists()


def test_a_newer_version(path: Path) -> None:
    """What a newer program wrote is refused, and left as it is."""
    with closing(open_index(path)) as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(StartError, match="made by a newer version of qabel-block"):
        open_index(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert pragma(connection, "user_version") == 2
        connection.execute("BEGIN EXCLUSIVE")


def test_what_is_no_index(path: Path) -> None:
    """A file of another kind, and a path without a folder, are said in a line."""
    path.write_text("precious" * 1000)
    with pytest.raises(StartError, match=r"cannot open .*: file is not a database"):
        open_index(path)
    assert path.read_text() == "precious" * 1000
    with pytest.raises(StartError, match=r"cannot open .*: unable to open"):
        open_index(path.parent / "missing" / INDEX_NAME)


def test_reading_changes_nothing(path: Path) -> None:
    """A file that was opened to be read cannot be written."""
    open_index(path).close()
    with (
        closing(read_index(path)) as connection,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        connection.execute("INSERT INTO token (name, quota) VALUES ('anna', 1)")


def test_queries_use_indexes(path: Path) -> None:
    """What requests ask for is found without looking at every row."""
    queries = [
        "SELECT 1 FROM token WHERE hash = x'00'",
        "SELECT 1 FROM prefix WHERE name = 'a' AND token = 1",
        "SELECT name FROM prefix WHERE token = 1 ORDER BY name",
        "SELECT object FROM entry WHERE prefix = 'a' AND name = 'b'",
        "SELECT name FROM entry WHERE prefix = 'a' AND name > 'b' ORDER BY name LIMIT 9",
        "SELECT 1 FROM entry WHERE object = 'a'",
    ]
    with closing(open_index(path)) as connection:
        for query in queries:
            (step,) = connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
            assert step[3].startswith("SEARCH"), query


def test_an_index_belongs_to_a_storage(path: Path) -> None:
    """To the first that it was used with, for ever; each index has a mark of its own."""
    with closing(open_index(path)) as connection:
        assert storage_name(connection) == FOLDER
        mark = bind_storage(connection, "s3://one")
        assert (len(mark), storage_name(connection)) == (32, "s3://one")
    with closing(open_index(path)) as connection:
        with pytest.raises(StartError, match="are in s3://one, not in the folder: start it with"):
            bind_storage(connection, FOLDER)
        assert not connection.in_transaction
        assert bind_storage(connection, "s3://one") == mark
        connection.execute("DROP TABLE storage")
        with pytest.raises(StartError, match="cannot use the index: no such table"):
            bind_storage(connection, "s3://one")
    with closing(open_index(path.with_name("other"))) as connection:
        assert bind_storage(connection, "s3://one") != mark
