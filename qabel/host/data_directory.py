"""A daemon's data directory: where it is, private to its owner, and locked by one process.

Nothing here knows Qabel. What makes a directory unusable is a `StartError`.
"""

import errno
import os
import pwd
import stat
from collections.abc import Iterable
from pathlib import Path
from shlex import quote
from typing import Self

import attrs
import platformdirs
from twisted.logger import Logger

from qabel.host.file_locks import lock_now
from qabel.host.private_files import OTHERS
from qabel.host.start_errors import StartError

_log = Logger()

LOCK_NAME = "lock"
"""The file in a data directory that is locked by the process that uses it."""

LONGEST = 375
"""Bytes that the real path of a data directory may have: SQLite opens files whose paths have up to
512, and the names of its files and of backups are to fit as well."""


def choose_data_directory(given: str | None, *, variable: str, name: str) -> Path:
    """Return the path of a data directory: as given, from the environment, or the platform's.

    It is absolute, because ``twistd`` may change the working directory.

    Args:
        given: on the command line, or None.
        variable: of the environment.
        name: of the application, for the platform's directory.

    """
    chosen = given or os.environ.get(variable) or platformdirs.user_data_dir(name, appauthor=False)
    return Path(chosen).expanduser().absolute()


def private_directory(path: Path, *, mode: int = 0o700) -> Path:
    """Create a directory that only its owner can enter, or check an existing one.

    An existing directory that others can enter is restricted only if it is empty or was a data
    directory before: otherwise it could be a home directory, or one shared between programs.

    Args:
        path: the directory.
        mode: 0710 lets its group reach files whose names it knows, and which let it in.

    Raises:
        StartError: the directory cannot be used.

    """
    try:
        _check_length(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=mode, exist_ok=True)
        status = path.stat()
        if status.st_uid != os.geteuid():
            raise StartError(
                f"the data directory {path} belongs to {_user(status.st_uid)}; run this as "
                "that user, or choose another directory"
            )
        if stat.S_IMODE(status.st_mode) & OTHERS & ~mode:
            if any(path.iterdir()) and not (path / LOCK_NAME).exists():
                raise StartError(
                    f"the data directory {path} contains other files and is accessible to other "
                    f"users; choose a directory of its own, such as {path / 'data'}, or, if all of "
                    f"{path} belongs to the daemon, run: chmod 700 {quote(str(path))}"
                )
            path.chmod(mode)
        elif mode & ~stat.S_IMODE(status.st_mode):
            path.chmod(mode)
    except OSError as error:
        raise StartError(f"the data directory {path} cannot be used: {_reason(error)}") from None
    return path


def _check_length(path: Path) -> None:
    """Raise StartError if the path of a directory is too long, before anything is created."""
    size = len(os.fsencode(os.path.realpath(path)))
    if size > LONGEST:
        raise StartError(
            f"the path of the data directory {path} has {size} bytes; at most {LONGEST} are "
            "possible: choose a shorter one"
        )


def close_to_others(paths: Iterable[Path]) -> None:
    """Remove everybody else's permissions from files and directories, and log where there were any.

    Missing ones are skipped. Raises StartError.
    """
    for path in paths:
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & OTHERS:
                path.chmod(mode & ~OTHERS)
                _log.warn(
                    "{path} was accessible to other users; their permissions were removed.",
                    path=str(path),
                )
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StartError(
                f"cannot remove other users' permissions from {path}: {_reason(error)}"
            ) from None


@attrs.define(eq=False)
class DirectoryLock:
    """The right to use a directory, held by one process at a time; it ends with the process."""

    directory: Path
    _descriptor: int | None = attrs.field(default=None, init=False)

    def acquire(self) -> Self:
        """Take the lock. Raises StartError if another process, or another lock, holds it."""
        path = self.directory / LOCK_NAME
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise StartError(f"cannot open {path}: {_reason(error)}") from None
        try:
            lock_now(descriptor)
            _note_holder(descriptor)
        except OSError as error:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise StartError(f"cannot lock {path}: {_reason(error)}") from None
            raise StartError(
                f"the data directory {self.directory} is in use by {_process(holder)}"
            ) from None
        self._descriptor = descriptor
        return self

    def release(self) -> None:
        """Release the lock; does nothing if it is not held."""
        if self._descriptor is not None:
            # The file stays: removing it could remove a lock that was acquired in the meantime.
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def _note_holder(descriptor: int) -> None:
    """Write this process's id to the lock file, in place; a full disk does not prevent the lock."""
    text = f"{os.getpid()}\n".encode()
    try:
        os.pwrite(descriptor, text, 0)
        os.ftruncate(descriptor, len(text))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise


def _process(holder: str) -> str:
    """Describe the process whose id is in the lock file."""
    if holder == str(os.getpid()):
        return "this process already"
    return f"another process (process {holder})" if holder.isdecimal() else "another process"


def _user(number: int) -> str:
    """Name a user, by number if the system knows no name."""
    try:
        return f"another user ({pwd.getpwuid(number).pw_name})"
    except KeyError:
        return f"another user (number {number})"


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
