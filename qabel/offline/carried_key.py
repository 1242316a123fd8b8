"""The key of a database that is written into another data directory."""

from pathlib import Path

from qabel.host.private_files import write_private
from qabel.keys.choice import key_source
from qabel.keys.key_file import MAX_KEY_FILE, read_key_file
from qabel.store.database.errors import KeyMissing, KeyTrouble
from qabel.store.file_names import KEY, SEALED_KEY
from qabel.store.key_record import KeyRecord, KeySource

KEY_SUFFIX = ".key"
"""Ends the name of the file with the key of a backup, which stands beside it."""


def file_of(choice: str) -> str | None:
    """Return the name of the file in the data directory that a choice of key needs, if any."""
    kind, colon, _ = choice.partition(":")
    if kind == "file":
        return None if colon else KEY
    return None if kind == "keyring" else SEALED_KEY


def carry_key(choice: str, old: KeySource, directory: Path, new: Path) -> None:
    """Store the key of a data directory in another one, as it is stored there.

    Args:
        choice: where the key is stored, as for ``--key``.
        old: the same, opened.
        directory: the data directory.
        new: the other one.

    Raises:
        KeyTrouble: it cannot be stored.

    """
    name = file_of(choice)
    if name is not None:
        store_key_file(new / name, read_key_file(directory / name, "key", limit=MAX_KEY_FILE))
    elif choice == "keyring":
        key_source(choice, new).write(old.read())


def store_key_file(path: Path, content: bytes) -> None:
    """Write a file with a key, unless it is there. Raises KeyTrouble if it has another content."""
    try:
        if read_key_file(path, "key", limit=MAX_KEY_FILE) != content:
            raise KeyTrouble(f"{path} has another key; move it away first.")
    except KeyMissing:
        try:
            write_private(path, content)
        except OSError as error:
            raise KeyTrouble(f"{path} cannot be written: {error.strerror}.") from error


def key_in_keyring(directory: Path) -> bytes:
    """Return the key of a data directory in the desktop's keyring, as for a file of its own.

    Raises KeyTrouble.
    """
    return key_source("keyring", directory).read().to_text().encode("ascii")


def is_sealed(content: bytes) -> bool:
    """Return whether the content of a file with a key is sealed under a passphrase."""
    return content.lstrip().startswith(b"{")


def key_beside(backup: Path) -> bytes | None:
    """Return the content of the file with the key that stands beside a backup, if there is one.

    Raises KeyTrouble if others can read it.
    """
    try:
        return read_key_file(
            backup.with_name(backup.name + KEY_SUFFIX), "key of the backup", limit=MAX_KEY_FILE
        )
    except KeyMissing:
        return None


def source_with(content: bytes | None, choice: str, directory: Path) -> KeySource:
    """Return the source of the key for a data directory, into which a key was brought.

    Args:
        content: of the file with the key, if there is one.
        choice: where the key is to be found, as for ``--key``.
        directory: the new data directory.

    Raises:
        KeyTrouble: the choice does not fit the file, or the key cannot be stored.
        StartError: the choice is not valid.

    """
    if content is None:
        return key_source(choice, directory)
    if is_sealed(content):
        if file_of(choice) != SEALED_KEY:
            raise KeyTrouble(
                "The key beside the backup is sealed under a passphrase. Pass --key "
                "passphrase-fd:0 to type the passphrase, or another KEY with it."
            )
        store_key_file(directory / SEALED_KEY, content)
        return key_source(choice, directory)
    if choice == "file":
        store_key_file(directory / KEY, content)
    source = key_source(choice, directory)
    if file_of(choice) == SEALED_KEY or choice == "keyring":
        _store_missing(source, content)
    return source


def _store_missing(source: KeySource, content: bytes) -> None:
    """Store a key where none is stored yet."""
    try:
        source.read()
    except KeyMissing:
        try:
            source.write(KeyRecord.from_text(content.decode("ascii")))
        except ValueError:
            raise KeyTrouble("The file beside the backup contains no database key.") from None
