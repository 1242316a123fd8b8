"""Deleting many messages: they are noted first, so that a restart goes on with it."""

import json
from collections.abc import Sequence
from functools import partial

import attrs
from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.deleted import note_deleted
from qabel.store.outbox import changes
from qabel.store.outbox.sends import Posting
from qabel.store.pace import Pace

NOTED_AT_ONCE = 5_000
"""Ids that are noted in one transaction."""

_NOTE = """
INSERT OR IGNORE INTO deletions (message_id, send_id)
SELECT id, NULL FROM messages WHERE id IN (SELECT value FROM json_each(?))
UNION ALL SELECT NULL, id FROM sends WHERE id IN (SELECT value FROM json_each(?))
"""


@attrs.frozen
class DeletedSome:
    """What one transaction has deleted."""

    messages: int
    """How many messages of the inbox."""
    sends: Sequence[int]
    """The ids of sends: no more of them is to be posted."""
    ready: Sequence[Posting]
    """Postings that waited behind theirs, and may start now."""
    last_seq: int
    """The newest number in the journal."""


@attrs.frozen(eq=False)
class DeletionRepository:
    """The repository of what is to be deleted, and still is there."""

    _database: Database
    _pace: Pace = attrs.field(factory=Pace, init=False)

    async def note(self, messages: Sequence[int], sends: Sequence[int]) -> None:
        """Note what is to be deleted. Raises StoreError.

        Args:
            messages: ids in the inbox; those that are not there are ignored.
            sends: ids in the outbox; likewise.

        """
        for first in range(0, max(len(messages), len(sends)), NOTED_AT_ONCE):
            some = slice(first, first + NOTED_AT_ONCE)
            await self._database.run(partial(_note, messages=messages[some], sends=sends[some]))

    def delete_some(self, *, now: float) -> "Deferred[DeletedSome | None]":
        """Delete some of what was noted; fires with None if there is nothing more.

        ``now`` is in seconds since the epoch.
        """

        def work(connection: Connection) -> DeletedSome | None:
            with self._pace.measured() as limit:
                return _delete_some(connection, limit, int(now * 1000))

        return self._database.run(work)


def _note(connection: Connection, messages: Sequence[int], sends: Sequence[int]) -> None:
    connection.execute(_NOTE, (json.dumps(messages), json.dumps(sends)))


def _noted(connection: Connection, column: str, limit: int) -> list[int]:
    rows = connection.execute(
        f"SELECT {column} FROM deletions WHERE {column} IS NOT NULL LIMIT ?", (limit,)
    )
    return [row[0] for row in rows.fetchall()]


def _is_noted(connection: Connection, send_id: int) -> bool:
    rows = connection.execute("SELECT 1 FROM deletions WHERE send_id = ?", (send_id,))
    return bool(rows.fetchall())


def _delete_some(connection: Connection, limit: int, now: int) -> DeletedSome | None:
    # Sends first: nothing of them is to be posted meanwhile.
    sends = _noted(connection, "send_id", limit)
    messages = _noted(connection, "message_id", limit - len(sends))
    if not sends and not messages:
        return None
    connection.executemany("DELETE FROM messages WHERE id = ?", ((each,) for each in messages))
    newest = note_deleted(connection, messages=messages, now=now)
    ready: list[Posting] = []
    if sends:
        change = changes.delete_sends(connection, sends, now)
        ready += [each for each in change.ready if not _is_noted(connection, each.send_id)]
        newest = change.last_seq
    return DeletedSome(len(messages), sends, ready, newest)
