"""Objects in a folder: written, read, deleted, and what goes wrong with files."""

import errno
import os
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults

from qabel.blockserver.folder_objects import (
    FolderObjects,
    FolderWriter,
    object_names,
    object_path,
)
from qabel.blockserver.object_store import ObjectGone, StorageFailed

CONTENT = bytes(range(256)) * 5


@asynccontextmanager
async def objects_in(folder: Path) -> AsyncIterator[FolderObjects]:
    """Open a folder of objects, and close it."""
    objects = FolderObjects(folder / "objects", reactor)
    try:
        yield objects
    finally:
        await objects.close()


async def written(objects: FolderObjects, content: bytes = CONTENT) -> str:
    """Write an object that is at a path then, and return its name."""
    writer = await objects.create()
    await writer.write(content)
    await writer.finish()
    objects.settled(writer.name)
    return writer.name


async def read(objects: FolderObjects, name: str, begin: int, end: int, size: int) -> list[bytes]:
    """Return a part of an object, in pieces of at most so many bytes."""
    reader, pieces = await objects.open(name, begin, end), list[bytes]()
    while data := await reader.read(size):
        pieces.append(data)
    await reader.close()
    return pieces


def failing(number: int) -> Callable[..., int]:
    """Return a system call that fails."""

    def call(*_: object) -> int:
        raise OSError(number, os.strerror(number), "/secret/path")

    return call


def write_to_files(act: Callable[[int, memoryview], int]) -> Callable[[int, Any], int]:
    """Return a system call that writes in another way to files; the reactor writes, too."""
    write = os.write

    def call(descriptor: int, data: Any) -> int:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return (act if is_file else write)(descriptor, data)

    return call


def open_files(folder: Path) -> list[str]:
    """Return the files of a folder that this process has open."""
    links = [Path("/proc/self/fd") / each for each in os.listdir("/proc/self/fd")]
    found = [os.readlink(each) for each in links if each.is_symlink()]
    return [each for each in found if each.startswith(f"{folder}/")]


@pytest_twisted.ensureDeferred
async def test_writing_and_reading(tmp_path: Path) -> None:
    """What was written is read, whole or in part, in pieces of any size."""
    async with objects_in(tmp_path) as objects:
        writer = await objects.create()
        for begin in range(0, len(CONTENT), 300):
            await writer.write(CONTENT[begin : begin + 300])
        await writer.finish()
        name, size = writer.name, len(CONTENT)
        assert b"".join(await read(objects, name, 0, size, 100)) == CONTENT
        assert await read(objects, name, 0, size, 2 * size) == [CONTENT]
        assert await read(objects, name, 10, 35, 10) == [
            *(CONTENT[10:20], CONTENT[20:30], CONTENT[30:35]),
        ]
        assert await read(objects, name, 10, 10, 10) == []
        assert await read(objects, await written(objects, b""), 0, 0, 10) == []
        assert open_files(tmp_path) == []


@pytest_twisted.ensureDeferred
async def test_where_objects_are(tmp_path: Path) -> None:
    """In folders by the beginnings of their names, readable by their owner alone."""
    async with objects_in(tmp_path) as objects:
        name = await written(objects)
        path = tmp_path / "objects" / name[:2] / name[2:]
        assert objects.path(name) == object_path(objects.folder, name) == path
        assert path.read_bytes() == CONTENT
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest_twisted.ensureDeferred
async def test_several_at_the_same_time(tmp_path: Path) -> None:
    """Each has its own name and content."""
    async with objects_in(tmp_path) as objects:
        contents = [b"%d" % number * 1000 for number in range(20)]
        writing = [Deferred.fromCoroutine(written(objects, each)) for each in contents]
        names: list[str] = await gatherResults(writing)
        assert len(set(names)) == 20
        assert sorted(await objects.names()) == sorted(names)
        for name, content in zip(names, contents, strict=True):
            assert await read(objects, name, 0, len(content), 10_000) == [content]


@pytest_twisted.ensureDeferred
async def test_deleting(tmp_path: Path) -> None:
    """What was deleted is gone; who reads it reads on, and to delete it again is no error."""
    async with objects_in(tmp_path) as objects:
        name = await written(objects)
        reader = await objects.open(name, 0, len(CONTENT))
        assert await reader.read(10) == CONTENT[:10]
        await objects.delete(name)
        await objects.delete(name)
        assert await reader.read(10) == CONTENT[10:20]
        await reader.close()
        await reader.close()
        assert await objects.names() == []
        with pytest.raises(ObjectGone):
            await objects.open(name, 0, 1)
        with pytest.raises(ObjectGone):
            await objects.open("0" * 32, 0, 1)


