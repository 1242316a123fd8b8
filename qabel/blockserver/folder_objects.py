"""Objects as files in a folder."""

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import attrs

from qabel.blockserver.object_store import ObjectGone, StorageFailed, new_object_name
from qabel.host.blocking_threads import BlockingThreads

THREADS = 8
"""How many reads and writes wait for the disk at the same time."""

RESERVE, RESERVE_PART = 64 * 2**20, 20
"""Bytes of the disk that are left free, or this part of it if that is less."""

_BEGINNING = re.compile("[0-9a-f]{2}", re.ASCII)

_FULL = (errno.ENOSPC, errno.EDQUOT)

_Result = TypeVar("_Result")


@attrs.define(eq=False)
class FolderObjects:
    """A folder with objects, in 256 folders by the beginnings of their names.

    Args:
        folder: nothing else may use it.
        reactor: gets the results of the threads that wait for the disk.

    """

    folder: Path
    _reactor: Any
    _threads: BlockingThreads = attrs.field(init=False)
    _written: set[str] = attrs.field(factory=set, init=False)
    """The objects that are being written, or were, and are at no path yet."""

    def __attrs_post_init__(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _flush(self.folder.parent)
        self._threads = BlockingThreads(self._reactor, "block-storage", THREADS)

    async def create(self) -> "FolderWriter":
        """Begin a new object under a new name. Raises StorageFailed."""
        await self.run(self.check_room)
        name = new_object_name()
        path = self.path(name)
        self._written.add(name)
        try:
            descriptor = await self.run(lambda: _create(path))
        except BaseException:
            self._written.discard(name)
            raise
        return FolderWriter(self, name, descriptor)

    async def open(self, name: str, begin: int, end: int) -> "FolderReader":
        """Open a part of an object. Raises ObjectGone, StorageFailed."""
        path = self.path(name)
        descriptor = await self.run(lambda: os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        return FolderReader(self, descriptor, begin, end)

    async def delete(self, name: str) -> None:
        """Delete an object, if it is there. Raises StorageFailed."""
        await self.run(lambda: self.path(name).unlink(missing_ok=True))

    def settled(self, name: str) -> None:
        """Note that a new object is at a path now, or was given up."""
        self._written.discard(name)

    async def names(self) -> list[str]:
        """Return the names of all objects, without those that are being written."""
        found = await self.run(lambda: list(object_names(self.folder)))
        return [each for each in found if each not in self._written]

    async def close(self) -> None:
        """End what is under way."""
        await self._threads.close()

    def check_room(self) -> None:
        """Raise an OSError if the disk is as full as it may be.

        The index needs room, too: without any, nobody could delete something.
        """
        disk = shutil.disk_usage(self.folder)
        if disk.free < min(RESERVE, disk.total // RESERVE_PART):
            raise OSError(errno.ENOSPC, "no room")

    def path(self, name: str) -> Path:
        """Return the file of an object."""
        return object_path(self.folder, name)

    async def run(self, act: Callable[[], _Result]) -> _Result:
        """Call a function on a thread. Raises ObjectGone, StorageFailed."""
        try:
            return await self._threads.run(act)
        except FileNotFoundError:
            raise ObjectGone from None
        except OSError as error:
            text = os.strerror(error.errno or 0)
            raise StorageFailed(text, is_full=error.errno in _FULL) from None


@attrs.define(eq=False)
class FolderWriter:
    """Writes a new object."""

    _objects: FolderObjects
    name: str
    _descriptor: int
    _is_open: bool = attrs.field(default=True, init=False)

    async def write(self, data: bytes) -> None:
        """Write more of it. Raises StorageFailed."""
        await self._objects.run(lambda: self._write(data))

    def _write(self, data: bytes) -> None:
        self._objects.check_room()
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    async def finish(self) -> None:
        """Have it stored for good. Raises StorageFailed."""
        folder = self._objects.path(self.name).parent
        self._is_open = False
        try:
            await self._objects.run(lambda: _finish(self._descriptor, folder))
        except ObjectGone:
            raise StorageFailed("the folder of the objects has disappeared") from None

    async def abort(self) -> None:
        """Delete what was written. What cannot be deleted is swept later."""
        with suppress(StorageFailed):
            if self._is_open:
                self._is_open = False
                await self._objects.run(lambda: os.close(self._descriptor))
            await self._objects.delete(self.name)
        self._objects.settled(self.name)


@attrs.define(eq=False)
class FolderReader:
    """Reads a part of an object."""

    _objects: FolderObjects
    _descriptor: int
    _at: int
    _end: int

    async def read(self, size: int) -> bytes:
        """Return the next bytes; none at the end. Raises StorageFailed."""
        wanted = min(size, self._end - self._at)
        data = await self._objects.run(lambda: os.pread(self._descriptor, wanted, self._at))
        self._at += len(data)
        return data

    async def close(self) -> None:
        """Read no more."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def object_path(folder: Path, name: str) -> Path:
    """Return the file of an object."""
    return folder / name[:2] / name[2:]


def object_names(folder: Path) -> Iterator[str]:
    """Yield the names of all objects."""
    for first in folder.iterdir() if folder.exists() else ():
        # Others may be there, such as lost+found where a disk is mounted.
        if _BEGINNING.fullmatch(first.name) and first.is_dir():
            yield from (first.name + each.name for each in first.iterdir())


def _create(path: Path) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _finish(descriptor: int, folder: Path) -> None:
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    for each in (folder, folder.parent):
        _flush(each)


def _flush(folder: Path) -> None:
    """Have what was created in a folder stay there, also if the machine fails now."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
