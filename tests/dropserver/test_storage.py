"""What every storage of a drop server promises, tried with each of them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import DeferredList, gatherResults

from qabel.dropserver.admission import Full
from qabel.dropserver.message_file import MessageFile
from qabel.dropserver.message_store import MessageStore
from qabel.dropserver.message_values import MEGABYTE, Post, Retention, Since
from qabel.dropserver.postgresql.store import PostgresStore
from qabel.dropserver.storage import NoRoom, Storage, StoreUnavailable
from qabel.dropserver.wanted import Wanted
from qabel.host.http_server.sources import LOCAL, Source

DROP, OTHER = "a" * 43, "b" * 43
BODY = bytes(2149)

Opening = Callable[..., AbstractAsyncContextManager[Storage]]


def address(number: int) -> Source:
    """Return a source in a network of its own."""
    return bytes((10, number >> 8, number & 0xFF, 1))


@pytest.fixture(params=["file", "postgresql"])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Opening:
    """Return what opens a storage, for a while."""
    if request.param == "postgresql":
        url = request.getfixturevalue("database")

    @asynccontextmanager
    async def open_one(**limits: Any) -> AsyncIterator[Storage]:
        kept = {"lifetime": 7 * 86400, "quota": 100 * MEGABYTE, "drop_quota": 100_000, **limits}
        store: Storage
        if request.param == "file":
            store = MessageStore(MessageFile(tmp_path / "drops", Retention(**kept)), reactor)
        else:
            store = PostgresStore(url, Wanted(**kept), reactor, on_refused=pytest.fail)
        try:
            yield store
        finally:
            await store.close()

    return open_one


async def bodies(store: Storage, drop: str = DROP, since: Since | None = None) -> list[bytes]:
    """Read a drop as a client would."""
    found = await store.open(drop, since, 2)
    if found is None:
        return []
    selection, rows = found
    while rows[-1][0] != selection.newest:
        rows += await store.read(drop, rows[-1][0], selection.newest, 64, list)
    if selection.counted is not None:
        assert selection.counted == (len(rows), sum(len(body) for _, body in rows))
    stamps = [stamp for stamp, _ in rows]
    assert stamps == sorted(set(stamps))
    return [body for _, body in rows]


@pytest_twisted.ensureDeferred
async def test_what_is_stored_is_read_in_order(opening: Opening) -> None:
    """Messages of a drop come back in the order in which they were stored, and no others."""
    async with opening() as store:
        assert await bodies(store) == []
        sent = [b"%d" % number for number in range(300)]
        stamps = await gatherResults([store.append(Post(DROP, body)) for body in sent])
        await store.append(Post(OTHER, b"other"))
        assert stamps == sorted(set(stamps))
        assert await bodies(store) == sent
        assert await bodies(store, OTHER) == [b"other"]


@pytest_twisted.ensureDeferred
async def test_a_cursor_gets_what_is_newer(opening: Opening) -> None:
    """Whoever says what they have gets the rest; a stamp of another server is ignored."""
    async with opening() as store:
        stamps = [await store.append(Post(DROP, b"%d" % number)) for number in range(5)]
        assert await bodies(store, since=Since(stamps[2])) == [b"3", b"4"]
        assert await bodies(store, since=Since(stamps[4])) == []
        assert len(await bodies(store, since=Since(stamps[4] + 10**9))) == 5
        assert await bodies(store, since=Since(stamps[4] + 10**9, is_ours=False)) == []
        assert await bodies(store, since=Since(stamps[2] + 0, is_ours=False)) == [b"3", b"4"]


@pytest_twisted.ensureDeferred
async def test_many_are_not_counted(opening: Opening) -> None:
    """A selection of more than a thousand messages is read whole, without its size."""
    async with opening() as store:
        await gatherResults([store.append(Post(DROP, b"%d" % each)) for each in range(1005)])
        found = await store.open(DROP, None, 2)
        assert found is not None
        assert found[0].counted is None
        assert len(await bodies(store)) == 1005


@pytest_twisted.ensureDeferred
async def test_it_is_there_after_opening_again(opening: Opening) -> None:
    """What was stored is there when the storage is opened again, and stamps go on."""
    async with opening() as store:
        first = await store.append(Post(DROP, b"one"))
    async with opening() as store:
        assert await bodies(store) == [b"one"]
        assert await store.append(Post(DROP, b"two")) > first
        assert await bodies(store) == [b"one", b"two"]


@pytest_twisted.ensureDeferred
async def test_what_is_too_old_is_not_read(opening: Opening) -> None:
    """Messages are gone after their lifetime."""
    async with opening(lifetime=1) as store:
        await store.append(Post(DROP, b"one"))

        async def is_gone() -> bool:
            while await store.expire():
                pass
            return await bodies(store) == []

        while not await is_gone():
            pass
        await store.append(Post(DROP, b"two"))
        assert await bodies(store) == [b"two"]


@pytest_twisted.ensureDeferred
async def test_the_heaviest_source_yields(opening: Opening) -> None:
    """When there is no room, what goes is the newest of who holds most, who has to wait."""
    async with opening(quota=MEGABYTE) as store:
        for number in range(5):
            await store.append(Post(DROP, b"honest %d" % number, address(1)))
        flood = [store.append(Post(OTHER, BODY, address(2))) for _ in range(600)]
        outcomes = await DeferredList(flood, consumeErrors=True)
        refused = [each.value for succeeded, each in outcomes if not succeeded]
        assert refused
        assert all(isinstance(each, NoRoom) and each.full is Full.SERVER for each in refused)
        held = len(await bodies(store, OTHER))
        for number in range(5):
            await store.append(Post(DROP, b"late %d" % number, address(3)))
        assert len(await bodies(store, OTHER)) == held - 5
        assert len(await bodies(store)) == 10
        usage = await store.usage()
        assert usage.charged <= MEGABYTE
        assert usage.messages == held - 5 + 10
        assert usage.shares[0] == (held - 5) * 2277


@pytest_twisted.ensureDeferred
async def test_the_heaviest_source_of_a_drop_yields(opening: Opening) -> None:
    """The same holds in a drop that is full; other drops are not touched."""
    async with opening(drop_quota=20) as store:
        await store.append(Post(OTHER, b"other", address(2)))
        for number in range(3):
            await store.append(Post(DROP, b"honest %d" % number, address(1)))
        flood = [store.append(Post(DROP, b"flood %d" % n, address(2))) for n in range(40)]
        outcomes = await DeferredList(flood, consumeErrors=True)
        refused = [each.value for succeeded, each in outcomes if not succeeded]
        assert len(refused) == 23
        assert all(isinstance(each, NoRoom) and each.full is Full.DROP for each in refused)
        await store.append(Post(DROP, b"late", address(3)))
        found = await bodies(store)
        assert len(found) == 20
        assert found[:3] == [b"honest 0", b"honest 1", b"honest 2"]
        assert found[-1] == b"late"
        assert b"flood 16" not in found
        assert await bodies(store, OTHER) == [b"other"]


@pytest_twisted.ensureDeferred
async def test_this_machine_does_not_yield(opening: Opening) -> None:
    """What comes from the machine itself is no source, and never goes for others."""
    async with opening(quota=MEGABYTE) as store:
        await gatherResults([store.append(Post(DROP, BODY, LOCAL)) for _ in range(400)])
        flood = [store.append(Post(OTHER, BODY, address(2))) for _ in range(100)]
        outcomes = await DeferredList(flood, consumeErrors=True)
        assert not all(succeeded for succeeded, _ in outcomes)
        assert len(await bodies(store)) == 400


@pytest_twisted.ensureDeferred
async def test_after_the_end(opening: Opening) -> None:
    """A storage that closes finishes what was asked for before, and rejects everything later."""
    async with opening() as store:
        appended = store.append(Post(DROP, b"body"))
        closed = store.close()
        assert await appended > 0
        await closed
        with pytest.raises(StoreUnavailable):
            await store.append(Post(DROP, b"body"))
        with pytest.raises(StoreUnavailable):
            await store.open(DROP, None, 1)
