"""The cursors of consumers: how far each has read the journal."""

from collections.abc import Mapping

import attrs
from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection, fetch_one
from qabel.store.database.database import Database


@attrs.frozen
class JournalState:
    """The state of the journal and its consumers at the start; the core keeps it up to date."""

    database_id: str
    """16 hex digits; a copy of the database has another."""
    last_seq: int
    """The newest number in use."""
    floor: int
    """Events up to this number have expired. Messages go only when they are deleted."""
    newest_message: int
    """The id of the newest message; 0 in an empty inbox."""
    messages: int
    """How many messages there are."""
    consumers: Mapping[str, int]
    """The cursor of each consumer: the number of the last message that it received."""


@attrs.frozen(eq=False)
class CursorRepository:
    """The repository of consumers' cursors."""

    _database: Database

    def load(self) -> "Deferred[JournalState]":
        """Return everything at once, as fast for a large database as for an empty one."""
        return self._database.run(_load)

    def move(self, consumer: str, seq: int, *, now: float) -> "Deferred[int]":
        """Advance the cursor of a consumer; fires with its new value.

        It never moves back: of two answers sent at the same time, the farther one counts.
        ``now`` is in seconds since the epoch.
        """

        def work(connection: Connection) -> int:
            row = fetch_one(
                connection,
                "INSERT INTO consumers (owner, name, seq, moved) VALUES (0, ?, ?, ?) "
                "ON CONFLICT (owner, name) DO UPDATE "
                "SET seq = max(seq, excluded.seq), moved = excluded.moved RETURNING seq",
                (consumer, seq, int(now * 1000)),
            )
            return int(row[0])

        return self._database.run(work)

    def expire(self, before: float) -> "Deferred[list[str]]":
        """Delete the cursors last advanced before a time; fires with the consumers' names.

        ``before`` is in seconds since the epoch.
        """
        return self._database.run(
            lambda connection: [
                row[0]
                for row in connection.execute(
                    "DELETE FROM consumers WHERE moved < ? RETURNING name", (int(before * 1000),)
                ).fetchall()
            ]
        )


def _load(connection: Connection) -> JournalState:
    row = fetch_one(
        connection,
        "SELECT database_id, last_seq, floor, "
        "coalesce((SELECT max(id) FROM messages), 0), messages FROM state",
    )
    consumers = dict(
        connection.execute("SELECT name, seq FROM consumers WHERE owner = 0").fetchall()
    )
    database_id, last_seq, floor, newest_message, messages = row
    return JournalState(database_id, last_seq, floor, newest_message, messages, consumers)
