"""The log as its followers read it: messages and events, in the order of their numbers."""

import attrs
from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.inbox import message_rows

MESSAGE_KIND = "drop"
"""The kind of an entry that is a message of the inbox."""

# Both halves come in order of their keys, so that SQLite only merges them.
_SQL = f"""
SELECT id AS seq, '{MESSAGE_KIND}' AS kind, CAST({message_rows.JSON} AS BLOB) AS data, identity_id
FROM messages WHERE id > :after
UNION ALL SELECT seq, kind, detail, identity_id FROM events WHERE seq > :after
ORDER BY seq LIMIT :limit
"""


@attrs.frozen
class FeedEntry:
    """One entry of the log; ``data`` is a JSON object, encoded."""

    seq: int
    kind: str
    data: bytes = attrs.field(repr=False)
    identity_id: int | None
    """The identity that it is about; None for what is about all of them."""


class Feed:
    """Reads the log. Whatever is committed in one transaction is read whole and in order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, after: int, limit: int) -> "Deferred[list[FeedEntry]]":
        """Give the entries with numbers above ``after``, oldest first, at most ``limit``."""

        def work(connection: Connection) -> list[FeedEntry]:
            rows = connection.execute(_SQL, {"after": after, "limit": limit})
            return [FeedEntry(*row) for row in rows]

        return self._database.run(work)
