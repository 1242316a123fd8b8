"""A data directory that is only read: no daemon may use it meanwhile."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qabel.host.data_directory import LOCK_NAME
from qabel.host.file_locks import lock_now
from qabel.host.start_errors import StartError


@contextmanager
def idle_directory(directory: Path) -> Iterator[None]:
    """Keep daemons from a directory, of which nothing is changed, not even the lock file.

    Raises StartError if a daemon uses it.
    """
    try:
        descriptor = os.open(directory / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield
        return
    except OSError as error:
        raise StartError(f"cannot open {directory / LOCK_NAME}: {error.strerror}") from None
    try:
        try:
            lock_now(descriptor, shared=True)
        except BlockingIOError:
            raise StartError(
                f"the data directory {directory} is in use by another process; stop the daemon"
            ) from None
        yield
    finally:
        os.close(descriptor)
