"""Where a block server keeps what is uploaded: immutable objects under random names."""

import secrets
from typing import Protocol


class StorageFailed(Exception):
    """An object cannot be stored or read now.

    Args:
        text: why, for the log and for the client.
        is_full: whether there is no room.

    """

    def __init__(self, text: str, *, is_full: bool = False) -> None:
        super().__init__(text)
        self.is_full = is_full


class ObjectGone(Exception):
    """There is no object of that name any more."""


class ObjectWriter(Protocol):
    """Writes a new object."""

    name: str
    """Of the object."""

    async def write(self, data: bytes) -> None:
        """Write more of it. Raises StorageFailed."""

    async def finish(self) -> None:
        """Have it stored for good, all of it. Raises StorageFailed."""

    async def abort(self) -> None:
        """Delete what was written, or was even finished. Raises nothing."""


class ObjectReader(Protocol):
    """Reads an object, which may be deleted meanwhile."""

    async def read(self, size: int) -> bytes:
        """Return the next bytes, at most so many; none at the end. Raises StorageFailed."""

    async def close(self) -> None:
        """Read no more."""


class ObjectStore(Protocol):
    """A storage of objects."""

    async def create(self) -> ObjectWriter:
        """Begin a new object under a new name. Raises StorageFailed."""

    async def open(self, name: str, begin: int, end: int) -> ObjectReader:
        """Open a part of an object: bytes from ``begin`` to before ``end``.

        Raises ObjectGone, StorageFailed.
        """

    def settled(self, name: str) -> None:
        """Note that a new object is at a path now, or was given up."""

    async def delete(self, name: str) -> None:
        """Delete an object, if it is there. Raises StorageFailed."""

    async def names(self) -> "list[str]":
        """Return the names of all objects, without those that are being written.

        Raises StorageFailed.
        """

    async def close(self) -> None:
        """End what is under way."""


def new_object_name() -> str:
    """Return a name that was never used: 128 random bits."""
    return secrets.token_hex(16)
