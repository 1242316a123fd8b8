"""Messages that are inserted together: a statement for each would give the interpreter's lock away.

The thread of the reactor takes it, and 256 statements wait for it 256 times.
"""

import sqlite3
from functools import cache

from attrs import define, field

TOGETHER = 32
"""Messages that a statement inserts at most; SQLite keeps 128 of a connection's statements."""


@define(eq=False, repr=False)
class PendingInserts:
    """Gathers messages of a transaction."""

    _values: list[object] = field(factory=list, init=False)
    _count: int = field(default=0, init=False)

    def add(self, connection: sqlite3.Connection, stamp: int, place: bytes, body: bytes) -> None:
        """Insert a message, soon. Raises sqlite3.Error."""
        self._values += (stamp, place, len(body), body)
        self._count += 1
        if self._count == TOGETHER:
            self.flush(connection)

    def flush(self, connection: sqlite3.Connection) -> None:
        """Insert what was gathered. Raises sqlite3.Error."""
        if self._count:
            values, count = self._values, self._count
            self.clear()
            connection.execute(_statement(count), values)

    def clear(self) -> None:
        """Insert nothing of what was gathered: its transaction was undone."""
        self._values, self._count = [], 0


@cache
def _statement(count: int) -> str:
    values = ", ".join(["(?, ?, 0, 0, ?, ?)"] * count)
    return f"INSERT INTO message (stamp, place, number, before, size, body) VALUES {values}"  # noqa: S608
