"""Whose messages were opened: these people know the identity that they wrote to.

It is kept for each identity and sender, by the digest of the sender's key, and stays when messages
and contacts are deleted.
"""

import json
from collections.abc import Collection, Iterable

from qabel.crypto import key_digest
from qabel.store.database.connection import Connection


def note(connection: Connection, pairs: Iterable[tuple[bytes, bytes]]) -> None:
    """Note that messages were opened, within a transaction.

    ``pairs`` are the public keys of the identity that received each, and of its sender.
    """
    connection.executemany(
        "INSERT OR IGNORE INTO heard_from (identity, sender) VALUES (?, ?)",
        [(identity, key_digest(sender)) for identity, sender in dict.fromkeys(pairs)],
    )


def find(connection: Connection, identity: bytes, senders: Collection[bytes]) -> frozenset[bytes]:
    """Return the public keys of those of whom an identity has opened anything."""
    keys = {key_digest(each): each for each in senders}
    rows = connection.execute(
        "SELECT sender FROM json_each(?) AS given CROSS JOIN heard_from "
        "ON identity = ? AND sender = unhex(given.value)",
        (json.dumps([digest.hex() for digest in keys]), identity),
    )
    return frozenset(keys[bytes(row[0])] for row in rows)


def forget(connection: Connection, identity: bytes) -> None:
    """Forget whose messages an identity has opened."""
    connection.execute("DELETE FROM heard_from WHERE identity = ?", (identity,))
