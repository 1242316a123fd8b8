"""Small files that only their owner may read: keys, and what leads to them."""

import os
import stat
from pathlib import Path

from qabel.store.database.connection import create_private, sync_directory
from qabel.store.database.errors import KeyMissing, KeyTrouble


def read_private(path: Path, what: str, *, limit: int) -> bytes:
    """Read a file that nobody else may read.

    Args:
        path: the file.
        what: it holds, for the texts of errors.
        limit: bytes at most; what is longer is none of ours.

    Raises:
        KeyMissing: there is none.
        KeyTrouble: others may read it, it is another user's, or it cannot be read.

    """
    try:
        with path.open("rb") as file:
            _check_owner(os.fstat(file.fileno()), path, what)
            text = file.read(limit + 1)
    except FileNotFoundError:
        raise KeyMissing(
            f"{what}, {path}, is missing; without it the database cannot be opened. Put it back "
            "from a backup, or say with --key where the key is kept, if that is elsewhere."
        ) from None
    except OSError as error:
        raise KeyTrouble(f"{path} cannot be read: {error.strerror}.") from error
    if len(text) > limit:
        raise KeyTrouble(f"{path} is too long for what it should hold.")
    return text


def write_private(path: Path, text: bytes) -> None:
    """Replace a file at one stroke, durably. Raises KeyTrouble."""
    fresh = _fresh_name(path)
    try:
        fresh.unlink(missing_ok=True)
        create_private(fresh)
        with fresh.open("wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise KeyTrouble(f"{path} cannot be written: {error.strerror}.") from error


def remove_private(path: Path) -> None:
    """Remove a file, and what a cut off writing of it left behind. Raises KeyTrouble."""
    try:
        _fresh_name(path).unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        sync_directory(path.parent)
    except OSError as error:
        raise KeyTrouble(f"{path} cannot be removed: {error.strerror}.") from error


def _fresh_name(path: Path) -> Path:
    return path.with_name(path.name + ".new")


def _check_owner(status: os.stat_result, path: Path, what: str) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise KeyTrouble(
            f"Others may read {what[0].lower()}{what[1:]}, {path} (mode {mode:04o}): `chmod 600` "
            "it, and change the key if someone may have read it."
        )
    if status.st_uid not in (os.geteuid(), 0):
        raise KeyTrouble(f"{what}, {path}, belongs to another user.")
