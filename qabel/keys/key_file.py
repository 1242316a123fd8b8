"""The database key in a file, and what all files with keys have in common."""

from pathlib import Path
from shlex import quote

import attrs

from qabel.host.private_files import (
    ForeignOwner,
    OpenToOthers,
    TooLong,
    read_private,
    remove_private,
    write_private,
)
from qabel.store.database.errors import KeyMissing, KeyTrouble
from qabel.store.file_names import SEALED_KEY
from qabel.store.key_record import KEY_SIZE, MAX_RECORD, KeyRecord

MAX_KEY_FILE = 4 * MAX_RECORD
"""Bytes that a file with a key may have, sealed or not."""


@attrs.frozen
class KeyFile:
    """A file of mode 0600 with the key as 64 hex digits; during a change, a second line.

    What protects the database is then the permissions of this file, and whatever encrypts the
    disk: it keeps out other users and stolen copies of the database, not a stolen computer.
    """

    path: Path

    @property
    def place(self) -> str:
        """The file, in words."""
        return f"the file {self.path}"

    @property
    def files(self) -> list[tuple[Path, str]]:
        """The file, with the name of its content."""
        return [(self.path, "The database key")]

    def read(self) -> KeyRecord:
        """Return what the file holds. Raises KeyMissing, or KeyTrouble if it cannot be trusted."""
        try:
            content = read_key_file(self.path, "database key", limit=MAX_KEY_FILE)
        except KeyMissing:
            sealed = self.path.with_name(SEALED_KEY)
            if sealed.exists():
                raise KeyMissing(
                    f"The database key is sealed under a passphrase, in {sealed}. Pass --key with "
                    "the passphrase: passphrase-fd:0, passphrase-file:PATH or credential:NAME."
                ) from None
            raise
        if content.lstrip().startswith(b"{"):
            raise KeyTrouble(
                f"{self.path} has the key sealed under a passphrase. Put it into the data "
                f"directory as {SEALED_KEY}, or beside a backup as NAME.key, and pass --key with "
                "the passphrase."
            )
        try:
            return KeyRecord.from_text(content.decode("ascii"))
        except ValueError:
            raise KeyTrouble(
                f"{self.path} contains no database key: expected one line of {2 * KEY_SIZE} hex "
                "digits. Restore it from a backup."
            ) from None

    def write(self, record: KeyRecord) -> None:
        """Replace the file, all or nothing, durably. Raises KeyTrouble."""
        write_key_file(self.path, record.to_text().encode("ascii"))

    def forget(self) -> None:
        """Remove the file."""
        remove_key_file(self.path)


def read_key_file(path: Path, what: str, *, limit: int) -> bytes:
    """Return the content of a file that leads to the key.

    Args:
        path: the file.
        what: the file contains, for the texts of errors.
        limit: bytes that it may have.

    Raises:
        KeyMissing: there is no such file.
        KeyTrouble: others may read it, it belongs to another user, or it cannot be read.

    """
    try:
        return read_private(path, limit=limit)
    except FileNotFoundError:
        raise KeyMissing(
            f"The {what} is missing: there is no file {path}. Restore it from a backup, or use "
            "--key if the key is stored elsewhere."
        ) from None
    except OSError as error:
        raise KeyTrouble(f"{path} cannot be read: {error.strerror}.") from error
    except OpenToOthers as error:
        raise KeyTrouble(
            f"The {what} {path} is accessible to other users (mode {error.mode:04o}). Run "
            f"`chmod 600 {quote(str(path))}`, and change the key if someone may have read it."
        ) from None
    except ForeignOwner:
        raise KeyTrouble(f"The {what} {path} belongs to another user.") from None
    except TooLong:
        raise KeyTrouble(f"{path} contains no {what}: it is longer than {limit} bytes.") from None


def write_key_file(path: Path, content: bytes) -> None:
    """Replace a file that leads to the key, all or nothing, durably. Raises KeyTrouble."""
    try:
        write_private(path, content)
    except OSError as error:
        raise KeyTrouble(f"{path} cannot be written: {error.strerror}.") from error


def remove_key_file(path: Path) -> None:
    """Remove a file that leads to the key. Raises KeyTrouble."""
    try:
        remove_private(path)
    except OSError as error:
        raise KeyTrouble(f"{path} cannot be removed: {error.strerror}.") from error
