"""A disk of a few megabytes that a test can fill."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.mounts import mount_memory, unmount


class SmallDisk:
    """A file system in memory, with something else on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Write until nothing more goes in."""
        with self._ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def free(self) -> None:
        """Delete what filled it."""
        self._ballast.unlink()


@contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount a small disk at a path for a while; skips the test where that is not permitted."""
    path.mkdir()
    if not mount_memory(path, megabytes):
        pytest.skip("a file system of a few megabytes cannot be mounted here")
    try:
        yield SmallDisk(path)
    finally:
        unmount(path)


def damage_page(path: Path, content: bytes) -> None:
    """Overwrite the start of the page of an SQLite file that contains some bytes."""
    data = path.read_bytes()
    page = data.index(content) // 8192 * 8192
    with path.open("r+b") as file:
        file.seek(page)
        file.write(b"\xff" * 64)
