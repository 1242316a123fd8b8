"""Messages that were not kept for a reason that may pass, so that they are looked at again.

Nothing of them is stored but their hash, among those of foreign messages, and what tells whether
they could be kept now. To look at one again, its hash is forgotten and its drop is read in full.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from enum import IntEnum
from hashlib import blake2b

import attrs

from qabel.store.database.connection import Connection
from qabel.store.inbox.seen import DAY

FORGET_AT_ONCE = 10_000
"""Hashes forgotten in one transaction; the next look goes on."""


class Reason(IntEnum):
    """Why a message was not kept."""

    STRANGER = 1
    """Its sender is no contact, and does not introduce itself."""
    INTRODUCED = 2
    """Its sender is no contact, but introduces itself."""
    BLOCKED = 3


@attrs.frozen
class Refused:
    """A message that was not kept."""

    hash: bytes
    """Of the bytes from the server (``qabel.drop.transport.HASH_SIZE``)."""
    reason: Reason
    size: int
    """The bytes that it would have taken of what is kept of strangers."""
    pair: bytes
    """Of its receiver and its sender: ``pair_digest``."""


def pair_digest(receiver: bytes, sender: bytes) -> bytes:
    """Return a digest of two public keys, by which a sender is recognized later."""
    return blake2b(receiver + sender, digest_size=8).digest()


def add_refused(connection: Connection, drop_id: int, refused: Iterable[Refused], now: int) -> None:
    """Record messages of a drop that were not kept. ``now`` is in milliseconds."""
    connection.executemany(
        "INSERT OR IGNORE INTO foreign_hashes (drop_id, hash, day, refused, size, pair) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (
            (drop_id, each.hash, now // DAY, int(each.reason), each.size, each.pair)
            for each in refused
        ),
    )


def count_refused(connection: Connection) -> dict[Reason, int]:
    """Return how many messages were not kept that servers may still have, by reason."""
    rows = connection.execute("SELECT kind, messages FROM refused")
    return {Reason(kind): count for kind, count in rows}


def forget_fitting(
    connection: Connection, room: int, reasons: Collection[Reason], urls: Sequence[str]
) -> set[str]:
    """Forget the hashes of messages for which there is room now.

    Those of strangers who introduced themselves come first, and small ones before large ones.

    Args:
        connection: in a transaction.
        room: bytes.
        reasons: which of them may be kept now.
        urls: the drops that may be read in full now.

    Returns:
        The URLs of the drops to read in full.

    """
    drops = [
        row[0]
        for row in connection.execute(
            "SELECT id FROM drops WHERE url IN (SELECT value FROM json_each(?))",
            (json.dumps(urls),),
        )
    ]
    fitting: list[tuple[int, bytes]] = []
    for reason in sorted(reasons, reverse=True):
        rows = connection.execute(
            "SELECT drop_id, hash, size FROM foreign_hashes "
            f"WHERE refused > 0 AND refused = {int(reason)} AND size <= ? "
            "AND drop_id IN (SELECT value FROM json_each(?)) ORDER BY size LIMIT ?",
            (room, json.dumps(drops), FORGET_AT_ONCE),
        ).fetchall()
        for drop_id, digest, size in rows:
            if size > room:
                break
            room -= size
            fitting.append((drop_id, digest))
    return _forget(connection, fitting)


def forget_of_known(
    connection: Connection, known: Iterable[bytes], blocked: Iterable[bytes] | None
) -> set[str]:
    """Forget the hashes of messages whose senders are contacts now, or are no longer blocked.

    Args:
        connection: in a transaction.
        known: the pairs of identities and their contacts, as of ``pair_digest``.
        blocked: all pairs of which the sender is blocked; None if none was unblocked.

    Returns:
        The URLs of the drops to read in full.

    """
    reasons = f"{int(Reason.STRANGER)}, {int(Reason.INTRODUCED)}"
    found = connection.execute(
        "SELECT drop_id, hash FROM foreign_hashes "
        f"WHERE refused > 0 AND refused IN ({reasons}) "
        "AND pair IN (SELECT unhex(value) FROM json_each(?))",
        (_pack(known),),
    ).fetchall()
    if blocked is not None:
        found += connection.execute(
            "SELECT drop_id, hash FROM foreign_hashes "
            f"WHERE refused > 0 AND refused = {int(Reason.BLOCKED)} "
            "AND pair NOT IN (SELECT unhex(value) FROM json_each(?))",
            (_pack(blocked),),
        ).fetchall()
    return _forget(connection, [(drop_id, digest) for drop_id, digest in found])


def _forget(connection: Connection, hashes: Sequence[tuple[int, bytes]]) -> set[str]:
    """Forget hashes, and return the URLs of their drops, which are to be read in full."""
    connection.executemany("DELETE FROM foreign_hashes WHERE drop_id = ? AND hash = ?", hashes)
    # Also after a restart: otherwise the messages would wait for the next reading in full.
    urls = connection.execute(
        "UPDATE drops SET last_full_read = NULL WHERE id IN (SELECT value FROM json_each(?)) "
        "RETURNING url",
        (json.dumps(sorted({drop_id for drop_id, _ in hashes})),),
    ).fetchall()
    return {url for (url,) in urls}


def _pack(digests: Iterable[bytes]) -> str:
    return json.dumps([each.hex() for each in digests])
