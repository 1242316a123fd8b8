"""The state of a drop: how far it was read, and which of its messages were seen before.

A server returns messages again: all of them when asked without a cursor, some when a cursor
straddles them. They are recognized by the hashes of their bytes. Our own messages are remembered
for ever and for all drops, even after they are deleted. Foreign ones, which other people can open,
are remembered for the drop and the identities that failed to open them, for as long as the server
still has them.
"""

import json
from collections.abc import Iterable, Sequence

import attrs

from qabel.store.database.connection import Connection, fetch_one

DAY = 24 * 3600 * 1000
"""Milliseconds."""

KEEP_FOREIGN_DAYS = 14
"""Days after which foreign hashes are deleted that full readings no longer found."""


@attrs.frozen
class Drop:
    """A drop, as read for certain identities.

    ``url`` is the whole drop URL; ``owners`` is a fingerprint of the identities whose keys are
    tried on its messages: other identities may be able to open the same messages.
    """

    url: str = attrs.field(repr=False)
    owners: str


@attrs.frozen
class DropState:
    """How far a drop was read. Times in milliseconds since the epoch; None for never."""

    cursor: str | None = None
    """What to send to the server, so that it returns only what is newer; None: read in full."""
    last_read: int | None = None
    last_full_read: int | None = None
    progress: str | None = attrs.field(default=None, repr=False)
    """What the receiver stores of the reading, in its own words."""


@attrs.frozen
class ReadDone:
    """That a drop was read to its end.

    ``cursor`` is what to continue from, or None to leave it as it is. ``full`` means that
    everything that the server has was requested.
    """

    cursor: str | None
    full: bool
    is_empty: bool = False
    """Whether the drop is empty: its cursor is deleted."""


def pack(hashes: Iterable[bytes]) -> str:
    """Return hashes as a JSON list, so that one statement can process them all.

    With a statement for each, the thread would wait for the GIL as often.
    """
    return json.dumps([each.hex() for each in hashes])


def start_reading(connection: Connection, drop: Drop) -> DropState:
    """Return how far a drop was read; a new drop, or one of other owners, starts afresh."""
    row = connection.execute(
        "SELECT owners, cursor, last_read, last_full_read, progress FROM drops WHERE url = ?",
        (drop.url,),
    ).fetchone()
    if row is not None and row[0] == drop.owners:
        return DropState(*row[1:])
    _forget(connection, drop.url)
    connection.execute("INSERT INTO drops (url, owners) VALUES (?, ?)", (drop.url, drop.owners))
    return DropState()


def _forget(connection: Connection, url: str) -> None:
    """Delete a drop's cursor and its foreign hashes."""
    connection.execute(
        "DELETE FROM foreign_hashes WHERE drop_id = (SELECT id FROM drops WHERE url = ?)", (url,)
    )
    connection.execute("DELETE FROM drops WHERE url = ?", (url,))


def forget_another(connection: Connection, kept: Sequence[str], limit: int) -> bool:
    """Delete a drop whose URL is none of these, or at most ``limit`` of its foreign hashes.

    Return whether there may be more to delete.
    """
    row = connection.execute(
        "SELECT id FROM drops WHERE url NOT IN (SELECT value FROM json_each(?)) LIMIT 1",
        (json.dumps(kept),),
    ).fetchone()
    if row is None:
        return False
    deleted = connection.execute(
        "DELETE FROM foreign_hashes WHERE drop_id = ?1 AND hash IN "
        "(SELECT hash FROM foreign_hashes WHERE drop_id = ?1 LIMIT ?2)",
        (row[0], limit),
    )
    if deleted.rowcount < limit:
        connection.execute("DELETE FROM drops WHERE id = ?", row)
    return True


def find_drop(connection: Connection, drop: Drop) -> int | None:
    """Return a drop's id, or None if it is not (or no longer) read for these owners."""
    row = connection.execute(
        "SELECT id FROM drops WHERE url = ? AND owners = ?", (drop.url, drop.owners)
    ).fetchone()
    return None if row is None else int(row[0])


def find_unseen(connection: Connection, drop_id: int | None, hashes: Sequence[bytes]) -> set[bytes]:
    """Return those of the hashes that are new; all foreign ones are, without a drop."""
    row = fetch_one(
        connection,
        "SELECT json_group_array(given.value) FROM json_each(?) AS given "
        "WHERE NOT EXISTS (SELECT 1 FROM own_hashes WHERE hash = unhex(given.value)) "
        "AND NOT EXISTS "
        "(SELECT 1 FROM foreign_hashes WHERE drop_id = ? AND hash = unhex(given.value))",
        (pack(hashes), drop_id),
    )
    return {bytes.fromhex(each) for each in json.loads(row[0])}


def refresh_foreign(
    connection: Connection, drop_id: int, hashes: Sequence[bytes], now: int
) -> None:
    """Record that the server still has these messages, as far as they are known foreign ones."""
    today = now // DAY
    # At most once a day for each: otherwise every full reading would write all of them.
    connection.execute(
        "UPDATE foreign_hashes SET day = ? WHERE drop_id = ? AND day < ? "
        "AND hash IN (SELECT unhex(value) FROM json_each(?))",
        (today, drop_id, today, pack(hashes)),
    )


def add_foreign(connection: Connection, drop_id: int, hashes: Sequence[bytes], now: int) -> None:
    """Record messages of a drop that none of its owners can open."""
    connection.execute(
        "INSERT OR IGNORE INTO foreign_hashes (drop_id, hash, day) "
        "SELECT ?, unhex(value), ? FROM json_each(?) ORDER BY value",
        (drop_id, now // DAY, pack(hashes)),
    )


def is_own(connection: Connection, digest: bytes) -> bool:
    """Return whether a message of our own is known."""
    row = connection.execute("SELECT 1 FROM own_hashes WHERE hash = ?", (digest,)).fetchone()
    return row is not None


def add_own(connection: Connection, digest: bytes) -> bool:
    """Record a message of our own; return whether it is new."""
    inserted = connection.execute("INSERT OR IGNORE INTO own_hashes (hash) VALUES (?)", (digest,))
    return inserted.rowcount == 1


def finish_reading(connection: Connection, drop_id: int, done: ReadDone, now: int) -> None:
    """Record that a drop was read, and delete what its server no longer has."""
    connection.execute(
        "UPDATE drops SET cursor = CASE WHEN ? THEN NULL ELSE coalesce(?, cursor) END, "
        "last_read = ?, last_full_read = CASE WHEN ? THEN ? ELSE last_full_read END WHERE id = ?",
        (done.is_empty, done.cursor, now, done.full, now, drop_id),
    )
    if done.full:
        _prune(connection, drop_id, now)


def store_progress(connection: Connection, drop_id: int, progress: str) -> None:
    """Store what the receiver notes of the reading of a drop."""
    connection.execute("UPDATE drops SET progress = ? WHERE id = ?", (progress, drop_id))


def _prune(connection: Connection, drop_id: int, now: int) -> None:
    due = connection.execute(
        "UPDATE drops SET last_pruned = ? WHERE id = ? AND coalesce(last_pruned, 0) <= ?",
        (now, drop_id, now - DAY),
    )
    if due.rowcount:
        connection.execute(
            "DELETE FROM foreign_hashes WHERE drop_id = ? AND day < ?",
            (drop_id, now // DAY - KEEP_FOREIGN_DAYS),
        )
