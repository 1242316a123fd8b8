"""The inbox: received messages, each stored once, and read by number."""

from collections.abc import Sequence
from functools import partial

import attrs
from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection, fetch_one
from qabel.store.database.database import Database
from qabel.store.inbox import message_rows as rows
from qabel.store.inbox import seen
from qabel.store.inbox.message_rows import EVERYTHING, Filter, NewMessage, StoredMessage
from qabel.store.inbox.seen import Drop, DropState, ReadDone
from qabel.store.numbers import last_seq, take_numbers
from qabel.store.outbox import receipts, sends
from qabel.store.outbox.receipts import Receipt

FORGET_AT_ONCE = 10_000
"""Foreign hashes deleted in one transaction."""


@attrs.frozen
class StoredBatch:
    """What became of a batch of received messages."""

    messages: tuple[StoredMessage, ...]
    """The new ones, in their order."""
    acknowledgements: int
    """How many sends were added to the outbox in return."""
    receipts: int
    """How many deliveries in the outbox changed because of receipts."""
    last_seq: int
    """The newest number in the journal."""


@attrs.frozen
class EncodedPage:
    """Messages as one JSON list."""

    body: bytes = attrs.field(repr=False)
    count: int
    last: int
    """The id of the last of them; of an empty page, the number that it was to follow."""


@attrs.frozen(eq=False)
class InboxRepository:
    """The repository of received messages, and of the state of the drops that they come from."""

    _database: Database

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
        received_receipts: Sequence[Receipt] = (),
        done: ReadDone | None = None,
        now: float,
    ) -> "Deferred[StoredBatch]":
        """Store what was read from a drop, all in one transaction.

        A message that was known before, from whatever drop, is ignored: it is not stored, not
        acknowledged, and changes nothing in the outbox. If the drop's owners have changed
        meanwhile, foreign hashes and cursor are ignored: the new owners are to see everything.

        Args:
            drop: what was read.
            new: messages for our own identities, oldest first.
            foreign: hashes of messages that no owner can open. They may come late and many at
                once: one that is lost is only examined again.
            received_receipts: what messages about our own messages say.
            done: that the drop was read to its end.
            now: seconds since the epoch.

        """

        def work(connection: Connection) -> StoredBatch:
            return _keep(
                connection,
                drop,
                new=new,
                foreign=foreign,
                received_receipts=received_receipts,
                done=done,
                now=int(now * 1000),
            )

        return self._database.run(work)

    def read_page(
        self, after: int, limit: int, which: Filter = EVERYTHING
    ) -> "Deferred[EncodedPage]":
        """Return messages with ids above ``after``, oldest first, at most ``limit``, as one list.

        SQLite encodes them, which is the fastest way.
        """
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

        return self._database.run(work)

    def get_encoded(self, message_id: int, which: Filter = EVERYTHING) -> "Deferred[bytes | None]":
        """Return one message as a JSON object, encoded; None if there is none like that."""
        sql = f"SELECT CAST({rows.JSON} AS BLOB) FROM messages WHERE id = :id{which.sql}"

        def work(connection: Connection) -> bytes | None:
            row = connection.execute(sql, {**which.parameters, "id": message_id}).fetchone()
            return None if row is None else bytes(row[0])

        return self._database.run(work)

    def delete(self, message_id: int) -> "Deferred[bool]":
        """Delete a message; fires with whether there was one. It will not be received again."""
        return self._database.run(
            lambda connection: (
                connection.execute("DELETE FROM messages WHERE id = ?", (message_id,)).rowcount > 0
            )
        )


def _keep(
    connection: Connection,
    drop: Drop,
    *,
    new: Sequence[NewMessage],
    foreign: Sequence[bytes],
    received_receipts: Sequence[Receipt],
    done: ReadDone | None,
    now: int,
) -> StoredBatch:
    fresh = [each for each in new if seen.add_own(connection, each.hash)]
    first = take_numbers(connection, len(fresh)) if fresh else 0
    stored = tuple(rows.insert(connection, first + i, each) for i, each in enumerate(fresh))
    answers = [each.acknowledgement for each in fresh if each.acknowledgement is not None]
    for answer in answers:
        sends.insert(connection, answer, now)
    changed = sum(
        receipts.apply(connection, each)
        for each in received_receipts
        if seen.add_own(connection, each.hash)
    )
    drop_id = seen.find_drop(connection, drop)
    if drop_id is not None and foreign:
        seen.add_foreign(connection, drop_id, foreign, now)
    if drop_id is not None and done is not None:
        seen.finish_reading(connection, drop_id, done, now)
    return StoredBatch(stored, len(answers), changed, last_seq(connection))
