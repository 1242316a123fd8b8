"""The journal as its followers read it: messages and events, in the order of their numbers."""

import time as clock

import attrs
from twisted.internet.defer import Deferred

from qabel.contract.access import OneIdentity
from qabel.jsontext import encode
from qabel.store.database.around import Table, read_around
from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.database.errors import Corrupt
from qabel.store.inbox import message_rows
from qabel.store.inbox.damaged import read_around_damage
from qabel.store.numbers import last_seq

MESSAGE_KIND = "drop"
"""The kind of an entry that is a message of the inbox."""

DAMAGE = "damage"
"""The kind of an entry that stands for others, which are damaged; of their identity it has the id
alone."""

# Both halves are ordered by their keys, so that SQLite only merges them.
_SQL = f"""
SELECT id AS seq, '{MESSAGE_KIND}' AS kind, CAST({message_rows.JSON} AS BLOB) AS data, identity_id,
    receiver AS identity, NULL AS token_id, received AS time FROM messages WHERE id > :after
UNION ALL SELECT seq, kind, detail, identity_id, identity,
    (SELECT token_id FROM sends WHERE id = send_id), created FROM events WHERE seq > :after
ORDER BY seq LIMIT :limit
"""


_EVENT = (
    "kind, detail, identity_id, identity, (SELECT token_id FROM sends WHERE id = send_id), created"
)


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
    stands_for: str | None = None
    """Of damage, the kind of the entries that it stands for; None if that is not known."""


@attrs.frozen(eq=False)
class JournalEntries:
    """Reads the journal. What was committed in one transaction is read whole and in order."""

    _database: Database

    def read(self, after: int, limit: int) -> "Deferred[list[JournalEntry]]":
        """Return the entries with numbers above ``after``, oldest first, at most ``limit``.

        In place of those that are damaged there are entries of the kind ``DAMAGE``, which say what
        is missing, and do not count. Fails with StoreError if nothing can be read.
        """
        return Deferred.fromCoroutine(self._read(after, limit))

    async def _read(self, after: int, limit: int) -> list[JournalEntry]:
        def work(connection: Connection) -> list[JournalEntry]:
            rows = connection.execute(_SQL, {"after": after, "limit": limit})
            return [_entry(*row) for row in rows]

        try:
            return await self._database.run(work)
        except Corrupt:
            return await self._read_around(after, limit)

    async def _read_around(self, after: int, limit: int) -> list[JournalEntry]:
        upto = await self._database.run(last_seq)
        around, damaged = await read_around_damage(
            self._database,
            after=after,
            limit=limit,
            upto=upto,
            more_columns=", identity_id, receiver, received",
        )
        found = [
            _entry(seq, MESSAGE_KIND, data, identity_id, key, None, received)
            for seq, data, identity_id, key, received in around.rows
        ]
        events = Table(name="events", key="seq", columns=_EVENT)
        others = await read_around(self._database, events, after=after, limit=limit, upto=upto)
        found += [_entry(*row) for row in others.rows]
        found.sort(key=lambda each: each.seq)
        # What was not read of one table may come before the rest of the other.
        upto = min([around.last, others.last, *(each.seq for each in found[limit - 1 : limit])])
        found = [each for each in found if each.seq <= upto]
        numbers = {each.seq for each in found}
        for each in damaged:
            if each.first <= upto:
                last = min(each.last, upto)
                found.append(_damage("messages", each.first, last, last, each.identity_id))
        for first, end in others.gaps:
            if first <= upto:
                last = min(end, upto)
                # Each number stands once in the journal.
                free = next((it for it in range(last, first, -1) if it not in numbers), first)
                found.append(_damage("events", first, last, free, None))
        return sorted(found, key=lambda each: each.seq)


def _damage(table: str, first: int, last: int, seq: int, identity: int | None) -> JournalEntry:
    ids = str(first) if first == last else f"{first}-{last}"
    about = None if identity is None else OneIdentity(identity, b"")
    # When it happened is not known: it is the time of reading.
    data = _dated(encode({"table": table, "ids": ids}), int(clock.time() * 1000), identity)
    kind = MESSAGE_KIND if table == "messages" else None
    return JournalEntry(seq, DAMAGE, data, about, stands_for=kind)


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
