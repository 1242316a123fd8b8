"""The public keys whose messages are passed over."""

import attrs
from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection
from qabel.store.database.database import Database


@attrs.frozen
class BlockedKey:
    """A public key whose messages are passed over."""

    id: int
    key: bytes
    created: int
    """Milliseconds since the epoch."""


@attrs.frozen(eq=False)
class BlockedRepository:
    """The repository of blocked keys. They are few: their user holds them in memory."""

    _database: Database

    def all(self) -> "Deferred[list[BlockedKey]]":
        """Return all blocked keys, oldest first."""

        def work(connection: Connection) -> list[BlockedKey]:
            rows = connection.execute("SELECT id, key, created FROM blocked ORDER BY id")
            return [BlockedKey(*row) for row in rows]

        return self._database.run(work)

    def add(self, key: bytes, *, now: float) -> "Deferred[BlockedKey | None]":
        """Store a key; fires with None if it is stored already.

        Args:
            key: 32 bytes.
            now: seconds since the epoch.

        """

        def work(connection: Connection) -> BlockedKey | None:
            row = connection.execute(
                "INSERT OR IGNORE INTO blocked (key, created) VALUES (?, ?) "
                "RETURNING id, key, created",
                (key, int(now * 1000)),
            ).fetchone()
            return None if row is None else BlockedKey(*row)

        return self._database.run(work)

    def remove(self, blocked_id: int) -> "Deferred[bool]":
        """Delete a key; fires with whether there was one. Its id is never used again."""
        return self._database.run(
            lambda connection: (
                connection.execute("DELETE FROM blocked WHERE id = ?", (blocked_id,)).rowcount > 0
            )
        )
