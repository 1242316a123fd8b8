"""Where the key of the database comes from."""

import os
import secrets
import stat
from pathlib import Path
from typing import Protocol

import attrs

from qabel.store.connection import KEY_SIZE, create_private, sync_directory
from qabel.store.errors import KeyTrouble


@attrs.frozen
class KeyRecord:
    """The key in force; and during a change also the one that is to follow."""

    current: bytes = attrs.field(repr=False)
    following: bytes | None = attrs.field(default=None, repr=False)

    @property
    def candidates(self) -> tuple[bytes, ...]:
        """The keys that may fit, the likeliest first: a change may have been cut off anywhere."""
        return (self.current,) if self.following is None else (self.current, self.following)


class KeySource(Protocol):
    """Where a key is kept. Its methods may block: they are called on the database's thread.

    A change goes in three steps, each durable before the next: ``write`` both keys, encrypt the
    database anew, ``write`` the new key alone. Whatever is cut off, one of the keys fits.
    """

    def read(self) -> KeyRecord:
        """Give what is kept. Raises KeyTrouble."""

    def make(self) -> KeyRecord:
        """Give the key for a new database: what is kept, or else a fresh one, kept from now on."""

    def write(self, record: KeyRecord) -> None:
        """Keep this in place of what was kept: all of it or nothing. Raises KeyTrouble."""


class GivenKey:
    """A key that the caller holds, for embedders and tests. A change is kept in memory only."""

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


class KeyFile:
    """A file of mode 0600 with the key as 64 hex digits; during a change a second line.

    What protects the database is then the permissions of this file, and whatever encrypts the
    disk: it keeps out other users and stolen copies of the database, not a stolen computer.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> KeyRecord:
        """Read the file. Raises KeyTrouble if it is missing, malformed, or open to others."""
        try:
            with self.path.open("rb") as file:
                self._check_owner(os.fstat(file.fileno()))
                text = file.read(4 * KEY_SIZE + 4)
        except FileNotFoundError:
            raise KeyTrouble(
                f"The key of the database, {self.path}, is missing; without it the database "
                "cannot be opened. Put it back from a backup."
            ) from None
        except OSError as error:
            raise KeyTrouble(f"{self.path} cannot be read: {error.strerror}.") from error
        return self._parse(text)

    def make(self) -> KeyRecord:
        """Read the file; where there is none, write one with a fresh random key."""
        if self.path.exists():
            return self.read()
        record = KeyRecord(secrets.token_bytes(KEY_SIZE))
        self.write(record)
        return record

    def write(self, record: KeyRecord) -> None:
        """Replace the file at one stroke, durably. Raises KeyTrouble."""
        fresh = self.path.with_name(self.path.name + ".new")
        try:
            fresh.unlink(missing_ok=True)
            create_private(fresh)
            with fresh.open("wb") as file:
                file.write(b"".join(key.hex().encode() + b"\n" for key in record.candidates))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
            sync_directory(self.path.parent)
        except OSError as error:
            raise KeyTrouble(f"{self.path} cannot be written: {error.strerror}.") from error

    def _check_owner(self, status: os.stat_result) -> None:
        mode = stat.S_IMODE(status.st_mode)
        if mode & 0o077:
            raise KeyTrouble(
                f"Others may read the key of the database, {self.path} (mode {mode:04o}): "
                f"`chmod 600` it, and change the key if someone may have read it."
            )
        if status.st_uid not in (os.geteuid(), 0):
            raise KeyTrouble(f"The key of the database, {self.path}, belongs to another user.")

    def _parse(self, text: bytes) -> KeyRecord:
        try:
            keys = [bytes.fromhex(line.decode("ascii")) for line in text.splitlines()]
        except ValueError:
            keys = []
        if len(keys) not in (1, 2) or any(len(key) != KEY_SIZE for key in keys):
            raise KeyTrouble(
                f"{self.path} holds no database key: it must be one line of {2 * KEY_SIZE} "
                "hex digits. Put it back from a backup."
            )
        return KeyRecord(*keys)
