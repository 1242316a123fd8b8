"""The cursors of consumers: how far each has read the journal."""

from collections.abc import Mapping

import attrs
from twisted.internet.defer import Deferred

from qabel.store.database.around import read_until_damage
from qabel.store.database.connection import Connection, fetch_one
from qabel.store.database.database import Database
from qabel.store.starts import Start, load_starts

Reader = tuple[int, str]
"""A reader: the id of the token that it belongs to, 0 for the owner of the daemon, and its name."""


@attrs.frozen
class JournalState:
    """The state of the journal and its consumers at the start; the core keeps it up to date."""

    starts: tuple[Start, ...]
    """The starts that gave numbers, the oldest first."""
    last_seq: int
    """The newest number in use."""
    floor: int
    """Events up to this number have expired. Messages go only when they are deleted."""
    newest_message: int
    """The id of the newest message; 0 in an empty inbox."""
    messages: int
    """How many messages there are."""
    consumers: Mapping[Reader, int]
    """The cursor of each reader: the number of the last message that it received."""


@attrs.frozen(eq=False)
class CursorRepository:
    """The repository of consumers' cursors."""

    _database: Database

    def load(self) -> "Deferred[JournalState]":
        """Return everything at once, as fast for a large database as for an empty one."""
        return self._database.run(_load)

    def move(self, reader: Reader, seq: int, *, now: float) -> "Deferred[int]":
        """Advance the cursor of a reader; fires with its new value.

        It never moves back: of two answers sent at the same time, the farther one counts. For a
        token that was revoked nothing is stored. ``now`` is in seconds since the epoch.
        """
        values = {"owner": reader[0], "name": reader[1], "seq": seq, "now": int(now * 1000)}

        def work(connection: Connection) -> int:
            row = connection.execute(_MOVE, values).fetchone()
            return seq if row is None else int(row[0])

        return self._database.run(work)

    def expire(self, before: float) -> "Deferred[list[Reader]]":
        """Delete the cursors last advanced before a time; fires with their readers.

        ``before`` is in seconds since the epoch.
        """
        return self._database.run(
            lambda connection: [
                (row[0], row[1])
                for row in connection.execute(
                    "DELETE FROM consumers WHERE moved < ? RETURNING owner, name",
                    (int(before * 1000),),
                ).fetchall()
            ]
        )


_MOVE = """
INSERT INTO consumers (owner, name, seq, moved) SELECT :owner, :name, :seq, :now
    WHERE :owner = 0 OR EXISTS (SELECT 1 FROM tokens WHERE id = :owner)
ON CONFLICT (owner, name) DO UPDATE
    SET seq = max(seq, excluded.seq), moved = excluded.moved RETURNING seq
"""


def _load(connection: Connection) -> JournalState:
    row = fetch_one(connection, "SELECT last_seq, floor, messages FROM state")
    last_seq, floor, messages = row
    consumers = {
        (row[0], row[1]): row[2]
        for row in connection.execute("SELECT owner, name, seq FROM consumers").fetchall()
    }
    starts = load_starts(connection)
    # Last, as nothing can be read after damage. A number that is too high does no harm.
    newest, is_damaged = read_until_damage(connection, "SELECT max(id) FROM messages", {})
    newest_message = last_seq if is_damaged else newest[0][0] or 0
    return JournalState(starts, last_seq, floor, newest_message, messages, consumers)
