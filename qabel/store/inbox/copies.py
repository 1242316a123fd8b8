"""Copies: the same message, sealed for each drop of its recipient, is shown once.

The Java client of 2015 seals a message separately for each drop of its recipient, so that the boxes
differ. Messages that are equal otherwise are copies of each other if they come from different drops
of an identity; the same message twice in one drop is two messages. So a message is shown as often
as the drop that holds it most often holds it.

What is stored of a message for that is a digest under a random key, which tells nobody what the
message was; it outlasts the message, as a copy may come after the message was deleted.
"""

from collections.abc import Iterable
from hashlib import blake2b

import attrs

from qabel.store.database.connection import Connection, fetch_one
from qabel.store.inbox.message_rows import NewMessage
from qabel.store.inbox.seen import DAY

KEEP_DAYS = 7
"""Days in which copies of a message are recognized."""

FORGET_AT_ONCE = 5_000
"""Digests deleted in one transaction."""


@attrs.frozen
class Copies:
    """Recognizes copies among messages from one drop, within a transaction.

    Args:
        connection: in the transaction that stores the messages.
        url: the drop.
        now: milliseconds since the epoch.

    """

    _connection: Connection = attrs.field(repr=False)
    _url: str = attrs.field(repr=False)
    _now: int
    _key: bytes = attrs.field(init=False, repr=False)
    _place: bytes = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        key = bytes(fetch_one(self._connection, "SELECT copies_key FROM state")[0])
        object.__setattr__(self, "_key", key)
        object.__setattr__(self, "_place", _digest(key, [self._url.encode()], 8))

    def is_copy(self, message: NewMessage) -> bool:
        """Return whether a message, which is recorded, is a copy of one from another drop."""
        digest = _digest(self._key, _content(message), 16)
        oldest = self._now // DAY - KEEP_DAYS
        counts = dict(
            self._connection.execute(
                "SELECT place, sum(messages) FROM copies WHERE digest = ? AND day >= ? "
                "GROUP BY place",
                (digest, oldest),
            ).fetchall()
        )
        self._connection.execute(
            "INSERT INTO copies (digest, place, day, receiver, messages) VALUES (?, ?, ?, ?, 1) "
            "ON CONFLICT DO UPDATE SET messages = messages + 1",
            (digest, self._place, self._now // DAY, _receiver(self._key, message.receiver)),
        )
        shown: int = max(counts.values(), default=0)
        return bool(counts.get(self._place, 0) < shown)


def forget_old(connection: Connection, now: int) -> bool:
    """Delete some digests that are too old; return whether there may be more of them.

    ``now`` is in milliseconds since the epoch.
    """
    deleted = connection.execute(
        "DELETE FROM copies WHERE (digest, place, day) IN "
        "(SELECT digest, place, day FROM copies WHERE day < ? LIMIT ?)",
        (now // DAY - KEEP_DAYS, FORGET_AT_ONCE),
    )
    return deleted.rowcount == FORGET_AT_ONCE


def forget_receiver(connection: Connection, receiver: bytes) -> None:
    """Delete the digests of all messages to an identity, given by its public key."""
    key = bytes(fetch_one(connection, "SELECT copies_key FROM state")[0])
    connection.execute("DELETE FROM copies WHERE receiver = ?", (_receiver(key, receiver),))


def _receiver(key: bytes, receiver: bytes) -> bytes:
    return _digest(key, [b"receiver", receiver], 8)


def _content(message: NewMessage) -> Iterable[bytes]:
    yield message.receiver
    yield message.sender
    yield b"%d" % message.time_stamp
    yield message.acknowledge_id.encode()
    yield message.model_object.encode()
    yield message.data


def _digest(key: bytes, pieces: Iterable[bytes], size: int) -> bytes:
    """Return a keyed digest of some pieces; where one ends counts, too."""
    found = blake2b(key=key, digest_size=size)
    for each in pieces:
        found.update(len(each).to_bytes(8) + each)
    return found.digest()
