"""Paths of Unix sockets that are longer than the address of a socket may be.

An address holds about a hundred bytes of a path, whatever the file system allows. On Linux, a
longer path gets a short name: that of its directory, opened, among this process's files. Nothing
here knows Qabel, or needs Twisted.
"""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST = 107 if sys.platform == "linux" else 103
"""Bytes that the path in the address of a socket may have."""

DESCRIPTORS = Path("/proc/self/fd")
"""Where the process's open files have short names, if the system has that."""

_LONGEST_DESCRIPTOR = 7
"""Digits of the number of an open file."""


class PathTooLong(OSError):
    """No socket can have this path; ``strerror`` says why."""

    def __init__(self, path: Path) -> None:
        if DESCRIPTORS.is_dir():
            what, size, limit = "file name", len(os.fsencode(path.name)), _longest_name()
        else:
            what, size, limit = "path", len(os.fsencode(path)), LONGEST
        super().__init__(
            errno.ENAMETOOLONG,
            f"the {what} of the Unix socket {path} has {size} bytes; at most {limit} are possible",
        )


def check_socket_path(path: Path) -> None:
    """Raise PathTooLong if no socket can have this path; the file need not exist."""
    if len(os.fsencode(path)) <= LONGEST:
        return
    if not DESCRIPTORS.is_dir() or len(os.fsencode(path.name)) > _longest_name():
        raise PathTooLong(path)


@contextmanager
def address_of(path: Path) -> Iterator[str]:
    """Yield what to bind or connect to for the socket with this path, within the ``with`` block.

    Raises:
        PathTooLong: no socket can have this path.
        OSError: its directory cannot be opened.

    """
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    check_socket_path(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | _O_PATH)
    try:
        yield str(DESCRIPTORS / str(directory) / path.name)
    finally:
        os.close(directory)


_O_PATH: int = getattr(os, "O_PATH", 0)
"""Opens a directory that one may enter, but not list."""


def _longest_name() -> int:
    return LONGEST - len(str(DESCRIPTORS)) - len("//") - _LONGEST_DESCRIPTOR
