"""The key of the database, and the places that it is kept in."""

import secrets
from typing import Protocol, Self

import attrs

from qabel.store.database.connection import KEY_SIZE

MAX_RECORD = 256 * 1024
"""Bytes of a record's text: some thousands of keys."""

_EARLIER = "earlier "


@attrs.frozen
class KeyRecord:
    """The key in force; during a change also the one that is to follow; and those before.

    The earlier ones open nothing but the backups made in their time.
    """

    current: bytes = attrs.field(repr=False)
    following: bytes | None = attrs.field(default=None, repr=False)
    earlier: tuple[bytes, ...] = attrs.field(default=(), repr=False)

    @property
    def candidates(self) -> tuple[bytes, ...]:
        """The keys that may fit, the likeliest first: a change may have been cut off anywhere.

        An earlier one fits where a backup was put in the database's place.
        """
        following = () if self.following is None else (self.following,)
        return (self.current, *following, *self.earlier)

    def changing(self, fits: bytes, following: bytes) -> Self:
        """Give what is to be kept while the key changes.

        Args:
            fits: the key that opens the database now.
            following: the key that is to open it.

        """
        return attrs.evolve(self.settled(fits), following=following)

    def settled(self, fits: bytes) -> Self:
        """Give what is to be kept when it is known which key opens the database."""
        # Under a key that was to follow, and does not fit, nothing was ever written.
        others = (key for key in (self.current, *self.earlier) if key != fits)
        return attrs.evolve(
            self, current=fits, following=None, earlier=tuple(dict.fromkeys(others))
        )

    def to_text(self) -> str:
        """Write it as lines of hex digits."""
        lines = [self.current.hex()]
        if self.following is not None:
            lines.append(self.following.hex())
        lines += [_EARLIER + key.hex() for key in self.earlier]
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what ``to_text`` wrote. Raises ValueError, which quotes nothing."""
        lines = text.splitlines()
        earlier = tuple(_key(line[len(_EARLIER) :]) for line in lines if line.startswith(_EARLIER))
        present = [_key(line) for line in lines[: len(lines) - len(earlier)]]
        if len(present) not in (1, 2):
            raise ValueError("no key, or too many")
        return cls(present[0], present[1] if present[1:] else None, earlier)


def _key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_SIZE or len(text) != 2 * KEY_SIZE:
        raise ValueError("not the hex digits of a key")
    return key


def fresh_key() -> bytes:
    """Make a random key."""
    return secrets.token_bytes(KEY_SIZE)


class KeySource(Protocol):
    """Where a key is kept. Its methods may block: they are called on the database's thread.

    A change goes in three steps, each durable before the next: ``write`` both keys, encrypt the
    database anew, ``write`` the new key alone. Whatever is cut off, one of the keys fits.
    """

    @property
    def place(self) -> str:
        """Say in a few words where that is. Two sources with the same words share one place."""

    def read(self) -> KeyRecord:
        """Give what is kept. Raises KeyMissing, WrongKey or KeyTrouble."""

    def make(self) -> KeyRecord:
        """Give the key for a new database: what is kept, or else a fresh one, kept from now on."""

    def write(self, record: KeyRecord) -> None:
        """Keep this in place of what was kept: all of it or nothing. Raises KeyTrouble."""

    def forget(self) -> None:
        """Keep nothing any more. Raises KeyTrouble."""


class GivenKey:
    """A key that the caller holds, for embedders and tests. A change is kept in memory only."""

    place = "the application's memory"

    def __init__(self, key: bytes) -> None:
        self._record = KeyRecord(key)

    def read(self) -> KeyRecord:
        """Give the key."""
        return self._record

    def make(self) -> KeyRecord:
        """Give the key."""
        return self._record

    def write(self, record: KeyRecord) -> None:
        """Hold this from now on."""
        self._record = record

    def forget(self) -> None:
        """Do nothing: it is the caller's."""
