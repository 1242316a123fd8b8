"""The journal as its followers read it: messages and events, in the order of their numbers."""

import attrs
from twisted.internet.defer import Deferred

from qabel.contract.access import OneIdentity
from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.inbox import message_rows

MESSAGE_KIND = "drop"
"""The kind of an entry that is a message of the inbox."""

# Both halves are ordered by their keys, so that SQLite only merges them.
_SQL = f"""
SELECT id AS seq, '{MESSAGE_KIND}' AS kind, CAST({message_rows.JSON} AS BLOB) AS data, identity_id,
    receiver AS identity, NULL AS token_id, received AS time FROM messages WHERE id > :after
UNION ALL SELECT seq, kind, detail, identity_id, identity,
    (SELECT token_id FROM sends WHERE id = send_id), created FROM events WHERE seq > :after
ORDER BY seq LIMIT :limit
"""


@attrs.frozen
class JournalEntry:
    """One entry of the journal.

    ``data`` is a JSON object, encoded: what happened, with ``time`` in milliseconds since the epoch
    and, if it is about an identity, ``identity_id``.
    """

    seq: int
    kind: str
    data: bytes = attrs.field(repr=False)
    identity: OneIdentity | None
    """The identity that it is about; None for what is about all of them."""
    token_id: int | None = None
    """The token of the send that it is about; None for the owner of the daemon."""


@attrs.frozen(eq=False)
class JournalEntries:
    """Reads the journal. What was committed in one transaction is read whole and in order."""

    _database: Database

    def read(self, after: int, limit: int) -> "Deferred[list[JournalEntry]]":
        """Return the entries with numbers above ``after``, oldest first, at most ``limit``."""

        def work(connection: Connection) -> list[JournalEntry]:
            rows = connection.execute(_SQL, {"after": after, "limit": limit})
            return [_entry(*row) for row in rows]

        return self._database.run(work)


def _entry(
    seq: int,
    kind: str,
    data: bytes,
    identity_id: int | None,
    identity: bytes | None,
    token_id: int | None,
    time: int,
) -> JournalEntry:
    about = None
    if identity_id is not None and identity is not None:
        about = OneIdentity(identity_id, identity)
    # A message has its own identity_id.
    number = None if kind == MESSAGE_KIND else identity_id
    return JournalEntry(seq, kind, _dated(data, time, number), about, token_id)


def _dated(data: bytes, time: int, identity_id: int | None) -> bytes:
    """Add the time, and the identity if there is one, in front of the members of an object."""
    head = b'{"time":%d' % time
    if identity_id is not None:
        head += b',"identity_id":%d' % identity_id
    return head + (b"}" if data == b"{}" else b"," + data[1:])
