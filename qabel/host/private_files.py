"""Files for their owner alone: checked when they are read, and replaced all or nothing.

Nothing here knows Qabel. What the system refuses is an OSError.
"""

import os
import stat
from pathlib import Path

import attrs

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""The permission bits of everybody but the owner."""


class NotPrivate(Exception):
    """A file was not read: somebody else may have read or written it."""


@attrs.frozen
class OpenToOthers(NotPrivate):
    """The permissions of the file let others in."""

    mode: int


class ForeignOwner(NotPrivate):
    """The file belongs to another user, who is not root either."""


class TooLong(Exception):
    """The file is longer than what it should hold can be."""


def read_private(path: Path, *, limit: int, forbidden: int = OTHERS) -> bytes:
    """Return the content of a file that nobody else may read.

    Args:
        path: the file.
        limit: bytes that it may have.
        forbidden: permission bits that it must not have.

    Raises:
        OpenToOthers, ForeignOwner, TooLong, or OSError.

    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        mode = stat.S_IMODE(status.st_mode)
        if mode & forbidden:
            raise OpenToOthers(mode)
        if status.st_uid not in (os.geteuid(), 0):
            raise ForeignOwner
        content = file.read(limit + 1)
    if len(content) > limit:
        raise TooLong
    return content


def write_private(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Replace a file with new content, durably: whatever happens, it has the old or the new one.

    Raises OSError.
    """
    unfinished = _unfinished(path)
    unfinished.unlink(missing_ok=True)
    create_private(unfinished)
    with unfinished.open("wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
    replace_durably(unfinished, path)


def remove_private(path: Path) -> None:
    """Remove a file, and what an interrupted ``write_private`` left beside it. Raises OSError."""
    _unfinished(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    sync(path.parent)


def create_private(path: Path) -> None:
    """Create an empty file that only its owner may read, before anything is written to it.

    Raises FileExistsError or another OSError.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def replace_durably(unfinished: Path, path: Path) -> None:
    """Rename a file, replacing what had the name, once its content is on the disk.

    There is always one or the other under that name. Raises OSError.
    """
    sync(unfinished)
    unfinished.replace(path)
    sync(path.parent)


def publish_durably(unfinished: Path, path: Path) -> None:
    """Rename a file that is complete, once its content is on the disk; it replaces nothing.

    Until then nothing has that name; killed in between, it has both names. Raises FileExistsError
    or another OSError.
    """
    sync(unfinished)
    try:
        os.link(unfinished, path)
    except FileExistsError:
        raise
    except OSError:
        # Some file systems have no hard links: only there the name is taken first.
        create_private(path)
        unfinished.replace(path)
    else:
        unfinished.unlink()
    sync(path.parent)


def create_directory(path: Path) -> None:
    """Create a directory for its owner alone, durably, unless it exists. Raises OSError."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if not path.is_dir():
            raise
    else:
        sync(path.parent)


def sync(path: Path) -> None:
    """Wait until the content of a file, or the entries of a directory, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unfinished(path: Path) -> Path:
    return path.with_name(path.name + ".new")
