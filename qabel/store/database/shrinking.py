"""Give free pages of the database back to the file system, a few at a time."""

import attrs
from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection, fetch_one
from qabel.store.database.database import Database

PAGES_AT_ONCE = 64
"""Pages given back in one transaction: some milliseconds."""

KEEP_FREE = 256
"""Free pages that are kept for what is stored next: 1 MiB."""


@attrs.frozen(eq=False)
class Shrinking:
    """Shrinks the file of a database that has many free pages."""

    _database: Database

    def shrink_some(self) -> "Deferred[bool]":
        """Give some free pages back; fires with whether there may be more.

        A database of the first version keeps its free pages, until ``qabel compact`` has written it
        anew. Fails with StoreError.
        """
        return self._database.run(_shrink)


def _shrink(connection: Connection) -> bool:
    free = fetch_one(connection, "PRAGMA freelist_count")[0]
    if free <= KEEP_FREE or fetch_one(connection, "PRAGMA auto_vacuum")[0] == 0:
        return False
    connection.execute(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})").fetchall()
    left = fetch_one(connection, "PRAGMA freelist_count")[0]
    return bool(KEEP_FREE < left < free)
