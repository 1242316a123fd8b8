"""The key of the database as it is stored, and what stores it."""

import secrets
from typing import Protocol, Self

import attrs

KEY_SIZE = 32
"""Bytes of a database key, which SQLCipher uses as it is, with no derivation."""

MAX_RECORD = 256 * 1024
"""Bytes of a record's text: enough for some thousands of keys."""

_EARLIER = "earlier "


@attrs.frozen
class KeyRecord:
    """The key in force; during a change, also the one that follows it; and the earlier ones.

    The earlier ones open nothing but the backups made in their time.
    """

    current: bytes = attrs.field(repr=False)
    following: bytes | None = attrs.field(default=None, repr=False)
    earlier: tuple[bytes, ...] = attrs.field(default=(), repr=False)

    @property
    def candidates(self) -> tuple[bytes, ...]:
        """The keys that may fit, the likeliest first: a change may have been interrupted anywhere.

        An earlier one fits where a backup was restored.
        """
        following = () if self.following is None else (self.following,)
        return (self.current, *following, *self.earlier)

    def changing(self, fits: bytes, following: bytes) -> Self:
        """Return the record to store while the key changes.

        Args:
            fits: the key that opens the database now.
            following: the key that will open it.

        """
        return attrs.evolve(self.settled(fits), following=following)

    def settled(self, fits: bytes) -> Self:
        """Return the record to store when it is known which key opens the database."""
        # Nothing was ever encrypted under a following key that does not fit.
        others = (key for key in (self.current, *self.earlier) if key != fits)
        return attrs.evolve(
            self, current=fits, following=None, earlier=tuple(dict.fromkeys(others))
        )

    def to_text(self) -> str:
        """Return the record as lines of hex digits."""
        lines = [self.current.hex()]
        if self.following is not None:
            lines.append(self.following.hex())
        lines += [_EARLIER + key.hex() for key in self.earlier]
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Parse what ``to_text`` returned. Raises ValueError, which quotes nothing."""
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
    """Return a new random key."""
    return secrets.token_bytes(KEY_SIZE)


class KeySource(Protocol):
    """Where a key is stored. Its methods may block: they are called on the database's thread.

    A change has three steps, each durable before the next: ``write`` both keys, encrypt the
    database under the new one, ``write`` the new key alone. Wherever it is interrupted, one of the
    keys fits.
    """

    @property
    def place(self) -> str:
        """Where that is, in a few words. Two sources with the same words share one place."""

    def read(self) -> KeyRecord:
        """Return what is stored. Raises KeyMissing, WrongKey or KeyTrouble."""

    def write(self, record: KeyRecord) -> None:
        """Replace what is stored, all or nothing, durably. Raises KeyTrouble."""

    def forget(self) -> None:
        """Remove what is stored. Raises KeyTrouble."""


@attrs.define(eq=False)
class GivenKey:
    """A key that the caller provides, for embedders and tests. Changes stay in memory.

    Args:
        key: 32 bytes.

    """

    _record: KeyRecord = attrs.field(
        converter=KeyRecord, alias="key", repr=False, on_setattr=attrs.setters.NO_OP
    )

    place = "the application's memory"

    def read(self) -> KeyRecord:
        """Return the key."""
        return self._record

    def write(self, record: KeyRecord) -> None:
        """Replace the key, in memory."""
        self._record = record

    def forget(self) -> None:
        """Do nothing: the key belongs to the caller."""
