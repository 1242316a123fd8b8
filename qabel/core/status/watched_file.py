"""A small secret file that must stay as it is while the daemon runs."""

import os
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import TypeAlias

from attrs import define, field

from qabel.core.status.troubles import Trouble, TroubleKind
from qabel.host.private_files import (
    OTHERS,
    ForeignOwner,
    OpenToOthers,
    TooLong,
    read_private,
)

MAX_SIZE = 2**20
"""Bytes of a file that is looked at."""

_Signature: TypeAlias = tuple[int, ...]


@define(eq=False)
class WatchedFile:
    """A file that is to be there, unchanged, and closed to other users.

    It is read only if its data in the directory have changed, so looking at it often costs little.

    Args:
        kind: the trouble that it makes.
        path: the file.
        what: the name of its content, to begin a sentence with.
        is_as_it_was: returns whether the content is what it is to be.
        forbidden: permission bits that it may not have.

    """

    _kind: TroubleKind
    path: Path
    _what: str
    _is_as_it_was: Callable[[bytes], bool]
    _forbidden: int = field(default=OTHERS, kw_only=True)
    _good: _Signature | None = field(default=None, init=False)
    """What the system said of the file when it was last good."""

    def look(self) -> Trouble | None:
        """Return what is wrong with the file; blocks while it is read."""
        problem = self._problem()
        return None if problem is None else Trouble(self._kind, problem, str(self.path))

    def _problem(self) -> str | None:
        try:
            signature = _signature(self.path)
            if signature != self._good and not self._is_as_it_was(self._read()):
                return f"{self._what} in {self.path} was changed while the daemon was running."
            self._good = signature
        except FileNotFoundError:
            return f"{self._what} is missing: there is no file {self.path}."
        except OSError as error:
            return f"{self.path} cannot be read: {error.strerror or error}."
        except OpenToOthers as error:
            return f"Other users can access {self.path} (mode {error.mode:04o})."
        except ForeignOwner:
            return f"{self.path} belongs to another user."
        return None

    def _read(self) -> bytes:
        try:
            return read_private(self.path, limit=MAX_SIZE, forbidden=self._forbidden)
        except TooLong:
            return b""


def remembered(path: Path) -> Callable[[bytes], bool]:
    """Return a function that returns whether a content is what is in a file now.

    The content itself is not kept. If there is no file now, the first content asked about counts.
    """
    salt = os.urandom(16)
    known: list[bytes] = []

    def is_as_it_was(content: bytes) -> bool:
        digest = blake2b(content, key=salt).digest()
        if not known:
            known.append(digest)
        return digest == known[0]

    try:
        is_as_it_was(path.read_bytes())
    except OSError:
        known.clear()
    return is_as_it_was


def _signature(path: Path) -> _Signature:
    status = path.stat()
    return (
        status.st_dev,
        status.st_ino,
        status.st_mode,
        status.st_uid,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )
