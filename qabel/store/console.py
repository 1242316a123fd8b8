"""The key with which the daemon proves to its web page that it is no other program."""

import attrs
from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection, fetch_one
from qabel.store.database.database import Database


@attrs.frozen(eq=False)
class ConsoleRepository:
    """The repository of the console's key."""

    _database: Database

    def proof_key(self, new: bytes) -> "Deferred[bytes]":
        """Return the key; it becomes ``new`` if there is none yet."""

        def work(connection: Connection) -> bytes:
            connection.execute(
                "INSERT OR IGNORE INTO console (id, proof_key) VALUES (0, ?)", (new,)
            )
            return bytes(fetch_one(connection, "SELECT proof_key FROM console")[0])

        return self._database.run(work)
