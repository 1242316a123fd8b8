"""Cursors in the daemon's event log that ``qabel follow --resume`` saves, each under a name."""

import hashlib
import os
from pathlib import Path

from attrs import define, field

from qabel.cli.errors import CommandError, ExitStatus, usage_error
from qabel.cli.files import parse_word, read_file, write_file
from qabel.host.file_locks import lock_now

MAX_NAME = 64
MAX_CURSOR = 500
"""Bytes of a cursor."""


def is_name(name: str) -> bool:
    """Return whether a name is fit for a file: no path, no hidden file."""
    letters = name.replace("-", "").replace("_", "").replace(".", "")
    return 0 < len(name) <= MAX_NAME and letters.isascii() and letters.isalnum() and name[0] != "."


@define
class CursorFile:
    """A follower's cursor in the event log of one daemon. One process uses it at a time."""

    path: Path
    _lock: int = field(default=-1, repr=False)
    _saved: str | None = field(default=None, repr=False)

    @classmethod
    def open(cls, state: Path, daemon: str, name: str) -> "CursorFile":
        """Open and lock the file for a name. Raises CommandError.

        Args:
            state: the directory for what the command remembers.
            daemon: the address of the daemon.
            name: the follower's name.

        """
        if not is_name(name):
            hint = f"Use at most {MAX_NAME} letters, digits, dots, dashes and underscores"
            raise usage_error(f"Invalid name for --resume: {name!r}", hint)
        digest = hashlib.sha256(daemon.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        folder = state / "follow" / digest
        opened = cls(folder / name)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            opened._take_lock()
        except OSError as error:
            raise usage_error(f"Cannot use {opened.path}: {error.strerror}") from None
        return opened

    def load(self) -> str | None:
        """Return the cursor; None if none was saved yet. Raises CommandError."""
        try:
            data = read_file(self.path, MAX_CURSOR)
        except CommandError as error:
            if error.exit_status == ExitStatus.NOT_FOUND:
                return None
            raise
        cursor = parse_word(data.decode("ascii", "replace"))
        if not cursor:
            raise CommandError(
                f"{self.path} does not contain a cursor",
                hint="Pass --since 0 to start with the oldest message",
            )
        return cursor

    def save(self, cursor: str) -> None:
        """Save a cursor. If the process is killed, the file has this cursor or the last one."""
        if cursor == self._saved:
            return
        try:
            write_file(self.path, cursor.encode("ascii") + b"\n", sync=False)
        except (OSError, UnicodeEncodeError) as error:
            raise CommandError(f"Cannot write {self.path}: {error}") from None
        self._saved = cursor

    def close(self) -> None:
        """Release the lock."""
        os.close(self._lock)

    def _take_lock(self) -> None:
        path = self.path.with_name(f".{self.path.name}.lock")
        self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            lock_now(self._lock)
        except BlockingIOError:
            os.close(self._lock)
            raise CommandError(
                f"Another qabel follow --resume {self.path.name} is running",
                hint="Stop it, or choose another name",
            ) from None
