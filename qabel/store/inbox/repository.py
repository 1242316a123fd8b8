"""The inbox: received messages, each stored once, and read by number."""

from collections.abc import Sequence
from functools import partial

import attrs
from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection, fetch_one
from qabel.store.database.database import Database
from qabel.store.database.errors import Corrupt
from qabel.store.deleted import note_deleted
from qabel.store.inbox import copies as copied
from qabel.store.inbox import message_rows as rows
from qabel.store.inbox import seen
from qabel.store.inbox.damaged import DamagedRange, read_around_damage
from qabel.store.inbox.keeping import Found, StoredBatch, keep
from qabel.store.inbox.message_rows import EVERYTHING, Filter, NewMessage
from qabel.store.inbox.refused import Refused
from qabel.store.inbox.seen import Drop, DropState, ReadDone
from qabel.store.inbox.strangers import DEFAULT_LIMITS, StrangerLimits
from qabel.store.numbers import last_seq
from qabel.store.outbox.changes import EARLIEST
from qabel.store.outbox.receipts import Receipt
from qabel.store.pace import Pace
from qabel.store.purged_keys import PurgedKeys

FORGET_AT_ONCE = 10_000
"""Foreign hashes deleted in one transaction."""


@attrs.frozen
class EncodedPage:
    """Messages as one JSON list."""

    body: bytes = attrs.field(repr=False)
    count: int
    last: int
    """The id of the last of them, or of a damaged one; else the number that they were to follow."""
    damaged: tuple[DamagedRange, ...] = ()
    """The messages up to ``last`` that cannot be read."""


@attrs.frozen
class Expired:
    """What became of some of the oldest messages."""

    count: int
    """How many were deleted."""
    after: int | None
    """The id after which to go on; None if no older ones follow."""
    last_seq: int
    """The newest number in the journal."""


