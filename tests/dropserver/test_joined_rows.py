"""Messages read in one row: whatever bytes they have, each comes out as it went in."""

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.dropserver.joined_rows import read_joined

PLACE, OTHER = b"p" * 16, b"o" * 16


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlite3.Connection]:
    """Return a database with the columns that are read."""
    made = sqlite3.connect(":memory:")
    made.execute("CREATE TABLE message (stamp INTEGER PRIMARY KEY, place BLOB, body BLOB) STRICT")
    yield made
    made.close()


def fill(connection: sqlite3.Connection, bodies: list[bytes]) -> None:
    """Put messages with the stamps 10, 20 … in place of those that are there."""
    connection.execute("DELETE FROM message")
    connection.executemany(
        "INSERT INTO message VALUES (?, ?, ?)",
        [(10 * number, PLACE, body) for number, body in enumerate(bodies, 1)],
    )
    connection.execute("INSERT INTO message VALUES (15, ?, ?)", (OTHER, b"of another drop"))


@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"", b"\0", b",", b"\xff\xfe", b"\xc3"])))
def test_any_bytes(connection: sqlite3.Connection, bodies: list[bytes]) -> None:
    """No byte is taken for text, or for the end of one."""
    fill(connection, bodies)
    expected = [(10 * number, body) for number, body in enumerate(bodies, 1)]
    assert read_joined(connection, PLACE, 0, 2**60, 1000) == expected


def test_which_ones(connection: sqlite3.Connection) -> None:
    """Those between two stamps, the oldest first, and only so many."""
    fill(connection, [b"1", b"2", b"3", b"4"])
    assert read_joined(connection, PLACE, 10, 30, 9) == [(20, b"2"), (30, b"3")]
    assert read_joined(connection, PLACE, 10, 2**60, 1) == [(20, b"2")]
    assert read_joined(connection, PLACE, 40, 2**60, 9) == []
    assert read_joined(connection, b"x" * 16, 0, 2**60, 9) == []


def test_as_large_as_they_can_be(connection: sqlite3.Connection) -> None:
    """Messages of the largest size, as many as are read at once."""
    bodies = [bytes([number % 256]) * 2573 for number in range(512)]
    fill(connection, bodies)
    assert [body for _, body in read_joined(connection, PLACE, 0, 2**60, 512)] == bodies
