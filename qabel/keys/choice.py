"""Where the key of the database comes from, as users choose it with ``--key``.

::

    file                    DIR/database-key, made at the first start
    file:PATH               another file, mode 0600
    keyring                 the desktop's keyring
    passphrase-file:PATH    a passphrase in a file, mode 0600
    passphrase-fd:N         a passphrase from a file descriptor; from a terminal it is asked for
    credential:NAME         a passphrase that systemd hands over, with LoadCredential=

A passphrase never stands on a command line, which every user of the machine can read.
"""

import getpass
import os
from collections.abc import Callable
from pathlib import Path

from qabel.host.private_files import (
    OTHERS,
    ForeignOwner,
    OpenToOthers,
    TooLong,
    read_private,
)
from qabel.host.start_errors import StartError
from qabel.keys.key_file import KeyFile
from qabel.keys.keyring import DesktopKeyring
from qabel.keys.passphrase import Passphrase
from qabel.store.file_names import KEY, SEALED_KEY
from qabel.store.key_record import KeySource

CHOICES = "file, file:PATH, keyring, passphrase-file:PATH, passphrase-fd:N, credential:NAME"

MAX_PASSPHRASE = 4096
"""Bytes."""


def key_source(choice: str, directory: Path, *, new: bool = False) -> KeySource:
    """Make the source that a user has chosen; raises StartError. A passphrase is read at once.

    Args:
        choice: as above.
        directory: of the database.
        new: whether a passphrase that is typed in is a new one, and asked for twice.

    """
    kind, colon, value = choice.partition(":")
    if kind == "file":
        return KeyFile(_path(value) if colon else directory / KEY)
    if kind == "keyring" and not colon:
        return DesktopKeyring(directory)
    # What is no choice is not repeated: it may be a passphrase that somebody put there.
    read = _READERS.get(kind)
    if read is None:
        raise StartError(f"the key must be one of: {CHOICES}")
    return Passphrase(directory / SEALED_KEY, read(value, new))


def _path(value: str) -> Path:
    if not value:
        raise StartError(f"a path is missing; the key must be one of: {CHOICES}")
    return Path(value).expanduser().absolute()


def _from_file(value: str, _: bool) -> bytes:
    return _read_file(_path(value), forbidden=OTHERS)


def _from_credential(value: str, _: bool) -> bytes:
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise StartError(
            "there are no credentials: start the daemon from systemd, with LoadCredential="
        )
    if not value or "/" in value or value in (".", ".."):
        raise StartError("a credential is given by its name, as in credential:passphrase")
    # systemd lets the service in by an access list, which shows as rights of the group.
    return _read_file(Path(directory) / value, forbidden=0o027)


def _from_descriptor(value: str, new: bool) -> bytes:
    if not (value.isascii() and value.isdecimal() and len(value) < 7):
        raise StartError("a file descriptor is given by its number, as in passphrase-fd:3")
    descriptor = int(value)
    try:
        if os.isatty(descriptor):
            return _ask(new=new)
        return _one_line(_read_line(descriptor), f"file descriptor {descriptor}")
    except OSError as error:
        raise StartError(f"file descriptor {value} cannot be read: {error.strerror}") from None


_READERS: dict[str, Callable[[str, bool], bytes]] = {
    "passphrase-file": _from_file,
    "passphrase-fd": _from_descriptor,
    "credential": _from_credential,
}


def _ask(*, new: bool) -> bytes:
    """Ask for a passphrase on the terminal, which does not show it."""
    try:
        text = getpass.getpass("New passphrase: " if new else "Passphrase: ")
        if new and getpass.getpass("The same again: ") != text:
            raise StartError("the two passphrases differ")
    except EOFError:
        text = ""
    return _one_line(os.fsencode(text), "the terminal")


def _read_line(descriptor: int) -> bytes:
    """Read no further than the line's end: another passphrase may follow."""
    line = b""
    while len(line) <= MAX_PASSPHRASE and (byte := os.read(descriptor, 1)) not in (b"", b"\n"):
        line += byte
    return line


def _read_file(path: Path, *, forbidden: int) -> bytes:
    try:
        text = read_private(path, limit=MAX_PASSPHRASE + 2, forbidden=forbidden)
    except OSError as error:
        raise StartError(f"{path} cannot be read: {error.strerror}") from None
    except OpenToOthers as error:
        raise StartError(
            f"others may read the passphrase in {path} (mode {error.mode:04o}): chmod 600 it,"
            " and change the passphrase if someone may have read it"
        ) from None
    except ForeignOwner:
        raise StartError(f"the file with the passphrase, {path}, belongs to another user") from None
    except TooLong:
        raise _no_line(str(path)) from None
    return _one_line(text, str(path))


def _one_line(text: bytes, where: str) -> bytes:
    line = text.removesuffix(b"\n").removesuffix(b"\r")
    if not line:
        raise StartError(f"{where} gives no passphrase: it is empty")
    if b"\n" in line or len(line) > MAX_PASSPHRASE:
        raise _no_line(where)
    return line


def _no_line(where: str) -> StartError:
    return StartError(f"{where} gives no passphrase: that is a single line")
