"""Messages inserted together: all of them, in time, and none of an undone transaction."""

import sqlite3
from collections.abc import Iterator

import pytest

from qabel.dropserver.pending_inserts import TOGETHER, PendingInserts

PLACE = b"p" * 16


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Return a database with the table of messages."""
    made = sqlite3.connect(":memory:", isolation_level=None)
    made.execute(
        "CREATE TABLE message (stamp INTEGER PRIMARY KEY, place BLOB, number INTEGER,"
        " before INTEGER, size INTEGER, body BLOB) STRICT"
    )
    yield made
    made.close()


def stored(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    """Return what is there."""
    return connection.execute("SELECT * FROM message ORDER BY stamp").fetchall()


@pytest.mark.parametrize("count", [0, 1, TOGETHER - 1, TOGETHER, TOGETHER + 1, 3 * TOGETHER])
def test_each_is_inserted(connection: sqlite3.Connection, count: int) -> None:
    """However many there are, all are there in the end."""
    pending = PendingInserts()
    for stamp in range(count):
        pending.add(connection, stamp, PLACE, bytes(stamp))
    assert len(stored(connection)) == count // TOGETHER * TOGETHER
    pending.flush(connection)
    pending.flush(connection)
    assert stored(connection) == [(n, PLACE, 0, 0, n, bytes(n)) for n in range(count)]


def test_what_was_undone_is_not_inserted(connection: sqlite3.Connection) -> None:
    """Neither after it was cleared, nor after it could not be inserted."""
    pending = PendingInserts()
    pending.add(connection, 1, PLACE, b"undone")
    pending.clear()
    pending.add(connection, 2, PLACE, b"two")
    pending.flush(connection)
    pending.add(connection, 2, PLACE, b"again")
    with pytest.raises(sqlite3.IntegrityError):
        pending.flush(connection)
    pending.add(connection, 3, PLACE, b"three")
    pending.flush(connection)
    assert [row[-1] for row in stored(connection)] == [b"two", b"three"]
