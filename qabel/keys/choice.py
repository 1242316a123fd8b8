"""Where the database key is stored, as users choose it with ``--key``.

::

    file                    DIR/database-key, created at the first start
    file:PATH               another file, mode 0600
    keyring                 the desktop keyring
    passphrase-file:PATH    a passphrase in a file, mode 0600
    passphrase-fd:N         a passphrase from a file descriptor; prompted for on a terminal
    credential:NAME         a passphrase that systemd passes, with LoadCredential=

A passphrase is never taken from a command line, which every user of the machine can read.
"""

import getpass
import os
from collections.abc import Callable
from pathlib import Path
from shlex import quote

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
    """Return the source that a user chose, reading a passphrase at once. Raises StartError.

    Args:
        choice: as above.
        directory: of the database.
        new: whether a passphrase that is typed is a new one, and prompted for twice.

    """
    kind, colon, value = choice.partition(":")
    if kind == "file":
        return KeyFile(_path(value) if colon else directory / KEY)
    if kind == "keyring" and not colon:
        return DesktopKeyring(directory)
    # An invalid choice is not quoted: it may be a passphrase that somebody put there.
    read = _READERS.get(kind)
    if read is None:
        raise StartError(f"invalid key; it must be one of: {CHOICES}")
    # A credential of systemd is there as long as the daemon runs.
    file = _path(value) if kind == "passphrase-file" else None
    return Passphrase(directory / SEALED_KEY, read(value, new), passphrase_file=file)


def _path(value: str) -> Path:
    if not value:
        raise StartError(f"missing path in the key; it must be one of: {CHOICES}")
    return Path(value).expanduser().absolute()


def _from_file(value: str, _: bool) -> bytes:
    return _read_file(_path(value), forbidden=OTHERS)


def _from_credential(value: str, _: bool) -> bytes:
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise StartError(
            "no credentials were passed; start the daemon with systemd, and LoadCredential="
        )
    if not value or "/" in value or value in (".", ".."):
        raise StartError("invalid credential; give its name, as in credential:passphrase")
    # systemd grants access by an access control list, which shows as group permissions.
    return _read_file(Path(directory) / value, forbidden=0o027)


def _from_descriptor(value: str, new: bool) -> bytes:
    if not (value.isascii() and value.isdecimal() and len(value) < 7):
        raise StartError("invalid file descriptor; give its number, as in passphrase-fd:3")
    descriptor = int(value)
    try:
        if os.isatty(descriptor):
            return _prompt(new=new)
        return _one_line(_read_line(descriptor), f"file descriptor {descriptor}")
    except OSError as error:
        raise StartError(f"file descriptor {value} cannot be read: {error.strerror}") from None


_READERS: dict[str, Callable[[str, bool], bytes]] = {
    "passphrase-file": _from_file,
    "passphrase-fd": _from_descriptor,
    "credential": _from_credential,
}


def _prompt(*, new: bool) -> bytes:
    """Prompt for a passphrase on the terminal, without showing it."""
    try:
        text = getpass.getpass("New passphrase: " if new else "Passphrase: ")
        if new and getpass.getpass("Repeat the passphrase: ") != text:
            raise StartError("the passphrases do not match")
    except EOFError:
        text = ""
    return _one_line(os.fsencode(text), "the terminal")


def _read_line(descriptor: int) -> bytes:
    """Read up to the end of the line, and no further: another passphrase may follow."""
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
            f"the passphrase file {path} is accessible to other users (mode {error.mode:04o});"
            f" run `chmod 600 {quote(str(path))}`, and change the passphrase if someone may have "
            "read it"
        ) from None
    except ForeignOwner:
        raise StartError(f"the passphrase file {path} belongs to another user") from None
    except TooLong:
        raise _not_one_line(str(path)) from None
    return _one_line(text, str(path))


def _one_line(text: bytes, where: str) -> bytes:
    line = text.removesuffix(b"\n").removesuffix(b"\r")
    if not line:
        raise StartError(f"empty passphrase from {where}")
    if b"\n" in line or len(line) > MAX_PASSPHRASE:
        raise _not_one_line(where)
    return line


def _not_one_line(where: str) -> StartError:
    return StartError(
        f"invalid passphrase from {where}: expected one line of at most {MAX_PASSPHRASE} bytes"
    )
