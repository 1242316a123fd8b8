"""The file of a drop server: created for its owner alone, and recognized when it is opened."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from qabel.dropserver import message_tables
from qabel.dropserver.message_tables import APPLICATION_ID, SCHEMA_VERSION, open_file
from qabel.host.start_errors import StartError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of the file."""
    return tmp_path / "drops.sqlite"


def pragma(connection: sqlite3.Connection, name: str) -> object:
    """Return a setting of a connection."""
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_file_is_created(path: Path) -> None:
    """A new file is marked as a drop server's, has its tables, and is its owner's alone."""
    connection = open_file(path)
    assert pragma(connection, "application_id") == APPLICATION_ID
    assert pragma(connection, "user_version") == SCHEMA_VERSION
    assert connection.execute("SELECT * FROM state").fetchall() == [(1, 0, 0)]
    assert connection.execute("SELECT * FROM message").fetchall() == []
    assert connection.execute("SELECT * FROM asking").fetchall() == [(1, None, 0, 0)]
    assert {each.stat().st_mode & 0o777 for each in path.parent.iterdir()} == {0o600}
    connection.close()
    assert list(path.parent.iterdir()) == [path]


def test_commits_are_durable(path: Path) -> None:
    """Each time it is opened, commits wait for the disk, and deleted data are overwritten."""
    for _ in range(2):
        connection = open_file(path)
        names = ("journal_mode", "synchronous", "secure_delete", "temp_store", "page_size")
        assert [pragma(connection, name) for name in names] == ["wal", 2, 1, 2, 8192]
        connection.close()


def test_an_empty_file_is_used(path: Path) -> None:
    """An empty file, as a crash before the first commit leaves it, becomes a drop server's."""
    path.touch()
    open_file(path).close()
    open_file(path).close()


@pytest.mark.parametrize("name", ["a b?mode=ro#c%20.db", "\u00e4\u4e2d.db"])
def test_any_file_name_can_be_opened(tmp_path: Path, name: str) -> None:
    """A file is opened by its name, also if that has special characters of a URI."""
    open_file(tmp_path / name).close()
    assert [each.name for each in tmp_path.iterdir()] == [name]


def _write_text(path: Path) -> None:
    path.write_bytes(b"precious" * 1000)


def _write_tables(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE precious (x)")
    connection.close()


def _write_other_application(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA application_id = 1")
    connection.close()


def _write_newer_version(path: Path) -> None:
    connection = open_file(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (_write_text, "cannot use"),
        (_write_tables, "is not the file of a drop server"),
        (_write_other_application, "is not the file of a drop server"),
        (_write_newer_version, f"has schema version {SCHEMA_VERSION + 1}"),
    ],
)
def test_another_file_is_rejected(path: Path, write: Callable[[Path], None], reason: str) -> None:
    """A file that is not a drop server's, or of another version, is named and not changed."""
    write(path)
    before = path.read_bytes()
    with pytest.raises(StartError, match=reason) as caught:
        open_file(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


_VERSION_2 = """
CREATE TABLE message (
    stamp INTEGER PRIMARY KEY, place BLOB NOT NULL, number INTEGER NOT NULL,
    before INTEGER NOT NULL, size INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX message_of_place ON message (place, stamp, number, before, size);
CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1), latest INTEGER NOT NULL, charged INTEGER NOT NULL
) STRICT;
INSERT INTO state VALUES (1, 7, 2277);
INSERT INTO message VALUES (7, x'00', 0, 0, 1, x'01');
PRAGMA application_id = 0x51614472;
PRAGMA user_version = 2;
"""


def test_a_file_of_version_2(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is brought up to date with its messages; a program of that version refuses it then."""
    old = sqlite3.connect(path)
    old.executescript(_VERSION_2)
    old.close()
    for _ in range(2):
        connection = open_file(path)
        assert pragma(connection, "user_version") == SCHEMA_VERSION == 3
        assert connection.execute("SELECT stamp FROM message").fetchall() == [(7,)]
        # It is not known of those messages whether anybody has asked for their drops.
        assert connection.execute("SELECT * FROM asking").fetchall() == [(1, None, 0, None)]
        assert connection.execute("SELECT * FROM asked").fetchall() == []
        connection.close()
    monkeypatch.setattr(message_tables, "SCHEMA_VERSION", 2)
    with pytest.raises(StartError, match=r"has schema version 3, .* a newer version"):
        open_file(path)


def test_a_file_that_cannot_be_opened(path: Path) -> None:
    """A directory in place of the file is an error that names it."""
    path.mkdir()
    with pytest.raises(StartError, match="cannot open") as caught:
        open_file(path)
    assert str(path) in str(caught.value)
