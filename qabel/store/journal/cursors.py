"""Where readers are in the log."""

from collections.abc import Mapping

import attrs
from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection, fetch_one
from qabel.store.database.database import Database


@attrs.frozen
class LogState:
    """Where the log and its readers stand, as of the start; the core keeps it up to date."""

    database_id: str
    """16 hex digits; a copy of the database has another."""
    last_seq: int
    """The newest number that was given."""
    floor: int
    """Events up to this number are gone by retention. Messages go only when they are deleted."""
    newest_message: int
    """The id of the newest message there is; 0 in an empty inbox."""
    messages: int
    """How many there are."""
    consumers: Mapping[str, int]
    """The number of the last message that each consumer was given."""


class Places:
    """The places of consumers, kept over restarts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> "Deferred[LogState]":
        """Read everything at once; takes no longer for a large database than for an empty one."""
        return self._database.run(_load)

    def move(self, consumer: str, seq: int, *, now: float) -> "Deferred[int]":
        """Move a consumer forward; fires with where it is then.

        It is never moved back: of two answers that were under way together, the farther counts.
        ``now`` is in seconds since the epoch.
        """

        def work(connection: Connection) -> int:
            row = fetch_one(
                connection,
                "INSERT INTO consumers (name, seq, moved) VALUES (?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE "
                "SET seq = max(seq, excluded.seq), moved = excluded.moved RETURNING seq",
                (consumer, seq, int(now * 1000)),
            )
            return int(row[0])

        return self._database.run(work)

    def expire(self, before: float) -> "Deferred[list[str]]":
        """Forget the places that were last moved before a time; fires with their names.

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


def _load(connection: Connection) -> LogState:
    row = fetch_one(
        connection,
        "SELECT database_id, last_seq, floor, "
        "coalesce((SELECT max(id) FROM messages), 0), messages FROM state",
    )
    consumers = dict(connection.execute("SELECT name, seq FROM consumers").fetchall())
    database_id, last_seq, floor, newest_message, messages = row
    return LogState(database_id, last_seq, floor, newest_message, messages, consumers)
