"""Sweeping: what belongs to no file is deleted, and nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import pytest_twisted
from twisted.internet import reactor

from qabel.blockserver import sweeping
from qabel.blockserver.block_values import Conditions, ObjectPath, StoredObject
from qabel.blockserver.folder_objects import FolderObjects, FolderWriter
from qabel.blockserver.index_tables import INDEX_NAME, open_index
from qabel.blockserver.index_thread import IndexThread
from qabel.blockserver.object_store import StorageFailed
from qabel.blockserver.sweeping import sweep
from tests.blockserver.conftest import ANNA
from tests.blockserver.indexes import index_in


@attrs.frozen(eq=False)
class Parts:
    """An index and a storage."""

    index: IndexThread
    store: FolderObjects
    prefix: str

    async def write(self) -> FolderWriter:
        """Return what has written an object that is at no path."""
        writer = await self.store.create()
        await writer.write(b"content")
        await writer.finish()
        return writer

    async def put(self, name: str, object_: str) -> None:
        """Put an object at a path."""
        path, new = ObjectPath(self.prefix, name), StoredObject(object_, 7)
        await self.index.run(lambda index: index.put(ANNA, path, Conditions(), new))
        self.store.settled(object_)

    async def stored(self, name: str) -> str:
        """Store an object at a path, and return its name."""
        writer = await self.write()
        await self.put(name, writer.name)
        return writer.name

    async def left(self) -> str:
        """Leave an object that is at no path, and return its name."""
        writer = await self.write()
        self.store.settled(writer.name)
        return writer.name


@asynccontextmanager
async def parts_in(folder: Path) -> AsyncIterator[Parts]:
    """Open an index and a storage, and close them."""
    with index_in(folder) as index:
        prefix = index.make_prefix(ANNA)
    thread = IndexThread(open_index(folder / INDEX_NAME), reactor)
    store = FolderObjects(folder / "objects", reactor)
    try:
        yield Parts(thread, store, prefix)
    finally:
        await thread.close()
        await store.close()


@pytest_twisted.ensureDeferred
async def test_nothing_to_sweep(tmp_path: Path) -> None:
    """Neither in a new storage, nor where all is at its path."""
    async with parts_in(tmp_path) as parts:
        assert await sweep(parts.index, parts.store) == 0
        name = await parts.stored("a")
        assert await sweep(parts.index, parts.store) == 0
        assert await parts.store.names() == [name]


@pytest_twisted.ensureDeferred
async def test_what_is_at_no_path_is_deleted(tmp_path: Path) -> None:
    """Left by a crash, or replaced; what is at a path stays, and what is being uploaded."""
    async with parts_in(tmp_path) as parts:
        for _ in range(3):
            await parts.left()
        await parts.stored("a")
        known = [await parts.stored("a"), await parts.stored("b")]
        begun, finished = await parts.store.create(), await parts.write()
        assert await sweep(parts.index, parts.store) == 4
        assert sorted(await parts.store.names()) == sorted(known)
        await begun.write(b"more")
        await begun.finish()
        await parts.put("c", begun.name)
        await parts.put("d", finished.name)
        assert await sweep(parts.index, parts.store) == 0
        assert len(await parts.store.names()) == 4


@pytest_twisted.ensureDeferred
async def test_many_are_looked_up_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are, also those of the last part."""
    monkeypatch.setattr(sweeping, "TOGETHER", 3)
    async with parts_in(tmp_path) as parts:
        known = [await parts.stored(f"{number}") for number in range(4)]
        for _ in range(6):
            await parts.left()
        assert await sweep(parts.index, parts.store) == 6
        assert sorted(await parts.store.names()) == sorted(known)


@pytest_twisted.ensureDeferred
async def test_an_upload_that_ends_meanwhile(tmp_path: Path) -> None:
    """What is put at its path after the names were listed is known when the index is asked."""
    async with parts_in(tmp_path) as parts:
        writer, left = await parts.write(), await parts.left()

        @attrs.define(eq=False)
        class SlowNames(FolderObjects):
            """Lists names while the upload ends: it is settled when the list is there."""

            async def names(self) -> list[str]:
                """Return the names that there were, with that of the upload."""
                await parts.put("a", writer.name)
                return [writer.name, left]

        slow = SlowNames(parts.store.folder, reactor)
        assert await sweep(parts.index, slow) == 1
        await slow.close()
        assert await parts.store.names() == [writer.name]


@pytest_twisted.ensureDeferred
async def test_what_cannot_be_deleted(tmp_path: Path) -> None:
    """It is left for the next time."""
    async with parts_in(tmp_path) as parts:
        path = parts.store.path(await parts.left())
        path.unlink()
        path.mkdir()
        with pytest.raises(StorageFailed):
            await sweep(parts.index, parts.store)
        path.rmdir()
        path.touch()
        assert await sweep(parts.index, parts.store) == 1
