"""What each storage of objects must do: the folder, and S3 with two servers."""

import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults

from qabel.blockserver.folder_objects import FolderObjects
from qabel.blockserver.object_store import ObjectGone, ObjectStore
from qabel.blockserver.s3_upload import PART
from tests.blockserver.s3_servers import S3Server, moto_server, rclone_server

LARGE = random.Random(5).randbytes(2 * PART + 12345)  # noqa: S311 - a content, no secret
UNKNOWN = "0" * 32

OpenStore = Callable[[], AbstractAsyncContextManager[ObjectStore]]


@pytest.fixture(scope="module", params=["folder", "moto", "rclone"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[S3Server | None]:
    """Return a server that has the objects; None for a folder."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "folder":
        yield None
        return
    run = moto_server if request.param == "moto" else rclone_server
    with run(folder) as made:
        yield made


@pytest.fixture
def opened(server: S3Server | None, tmp_path: Path) -> OpenStore:
    """Return what opens the storage, again and again."""

    @asynccontextmanager
    async def open_store() -> AsyncIterator[ObjectStore]:
        if server is not None:
            async with server.objects(f"s3://bucket/{tmp_path.name}") as made:
                yield made
            return
        objects = FolderObjects(tmp_path / "objects", reactor)
        try:
            yield objects
        finally:
            await objects.close()

    return open_store


async def write(store: ObjectStore, content: bytes, piece: int = 256 * 1024) -> str:
    """Write an object that is at a path then, and return its name."""
    writer = await store.create()
    for begin in range(0, len(content), piece):
        await writer.write(content[begin : begin + piece])
    await writer.finish()
    store.settled(writer.name)
    return writer.name


async def read(store: ObjectStore, name: str, begin: int, end: int, size: int = 100_000) -> bytes:
    """Return a part of an object, which is read in pieces of at most so many bytes."""
    reader, pieces = await store.open(name, begin, end), list[bytes]()
    while data := await reader.read(size):
        assert len(data) <= size
        pieces.append(data)
    assert await reader.read(size) == b""
    await reader.close()
    return b"".join(pieces)


@pytest.mark.parametrize("size", [0, 1, 100_000, PART - 1, PART, PART + 1, len(LARGE)])
@pytest_twisted.ensureDeferred
async def test_what_was_written_is_read(opened: OpenStore, size: int) -> None:
    """All of it, also by another process, and no name is used twice."""
    content = LARGE[:size]
    async with opened() as store:
        name = await write(store, content)
        assert await read(store, name, 0, size) == content
        assert await write(store, content) != name
    async with opened() as store:
        assert await read(store, name, 0, size) == content


@pytest_twisted.ensureDeferred
async def test_parts_are_read(opened: OpenStore) -> None:
    """From any byte to any other, also across the parts of an upload."""
    async with opened() as store:
        name = await write(store, LARGE, piece=1_000_001)
        bounds = [(0, 1), (PART - 1, PART + 1), (5, 5), (len(LARGE) - 3, len(LARGE)), (77, 300_000)]
        for begin, end in bounds:
            assert await read(store, name, begin, end, size=1000) == LARGE[begin:end]


@pytest_twisted.ensureDeferred
async def test_what_is_not_there(opened: OpenStore) -> None:
    """It is gone for all who ask for it, and can be deleted."""
    async with opened() as store:
        for begin, end in ((0, 10), (0, 0)):
            with pytest.raises(ObjectGone):
                await store.open(UNKNOWN, begin, end)
        await store.delete(UNKNOWN)
        assert await store.names() == []


@pytest.mark.parametrize("content", [b"small", LARGE])
@pytest_twisted.ensureDeferred
async def test_deleting(opened: OpenStore, content: bytes) -> None:
    """Once is enough, twice is no error, and others stay."""
    async with opened() as store:
        name, other = await write(store, content), await write(store, b"other")
        for _ in range(2):
            await store.delete(name)
        with pytest.raises(ObjectGone):
            await store.open(name, 0, 1)
        assert await store.names() == [other]


@pytest_twisted.ensureDeferred
async def test_names_are_of_what_nobody_writes(opened: OpenStore) -> None:
    """Neither what is begun nor what is finished but at no path yet can be taken for rubbish."""
    async with opened() as store:
        writer = await store.create()
        await writer.write(LARGE)
        assert await store.names() == []
        await writer.finish()
        assert await store.names() == []
        store.settled(writer.name)
        assert await store.names() == [writer.name]
        assert await read(store, writer.name, 0, len(LARGE)) == LARGE


@pytest.mark.parametrize("content", [b"", b"small", LARGE])
@pytest.mark.parametrize("is_finished", [False, True])
@pytest_twisted.ensureDeferred
async def test_giving_up(opened: OpenStore, content: bytes, is_finished: bool) -> None:
    """Nothing is left, whenever that happens."""
    async with opened() as store:
        writer = await store.create()
        await writer.write(content)
        if is_finished:
            await writer.finish()
        await writer.abort()
        assert await store.names() == []
        with pytest.raises(ObjectGone):
            await store.open(writer.name, 0, 1)


@pytest_twisted.ensureDeferred
async def test_what_a_crash_has_left(opened: OpenStore) -> None:
    """It can be found and deleted by the next process, and cannot be in the way."""
    async with opened() as store:
        begun, finished = await store.create(), await store.create()
        await begun.write(LARGE)
        await finished.write(b"finished")
        await finished.finish()
    async with opened() as store:
        for name in await store.names():
            assert name in (begun.name, finished.name)
            await store.delete(name)
        assert await store.names() == []


@pytest_twisted.ensureDeferred
async def test_many_at_the_same_time(opened: OpenStore) -> None:
    """Each has its own content."""
    contents = [LARGE[n * 1000 : n * 300_000] for n in range(1, 20)]
    async with opened() as store:
        writing: Any = [Deferred.fromCoroutine(write(store, each)) for each in contents]
        names = await gatherResults(writing)
        assert sorted(await store.names()) == sorted(names)
        reading: Any = [
            Deferred.fromCoroutine(read(store, name, 0, len(content)))
            for name, content in zip(names, contents, strict=True)
        ]
        assert await gatherResults(reading) == contents


@pytest_twisted.ensureDeferred
async def test_who_stops_reading(opened: OpenStore) -> None:
    """Others can read on, and closing twice is no error."""
    async with opened() as store:
        name = await write(store, LARGE)
        readers = [await store.open(name, 0, len(LARGE)) for _ in range(5)]
        for each in readers[1:]:
            assert LARGE.startswith(await each.read(1000))
            await each.close()
            await each.close()
        rest = b""
        while data := await readers[0].read(2**20):
            rest += data
        assert rest == LARGE
        await readers[0].close()