@attrs.frozen(eq=False)
class InboxRepository:
    """The repository of received messages, and of the state of the drops that they come from."""

    _database: Database
    _purged: PurgedKeys = attrs.field(factory=PurgedKeys)
    _pace: Pace = attrs.field(factory=Pace, init=False)

    def start_reading(self, drop: Drop) -> "Deferred[DropState]":
        """Return how far a drop was read. With other owners than last time, it starts afresh."""
        return self._database.run(partial(seen.start_reading, drop=drop))

    def forget_another_drop(self, kept: Sequence[str]) -> "Deferred[bool]":
        """Delete the state of a drop that is no longer read; our own messages stay known.

        Of a large one only a part is deleted, so that nobody else has to wait for long.

        Args:
            kept: the drop URLs that are read.

        Returns:
            Whether there may be more to delete.

        """
        return self._database.run(partial(seen.forget_another, kept=kept, limit=FORGET_AT_ONCE))

    def record_found(
        self, drop: Drop, hashes: Sequence[bytes], *, now: float
    ) -> "Deferred[set[bytes]]":
        """Record which messages a server has; fires with the hashes of those that are new.

        Args:
            drop: where they are.
            hashes: of their bytes, 16 bytes each.
            now: seconds since the epoch.

        """

        def work(connection: Connection) -> set[bytes]:
            drop_id = seen.find_drop(connection, drop)
            new = seen.find_unseen(connection, drop_id, hashes)
            if drop_id is not None and len(new) < len(hashes):
                seen.refresh_foreign(connection, drop_id, hashes, int(now * 1000))
            return new

        return self._database.run(work)

    def keep(
        self,
        drop: Drop,
        new: Sequence[NewMessage] = (),
        *,
        foreign: Sequence[bytes] = (),
        refused: Sequence[Refused] = (),
        received_receipts: Sequence[Receipt] = (),
        limits: StrangerLimits = DEFAULT_LIMITS,
        done: ReadDone | None = None,
        progress: str | None = None,
        now: float,
    ) -> "Deferred[StoredBatch]":
        """Store what was read from a drop, all in one transaction.

        A message that was known before, from whatever drop, or is a copy of one from another drop,
        is ignored: it is not stored, not acknowledged, and changes nothing in the outbox. Of a
        stranger's message for which there is no room, and of a receipt that is about nothing we
        sent, only the hash is stored. If the drop's owners have changed meanwhile, foreign hashes
        and cursor are ignored: the new owners are to see everything.

        Args:
            drop: what was read.
            new: messages for our own identities, oldest first.
            foreign: hashes of messages that no owner can open; one that is lost is opened again.
            refused: messages for our own identities that are not to be kept at present.
            received_receipts: what messages about our own messages say.
            limits: what is kept of strangers.
            done: that the drop was read to its end.
            progress: what the receiver notes of the reading, if it is to be stored.
            now: seconds since the epoch.

        """
        kept = [each for each in new if each.receiver not in self._purged]
        receipts = [each for each in received_receipts if each.receiver not in self._purged]
        found, at = Found(kept, foreign, refused, receipts), int(now * 1000)
        return self._database.run(
            lambda connection: keep(connection, drop, found, limits, done, progress, now=at)
        )

    def read_page(
        self, after: int, limit: int, which: Filter = EVERYTHING, *, upto: int | None = None
    ) -> "Deferred[EncodedPage]":
        """Return messages with ids above ``after``, oldest first, at most ``limit``, as one list.

        SQLite encodes them, which is the fastest way. Where a page of the database is damaged, the
        messages before and after it are returned all the same.

        Args:
            after: the id to continue from.
            limit: the largest number of messages.
            which: which messages.
            upto: the largest id that there may be, where that is known.

        Fails with StoreError if nothing can be read.

        """
        return Deferred.fromCoroutine(self._read_page(after, limit, which, upto))

    async def _read_page(
        self, after: int, limit: int, which: Filter, upto: int | None
    ) -> EncodedPage:
        sql = (
            "SELECT CAST('[' || coalesce(group_concat(message, ','), '') || ']' AS BLOB), "
            "count(*), coalesce(max(id), :after) "
            f"FROM (SELECT id, {rows.JSON} AS message FROM messages "
            f"WHERE id > :after{which.sql} ORDER BY id LIMIT :limit)"
        )
        values = {**which.parameters, "after": after, "limit": limit}

        def work(connection: Connection) -> EncodedPage:
            row = fetch_one(connection, sql, values)
            return EncodedPage(*row)

        try:
            return await self._database.run(work)
        except Corrupt:
            last = await self._database.run(last_seq) if upto is None else upto
            return await self._read_around(after, limit, which, last)

    async def _read_around(self, after: int, limit: int, which: Filter, upto: int) -> EncodedPage:
        around, damaged = await read_around_damage(
            self._database, which, after=after, limit=limit, upto=upto
        )
        body = b"[%s]" % b",".join(row[1] for row in around.rows)
        last = max(after, around.last)
        return EncodedPage(body, len(around.rows), last, tuple(damaged))

    def get_encoded(self, message_id: int, which: Filter = EVERYTHING) -> "Deferred[bytes | None]":
        """Return one message as a JSON object, encoded; None if there is none like that."""
        sql = f"SELECT CAST({rows.JSON} AS BLOB) FROM messages WHERE id = :id{which.sql}"

        def work(connection: Connection) -> bytes | None:
            row = connection.execute(sql, {**which.parameters, "id": message_id}).fetchone()
            return None if row is None else bytes(row[0])

        return self._database.run(work)

    def expire(self, before: float, after: int, *, now: float) -> "Deferred[Expired]":
        """Delete some of the oldest messages, if they were received before a time.

        Args:
            before: seconds since the epoch.
            after: an id; only messages with higher ids are looked at.
            now: seconds since the epoch.

        """

        def work(connection: Connection) -> Expired:
            with self._pace.measured() as limit:
                found = connection.execute(
                    "SELECT id, received FROM messages WHERE id > ? ORDER BY id LIMIT ?",
                    (after, limit),
                ).fetchall()
                old = [each for each, received in found if EARLIEST <= received < before * 1000]
                connection.executemany(
                    "DELETE FROM messages WHERE id = ?", ((each,) for each in old)
                )
            newest = note_deleted(connection, messages=old, now=int(now * 1000))
            return Expired(len(old), found[-1][0] if old else None, newest)

        return self._database.run(work)

    def forget_copies(self, *, now: float) -> "Deferred[bool]":
        """Delete some of what is kept of old messages to recognize copies.

        Args:
            now: seconds since the epoch.

        Returns:
            Whether there may be more to delete.

        """
        return self._database.run(partial(copied.forget_old, now=int(now * 1000)))

    def delete(
        self, message_id: int, which: Filter = EVERYTHING, *, now: float
    ) -> "Deferred[int | None]":
        """Delete a message. It will not be received again.

        Args:
            message_id: its id.
            which: conditions.
            now: seconds since the epoch.

        Returns:
            The newest number in the journal; None if there was no message like that.

        """
        sql = f"DELETE FROM messages WHERE id = :id{which.sql}"

        def work(connection: Connection) -> int | None:
            if not connection.execute(sql, {**which.parameters, "id": message_id}).rowcount:
                return None
            return note_deleted(connection, messages=[message_id], now=int(now * 1000))

        return self._database.run(work)
