"""Places in the daemon's log that followers keep, each under a name."""

import fcntl
import hashlib
import os
from pathlib import Path

from attrs import define, field

from qabel.cli.errors import CommandError, usage_error

MAX_NAME = 64
MAX_PLACE = 500
"""Characters of a place."""


def is_name(name: str) -> bool:
    """Tell whether it can be the name of a file without meaning anything else."""
    letters = name.replace("-", "").replace("_", "").replace(".", "")
    return 0 < len(name) <= MAX_NAME and letters.isascii() and letters.isalnum() and name[0] != "."


@define
class KeptPlace:
    """One follower's place in one daemon's log, in a file. One process uses it at a time."""

    path: Path
    _lock: int = field(default=-1, repr=False)
    _kept: str | None = field(default=None, repr=False)

    @classmethod
    def open(cls, state: Path, target: str, name: str) -> "KeptPlace":
        """Take the place of a name, for this process alone. Raises CommandError.

        Args:
            state: the directory for what is remembered.
            target: which daemon it is.
            name: the follower's.

        """
        if not is_name(name):
            raise usage_error(
                f"{name!r} is no name for --resume", "letters, digits, dots and dashes"
            )
        daemon = hashlib.sha256(target.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        folder = state / "follow" / daemon
        kept = cls(folder / name)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            kept._take_lock()
        except OSError as error:
            raise usage_error(f"{kept.path} cannot be used: {error.strerror}") from None
        return kept

    def read(self) -> str | None:
        """Give the place; None if none was kept yet. Raises CommandError."""
        try:
            with self.path.open(encoding="ascii", errors="replace") as file:
                place = file.read(MAX_PLACE).strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise usage_error(f"{self.path} cannot be read: {error.strerror}") from None
        if not place.isascii() or not place.isprintable() or not place:
            raise CommandError(
                f"{self.path} holds no place any more",
                hint="give --since 0 to begin with the oldest message",
            )
        return place

    def write(self, place: str) -> None:
        """Keep a place: this one or, if a crash comes between, the one before."""
        if place == self._kept:
            return
        fresh = self.path.with_name(f".{self.path.name}.new")
        try:
            with fresh.open("w", encoding="ascii") as file:
                file.write(place + "\n")
            fresh.replace(self.path)
            self._kept = place
        except (OSError, UnicodeEncodeError) as error:
            raise CommandError(f"{self.path} cannot be written: {error}") from None

    def close(self) -> None:
        """Let other processes use it."""
        os.close(self._lock)

    def _take_lock(self) -> None:
        path = self.path.with_name(f".{self.path.name}.lock")
        self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise CommandError(
                f"another qabel follow --resume {self.path.name} is running",
                hint="choose another name",
            ) from None
