"""Idempotency keys: a request that is sent twice with one key is executed once."""

from collections.abc import Sequence

import attrs

from qabel.store.database.connection import Connection
from qabel.store.database.errors import StoreError

KEEP_FOR = 7 * 24 * 3600 * 1000
"""Milliseconds that a key is remembered."""

KEEP_AT_MOST = 100_000
"""How many keys are remembered; of more than that, the oldest are forgotten."""


OF_MODULES = -1
"""The owner of the keys that modules choose, which have the name of the module in front."""


class IdempotencyMismatch(StoreError):
    """The key was used before, for another request."""


@attrs.frozen
class Idempotency:
    """A key that a client or a module chose, and a digest of the request that it came with."""

    owner: int
    """The id of the token that it was used with; 0 for the owner of the daemon."""
    key: str = attrs.field(repr=False)
    digest: bytes = attrs.field(repr=False)


@attrs.frozen
class EarlierRequest:
    """What became of the first request with a key."""

    send_ids: range
    answer: bytes | None = attrs.field(repr=False)
    """What was answered, or None if there never was an answer."""


def find(connection: Connection, given: Idempotency, now: int) -> EarlierRequest | None:
    """Return what became of an earlier request with this key, or None.

    ``now`` is in milliseconds since the epoch. Raises IdempotencyMismatch.
    """
    row = connection.execute(
        "SELECT send_id, count, answer, digest FROM idempotency "
        "WHERE owner = ? AND key = ? AND created > ?",
        (given.owner, given.key, now - KEEP_FOR),
    ).fetchone()
    if row is None:
        return None
    send_id, count, answer, digest = row
    if bytes(digest) != given.digest:
        raise IdempotencyMismatch(
            "This idempotency key was already used for another request; use a new key for each one."
        )
    return EarlierRequest(range(send_id, send_id + count), answer)


def keep(connection: Connection, given: Idempotency, send_ids: Sequence[int], now: int) -> None:
    """Record that a key led to sends, whose ids follow one another."""
    connection.execute(
        "INSERT OR REPLACE INTO idempotency (owner, key, digest, send_id, count, created) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (given.owner, given.key, given.digest, send_ids[0], len(send_ids), now),
    )


def answered(connection: Connection, given: Idempotency, answer: bytes) -> None:
    """Record the answer to the first request with a key; a later one does not replace it.

    There is none if a send was deleted meanwhile: nothing of it is to be stored again.
    """
    connection.execute(
        "UPDATE idempotency SET answer = ? WHERE owner = ? AND key = ? AND answer IS NULL "
        "AND (SELECT count(*) FROM sends WHERE id >= send_id AND id < send_id + idempotency.count) "
        "= idempotency.count",
        (answer, given.owner, given.key),
    )


def expire(connection: Connection, now: int, at_most: int = KEEP_AT_MOST) -> None:
    """Delete the keys that are too old or too many."""
    connection.execute("DELETE FROM idempotency WHERE created <= ?", (now - KEEP_FOR,))
    connection.execute(
        "DELETE FROM idempotency WHERE created <= "
        "(SELECT created FROM idempotency ORDER BY created DESC LIMIT 1 OFFSET ?)",
        (at_most,),
    )
