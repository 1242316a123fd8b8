"""Uploads: nothing is half done, whatever fails."""

from typing import Any

import pytest
import pytest_twisted
from attrs import define, field
from twisted.internet.defer import Deferred

from qabel.blockserver.block_values import BlockRefused, Conditions, ObjectPath
from qabel.blockserver.folder_objects import FolderObjects
from qabel.blockserver.index_thread import IndexUnavailable
from qabel.blockserver.object_store import StorageFailed
from qabel.blockserver.upload import PIECE, Upload, UploadAborted
from tests.blockserver.conftest import ANNA


@define(eq=False)
class NotedSource:
    """A body, which can be paused."""

    calls: list[str] = field(factory=list)

    def pause(self) -> None:
        """Note a pause."""
        self.calls.append("pause")

    def resume(self) -> None:
        """Note that more may come."""
        self.calls.append("resume")


def upload_to(server: Any, source: NotedSource, **conditions: Any) -> Upload:
    """Return an upload to a server."""
    storage = server.service._resource.storage
    path = ObjectPath(server.prefix, "blocks/b")
    return Upload(storage.index, storage.store, ANNA, path, Conditions(**conditions), 0, source)


@pytest_twisted.ensureDeferred
async def test_no_more_arrives_than_the_storage_takes(running: Any) -> None:
    """It is paused until it is admitted, and after each piece until that is written."""
    async with running() as server:
        source = NotedSource()
        upload = upload_to(server, source)
        upload.begin(pytest.fail)
        assert source.calls == ["pause"]
        upload.receive(b"begun before it was admitted")
        done = upload.complete()
        new = await done
        assert (await server.get("blocks/b")).body == b"begun before it was admitted"
        assert new.size == 28


@pytest_twisted.ensureDeferred
async def test_a_piece_pauses(running: Any) -> None:
    """Two pieces never wait in memory."""
    async with running() as server:
        source, admitted = NotedSource(), Deferred()

        class Telling(NotedSource):
            def resume(self) -> None:
                super().resume()
                if not admitted.called:
                    admitted.callback(None)

        source = Telling()
        upload = upload_to(server, source)
        upload.begin(pytest.fail)
        await admitted
        upload.receive(bytes(PIECE))
        assert source.calls == ["pause", "resume", "pause"]
        upload.abort()


@pytest_twisted.ensureDeferred
async def test_it_may_have_been_refused_since_it_was_admitted(running: Any) -> None:
    """Then nothing of it is left."""
    async with running() as server:
        first, second = (upload_to(server, NotedSource(), if_none_match=("*",)) for _ in "12")
        for each in (first, second):
            each.begin(pytest.fail)
            each.receive(b"x")
        await first.complete()
        with pytest.raises(BlockRefused) as caught:
            await second.complete()
        assert caught.value.status == 412
        assert server.objects() == [b"x"]


@pytest.mark.parametrize("step", ["create", "write", "finish"])
@pytest_twisted.ensureDeferred
async def test_a_disk_that_fails(running: Any, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was there before stays, and nothing is left."""
    async with running() as server:
        await server.put("blocks/b", b"before")
        storage = server.service._resource.storage

        async def fail(*_: object) -> None:
            raise StorageFailed("broken")

        owner: Any = FolderObjects
        if step != "create":
            owner = type(await storage.store.create())
        monkeypatch.setattr(owner, step, fail)
        source = NotedSource()
        upload = upload_to(server, source)
        upload.begin(lambda error: None)
        upload.receive(b"after")
        with pytest.raises(StorageFailed):
            await upload.complete()
        assert (await server.get("blocks/b")).body == b"before"
        assert b"after" not in server.objects()


@pytest_twisted.ensureDeferred
async def test_an_index_that_fails_in_the_end(
    running: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the commit was written is not known: the object stays until it is swept."""
    async with running() as server:
        index = server.service._resource.storage.index
        upload = upload_to(server, NotedSource())
        upload.begin(pytest.fail)
        upload.receive(b"x")
        run, calls = index.run, []

        class Failing:
            def run(self, act: Any) -> Any:
                calls.append(act)
                if len(calls) == 1:
                    raise IndexUnavailable
                return run(act)

        upload._index = Failing()  # type: ignore[assignment]
        with pytest.raises(IndexUnavailable):
            await upload.complete()
        assert server.objects() == [b"x"]
        await server.service._sweep()
        assert server.objects() == []


@pytest_twisted.ensureDeferred
async def test_giving_up(running: Any) -> None:
    """Nobody waits for the result, and nothing is left."""
    async with running() as server:
        refused: list[Exception] = []
        upload = upload_to(server, NotedSource())
        upload.begin(refused.append)
        upload.receive(b"x")
        done, upload._done = upload._done, None
        assert done is not None
        upload.abort()
        with pytest.raises(UploadAborted):
            await done
        assert (refused, server.objects()) == ([], [])
