"""Messages of a drop server as values: what is posted, kept, selected, and what it is charged."""

import hashlib

import attrs

from qabel.drop.url import DROP_ID_BITS
from qabel.dropserver.shared_drops import limit_of_drop
from qabel.host.http_server.sources import LOCAL, Source

DAY = 24 * 60 * 60
"""Seconds."""

MEGABYTE = 1_000_000
"""Bytes."""

MESSAGE_LIMIT = 2573
"""Bytes that a message may have: as on the deployed servers."""

MESSAGE_SIZE = 2149
"""Bytes of each message of Qabel."""

MESSAGE_COST = 128
"""Bytes that a message is charged in addition to its own."""

DROP_QUOTA = 100_000
"""Messages that a drop may have which nobody shares."""

HALF_OF_DISK = 0
"""A quota of half of the space that the messages have, or could have, on the disk."""


@attrs.frozen(kw_only=True)
class Retention:
    """How long messages are kept, and how many."""

    lifetime: float = 7 * DAY
    """Seconds that a message is kept."""
    quota: int = HALF_OF_DISK
    """Bytes of all messages, as they are charged."""
    drop_quota: int | None = None
    """Messages in one drop; None for ``DROP_QUOTA``, and more if people share drops."""
    drop_id_bits: int = DROP_ID_BITS
    """Random bits in the ids of new drops: the fewer, the more people share a drop."""

    @property
    def most_in_drop(self) -> int:
        """Messages that one drop may have, given the quota in bytes."""
        if self.drop_quota is not None:
            return self.drop_quota
        return limit_of_drop(DROP_QUOTA, self.quota // charge(MESSAGE_SIZE), self.drop_id_bits)


@attrs.frozen
class Selection:
    """The messages of a drop that are newer than some stamp, as they are at one moment."""

    after: int
    """The stamp that all of them are newer than."""
    newest: int
    """The stamp of the newest of them."""
    counted: tuple[int, int] | None
    """How many messages there are, and their bytes; None if there are many."""


@attrs.frozen
class Post:
    """A message that somebody leaves."""

    drop_id: str = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    source: Source = LOCAL
    """Where it comes from."""
    place: bytes = attrs.field(init=False, repr=False)
    """The hash of its drop."""

    @place.default
    def _hash(self) -> bytes:
        return hash_drop_id(self.drop_id)


@attrs.frozen
class Since:
    """What a reader has already: everything up to this stamp."""

    stamp: int
    is_ours: bool = True
    """Whether a server issued it as a stamp; otherwise it is a time of day."""


Row = tuple[int, bytes]
"""A message: its stamp and its bytes."""

Opened = tuple[Selection, list[Row]]
"""What is new in a drop: the selection, and its first messages."""

Place = tuple[int, int, bytes]
"""What is needed to delete a message: its stamp, its size, and the hash of its drop."""


def charge(size: int) -> int:
    """Return what a message is charged, by its size: each as much as a whole one at least."""
    return max(size, MESSAGE_SIZE) + MESSAGE_COST


def hash_drop_id(drop_id: str) -> bytes:
    """Return what the file holds instead of a drop id: the file alone gives access to no drop."""
    return hashlib.blake2b(drop_id.encode("ascii"), digest_size=20).digest()
