"""The write-ahead log: moved to the file, and no growth where that is forbidden."""

import sqlite3
from pathlib import Path

import pytest

from qabel.dropserver.message_tables import open_file
from qabel.dropserver.write_ahead_log import allow_growth, checkpoint, forbid_growth

INSERT = "INSERT INTO message VALUES (?, x'00', ?, 0, 8000, zeroblob(8000))"


def test_the_log_is_moved_when_it_is_asked_for(tmp_path: Path) -> None:
    """What is committed stays in the log until a checkpoint; only TRUNCATE returns its space."""
    connection = open_file(tmp_path / "x")
    checkpoint(connection, "TRUNCATE")
    before = (tmp_path / "x").stat().st_size
    connection.executemany(INSERT, ((number, number) for number in range(200)))
    assert (tmp_path / "x").stat().st_size == before
    assert checkpoint(connection, "RESTART")
    assert (tmp_path / "x").stat().st_size > before + 200 * 8000
    size = (tmp_path / "x-wal").stat().st_size
    connection.execute("DELETE FROM message WHERE stamp = 1")
    assert (tmp_path / "x-wal").stat().st_size == size
    assert checkpoint(connection, "TRUNCATE")
    assert (tmp_path / "x-wal").stat().st_size == 0
    connection.close()


def test_a_reader_keeps_the_log(tmp_path: Path) -> None:
    """While something else reads, not all of the log is moved, and that is told."""
    connection, other = open_file(tmp_path / "x"), open_file(tmp_path / "x")
    other.execute("BEGIN")
    other.execute("SELECT * FROM message").fetchall()
    connection.execute(INSERT, (1, 1))
    assert not checkpoint(connection, "PASSIVE")
    other.close()
    assert checkpoint(connection, "PASSIVE")
    connection.close()


def test_without_growth_only_free_pages_are_used(tmp_path: Path) -> None:
    """Where growth is forbidden, what was deleted makes space for as much, and for no more."""
    connection = open_file(tmp_path / "x")
    connection.executemany(INSERT, ((number, number) for number in range(20)))
    forbid_growth(connection)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        connection.execute(INSERT, (100, 100))
    connection.execute("DELETE FROM message WHERE stamp < 2")
    connection.execute(INSERT, (100, 100))
    with pytest.raises(sqlite3.OperationalError, match="full"):
        connection.executemany(INSERT, ((number, number) for number in range(101, 110)))
    allow_growth(connection)
    connection.execute(INSERT, (200, 200))
    connection.close()
