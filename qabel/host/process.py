"""What a daemon needs of its process: to start or say why not, a directory of its own, a clock.

Nothing here knows Qabel. All that can keep a daemon from starting is a `StartError`, whose text is
one line for its user; `report_start_errors` has it end a ``twistd`` process without a traceback.
"""

import atexit
import errno
import fcntl
import gc
import os
import stat
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import attrs
from twisted.logger import Logger

_log = Logger()

GARBAGE_THRESHOLDS = 7_000, 10, 20
"""How many objects, young and middle-aged collections come before the next older one."""

LOCK_NAME = "lock"
"""The file in a data directory that tells that a process uses it."""


class StartError(Exception):
    """Why a daemon cannot start: one line that is fit for its user."""


def report_start_errors(name: str) -> None:
    """Have a StartError that nobody catches end the process with one line, and status 1.

    When starting raises, ``twistd`` takes back its pid file, tells a waiting parent, and lets the
    exception go on to the interpreter. ``name`` is what the line begins with.
    """
    others = sys.__excepthook__

    def show(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, StartError):
            _say(f"{name}: {error}")
        else:
            others(kind, error, traceback)

    sys.excepthook = show


def fail_start(message: str, reactor: Any) -> None:
    """End a process whose reactor already runs: one line, a clean stop, and status 1."""
    _say(message)
    atexit.register(_exit_failed)
    if reactor.running:
        reactor.stop()


def _say(line: str) -> None:
    """Write a line to standard error, and to the log if there is one."""
    line = " ".join(line.split())
    stream = sys.__stderr__ or sys.stderr
    stream.write(line + "\n")
    stream.flush()
    # Once logging has begun, Twisted takes sys.stderr for it; before, it would write there itself.
    if stream is not sys.stderr:
        _log.critical("{line}", line=line)


def _exit_failed() -> NoReturn:
    """End with status 1, which twistd has no way to give once the reactor has run."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def close_to_others(paths: Iterable[Path]) -> None:
    """Take from everybody else all rights to these files and directories; raises StartError.

    Says so in the log where there were any. What is missing is passed over.
    """
    for path in paths:
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077:
                path.chmod(mode & ~0o077)
                _log.warn("{path} was open to other users; it is no longer.", path=str(path))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StartError(f"{path} cannot be closed to other users: {_reason(error)}") from None


def private_directory(path: Path, *, mode: int = 0o700) -> Path:
    """Make a directory that only its owner can enter, or see that there is one; StartError if not.

    One that others can enter is closed to them only if it is empty or has been a data directory
    before: it could be a home directory, or one that programs share. A mode of 0710 lets its group
    pass through to files whose names it knows, and that let it in.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=mode, exist_ok=True)
        status = path.stat()
        if status.st_uid != os.geteuid():
            raise StartError(f"the data directory {path} belongs to another user")
        if stat.S_IMODE(status.st_mode) & 0o077 & ~mode:
            if any(path.iterdir()) and not (path / LOCK_NAME).exists():
                raise StartError(
                    f"the data directory {path} is open to other users and holds other files;"
                    " give a directory of its own, or run: chmod 700 on it"
                )
            path.chmod(mode)
        elif mode & ~stat.S_IMODE(status.st_mode):
            path.chmod(mode)
    except OSError as error:
        raise StartError(f"the data directory {path} cannot be used: {_reason(error)}") from None
    return path


@attrs.define(eq=False)
class DirectoryLock:
    """The right to use a directory, held by one process at a time. It ends with the process."""

    directory: Path
    _descriptor: int | None = attrs.field(default=None, init=False)

    def acquire(self) -> Self:
        """Take the lock; raises StartError if another process, or another lock, has it."""
        path = self.directory / LOCK_NAME
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise StartError(f"cannot open {path}: {_reason(error)}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise StartError(f"cannot lock {path}: {_reason(error)}") from None
            who = f"another process (process {holder})" if holder.isdecimal() else "another process"
            if holder == str(os.getpid()):
                who = "this process already"
            raise StartError(f"the data directory {self.directory} is in use by {who}") from None
        self._descriptor = descriptor
        return self

    def release(self) -> None:
        """Give the lock back; does nothing if it is not held."""
        if self._descriptor is not None:
            # The file stays: to remove it could take away a lock that was got meanwhile.
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


@attrs.frozen
class _SteadyClock:
    """The time of a clock when this one began, and the seconds that really passed since."""

    _offset: float

    def __call__(self) -> float:
        return time.monotonic() + self._offset


def use_steady_clock(reactor: Any) -> None:
    """Have a reactor's timers go by a clock that never jumps; does nothing the second time.

    Twisted's go by the time of day: set back by an hour, they stand still for an hour. The new
    clock goes on from the old one's value, so timers that are already set stay right.
    """
    if not isinstance(reactor.seconds, _SteadyClock):
        reactor.seconds = _SteadyClock(reactor.seconds() - time.monotonic())


def keep_for_good() -> None:
    """Have the garbage collector look no more at what is there now, and seldom at the rest.

    What is there stays anyway: a whole look at a daemon that does nothing takes about 50 ms, in
    which nobody is answered. So does one at what a thousand connections need, which was taken
    whenever they all were told something. It is taken a twentieth as often; what waits for it
    meanwhile, some 45 MB at most, is of connections that were open for long.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
