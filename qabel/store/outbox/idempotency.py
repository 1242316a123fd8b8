"""Keys by which a client that asks twice is understood to have asked once."""

import attrs

from qabel.store.database.connection import Connection
from qabel.store.database.errors import StoreError

KEEP_FOR = 7 * 24 * 3600 * 1000
"""Milliseconds that a key is known."""

KEEP_AT_MOST = 100_000
"""How many keys are known; of more than that, the oldest are forgotten."""


class IdempotencyMismatch(StoreError):
    """The key came before, with another request."""


@attrs.frozen
class Idempotency:
    """A key that a client chose, and a digest of the request that came with it."""

    key: str = attrs.field(repr=False)
    digest: bytes = attrs.field(repr=False)


@attrs.frozen
class Earlier:
    """What a key led to when it came first."""

    send_id: int
    answer: bytes | None = attrs.field(repr=False)
    """What was answered, or None if no answer was ever ready."""


def find(connection: Connection, given: Idempotency, now: int) -> Earlier | None:
    """Tell what became of a request that came with this key before, or None.

    ``now`` is in milliseconds since the epoch. Raises IdempotencyMismatch.
    """
    row = connection.execute(
        "SELECT send_id, answer, digest FROM idempotency WHERE key = ? AND created > ?",
        (given.key, now - KEEP_FOR),
    ).fetchone()
    if row is None:
        return None
    if bytes(row[2]) != given.digest:
        raise IdempotencyMismatch(
            "This idempotency key came before, with another request: use a fresh key for each."
        )
    return Earlier(row[0], row[1])


def keep(connection: Connection, given: Idempotency, send_id: int, now: int) -> None:
    """Note that a key led to a send."""
    connection.execute(
        "INSERT OR REPLACE INTO idempotency (key, digest, send_id, created) VALUES (?, ?, ?, ?)",
        (given.key, given.digest, send_id, now),
    )


def answered(connection: Connection, key: str, answer: bytes) -> None:
    """Note the answer to the first request with a key; a later one does not replace it."""
    connection.execute(
        "UPDATE idempotency SET answer = ? WHERE key = ? AND answer IS NULL", (answer, key)
    )


def expire(connection: Connection, now: int, at_most: int = KEEP_AT_MOST) -> None:
    """Forget the keys that are too old or too many."""
    connection.execute("DELETE FROM idempotency WHERE created <= ?", (now - KEEP_FOR,))
    connection.execute(
        "DELETE FROM idempotency WHERE created <= "
        "(SELECT created FROM idempotency ORDER BY created DESC LIMIT 1 OFFSET ?)",
        (at_most,),
    )