@pytest_twisted.ensureDeferred
async def test_names(tmp_path: Path) -> None:
    """What is being written is not among them, until it is at a path, or was given up."""
    async with objects_in(tmp_path) as objects:
        assert await objects.names() == []
        name = await written(objects)
        writer = await objects.create()
        await writer.write(CONTENT)
        assert await objects.names() == [name]
        await writer.finish()
        assert await objects.names() == [name]
        objects.settled(writer.name)
        assert sorted(await objects.names()) == sorted([name, writer.name])
        (objects.folder / "stray file").touch()
        assert len(await objects.names()) == 2
    assert sorted(object_names(objects.folder)) == sorted([name, writer.name])
    assert list(object_names(tmp_path / "missing")) == []


async def aborted(objects: FolderObjects, writer: FolderWriter) -> None:
    """Abort what is being written; nothing of it is left."""
    await writer.abort()
    assert not objects.path(writer.name).exists()
    assert open_files(objects.folder) == []
    assert objects._written == set()


@pytest_twisted.ensureDeferred
async def test_aborting(tmp_path: Path) -> None:
    """At the beginning, amid the content, at the end, and twice."""
    async with objects_in(tmp_path) as objects:
        await aborted(objects, await objects.create())
        writer = await objects.create()
        await writer.write(CONTENT)
        await aborted(objects, writer)
        await aborted(objects, writer)
        writer = await objects.create()
        await writer.finish()
        await aborted(objects, writer)


@pytest.mark.parametrize(
    ("number", "is_full"), [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EIO, False)]
)
@pytest_twisted.ensureDeferred
async def test_errors_of_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, is_full: bool
) -> None:
    """It is said whether the disk is full, and nothing of the path; no part of it is left."""
    async with objects_in(tmp_path) as objects:
        writer = await objects.create()
        await writer.write(CONTENT)
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", write_to_files(failing(number)))
            with pytest.raises(StorageFailed) as raised:
                await writer.write(CONTENT)
        assert (str(raised.value), raised.value.is_full) == (os.strerror(number), is_full)
        await aborted(objects, writer)
        writer = await objects.create()
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", failing(number))
            with pytest.raises(StorageFailed) as raised:
                await writer.finish()
        assert raised.value.is_full == is_full
        await aborted(objects, writer)


@pytest_twisted.ensureDeferred
async def test_errors_of_creating(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be begun is not being written."""
    async with objects_in(tmp_path) as objects:
        with monkeypatch.context() as patched:
            patched.setattr(os, "open", failing(errno.ENOSPC))
            with pytest.raises(StorageFailed) as raised:
                await objects.create()
        assert raised.value.is_full
        assert objects._written == set()
        await written(objects)


@pytest_twisted.ensureDeferred
async def test_errors_of_reading_and_deleting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are no absence: the object may be there."""
    async with objects_in(tmp_path) as objects:
        name = await written(objects)
        reader = await objects.open(name, 0, 10)
        with monkeypatch.context() as patched:
            patched.setattr(os, "pread", failing(errno.EIO))
            with pytest.raises(StorageFailed, match="Input/output error"):
                await reader.read(10)
        await reader.close()
        with pytest.raises(StorageFailed, match="Bad file descriptor"):
            await reader.read(10)
        path = objects.path(name)
        path.unlink()
        path.mkdir()
        with pytest.raises(StorageFailed, match=r"Is a directory|not permitted"):
            await objects.delete(name)


@pytest_twisted.ensureDeferred
async def test_what_cannot_be_deleted_is_left(tmp_path: Path) -> None:
    """To abort raises nothing; what is left is swept, as it is not being written any more."""
    async with objects_in(tmp_path) as objects:
        writer = await objects.create()
        path = objects.path(writer.name)
        path.unlink()
        path.mkdir()
        await writer.abort()
        assert await objects.names() == [writer.name]


@pytest_twisted.ensureDeferred
async def test_an_object_that_became_shorter(tmp_path: Path) -> None:
    """Reading ends where the file does."""
    async with objects_in(tmp_path) as objects:
        name = await written(objects)
        os.truncate(objects.path(name), 15)
        assert await read(objects, name, 0, len(CONTENT), 10) == [CONTENT[:10], CONTENT[10:15]]


@pytest_twisted.ensureDeferred
async def test_writes_that_the_system_takes_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is written, too."""
    write = os.write

    def write_some(descriptor: int, data: memoryview) -> int:
        return write(descriptor, data[:7])

    async with objects_in(tmp_path) as objects:
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", write_to_files(write_some))
            name = await written(objects)
        assert objects.path(name).read_bytes() == CONTENT
