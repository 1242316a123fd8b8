"""Purging an identity: everything that the tables have of it goes for good.

The first part goes in the same transaction as the identity itself. What there is more of than one
transaction should delete goes in further ones; a note in ``purges`` has a restart go on with it.
"""

import json
from collections.abc import Sequence

import attrs
from twisted.internet.defer import Deferred

from qabel.crypto import key_digest
from qabel.store import heard_from
from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.deleted import note_deleted
from qabel.store.inbox.copies import forget_receiver
from qabel.store.outbox import acknowledgements, sends
from qabel.store.pace import Pace


@attrs.frozen(kw_only=True)
class PurgedIdentity:
    """The identity to purge."""

    id: int
    key: bytes
    """Its public key."""
    drops: Sequence[str] = attrs.field(repr=False)
    """The URLs of its drops that no other identity has."""


@attrs.define
class Purge:
    """One purge, to run within the transaction that removes the identity from the settings."""

    identity: PurgedIdentity
    now: float
    """Seconds since the epoch."""
    messages: int = attrs.field(default=0, init=False)
    """How many messages were deleted."""
    sends: Sequence[int] = attrs.field(default=(), init=False)
    """The ids of the sends that were deleted: no more of them is to be posted."""
    last_seq: int = attrs.field(default=0, init=False)
    """The newest number in the journal."""
    is_done: bool = attrs.field(default=False, init=False)
    _pace: Pace = attrs.field(factory=Pace, init=False)

    def __call__(self, connection: Connection) -> None:
        """Delete what there is, or the first part of it."""
        key, number = self.identity.key, self.identity.id
        _forget_drops(connection, self.identity.drops)
        connection.execute(
            "DELETE FROM tokens WHERE identity = ? OR identity_id = ?", (key, number)
        )
        # A reader that is limited to an identity has its id in its name, on a line of its own.
        connection.execute(
            "DELETE FROM consumers WHERE name || char(10) LIKE ?",
            (f"%\nidentity_id={number}\n%",),
        )
        acknowledgements.forget_identity(connection, key)
        connection.execute("DELETE FROM time_stamps WHERE sender = ?", (key,))
        connection.execute("INSERT OR IGNORE INTO purges (key, id) VALUES (?, ?)", (key, number))
        self._delete_part(connection)

    def go_on(self, connection: Connection) -> None:
        """Delete a further part."""
        self._delete_part(connection)

    def _delete_part(self, connection: Connection) -> None:
        key, number = self.identity.key, self.identity.id
        now = int(self.now * 1000)
        with self._pace.measured() as limit:
            messages = _delete_messages(connection, key, number, limit)
            self.sends = _delete_sends(connection, key, number, now, limit)
        self.messages = len(messages)
        self.last_seq = note_deleted(connection, messages=messages, sends=self.sends, now=now)
        self.is_done = max(self.messages, len(self.sends)) < limit
        if self.is_done:
            connection.execute("DELETE FROM events WHERE identity = ?", (key,))
            forget_receiver(connection, key)
            heard_from.forget(connection, key)
            connection.execute("DELETE FROM purges WHERE key = ? AND id = ?", (key, number))


def unfinished(database: Database, now: float) -> "Deferred[list[Purge]]":
    """Return the purges that were interrupted; ``now`` is in seconds since the epoch."""

    def work(connection: Connection) -> list[Purge]:
        return [
            Purge(PurgedIdentity(id=number, key=bytes(key), drops=()), now)
            for key, number in connection.execute("SELECT key, id FROM purges")
        ]

    return database.run(work)


def _forget_drops(connection: Connection, urls: Sequence[str]) -> None:
    which = "(SELECT id FROM drops WHERE url IN (SELECT value FROM json_each(?)))"
    text = json.dumps(list(urls))
    connection.execute(f"DELETE FROM foreign_hashes WHERE drop_id IN {which}", (text,))
    connection.execute(f"DELETE FROM drops WHERE id IN {which}", (text,))


def _delete_messages(connection: Connection, key: bytes, number: int, limit: int) -> list[int]:
    # The ids that the key ever had lead to the messages by an index.
    rows = connection.execute(
        "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE identity_id IN "
        "(SELECT id FROM used_ids WHERE kind = 'identities' AND digest = ?1 UNION SELECT ?2) "
        "AND (receiver = ?3 OR identity_id = ?2) LIMIT ?4) RETURNING id",
        (key_digest(key), number, key, limit),
    ).fetchall()
    return [row[0] for row in rows]


def _delete_sends(
    connection: Connection, key: bytes, number: int, now: int, limit: int
) -> list[int]:
    found = [
        row[0]
        for row in connection.execute(
            "SELECT id FROM sends WHERE sender = ? OR identity_id = ? LIMIT ?",
            (key, number, limit),
        )
    ]
    ids = json.dumps(found)
    queues = connection.execute(
        "SELECT DISTINCT url, postings.recipient, deliveries.sender FROM json_each(?) AS given "
        "CROSS JOIN deliveries ON send_id = given.value "
        "CROSS JOIN postings ON delivery_id = deliveries.id WHERE postings.state = 'queued'",
        (ids,),
    ).fetchall()
    which = "(SELECT value FROM json_each(?))"
    connection.execute(f"DELETE FROM idempotency WHERE send_id IN {which}", (ids,))
    connection.execute(f"DELETE FROM sends WHERE id IN {which}", (ids,))
    # An identity that had the same number before, or the same key, may have sent to the same drops.
    sends.advance(connection, queues, now)
    return found
