"""Objects in S3: what is not ours is left alone, and a server that misbehaves is noticed."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater

from qabel.blockserver.object_store import ObjectGone, StorageFailed
from qabel.blockserver.s3_objects import OWNER, S3Objects
from qabel.blockserver.s3_requests import S3Request, S3Times
from qabel.blockserver.s3_upload import PART
from tests.blockserver.s3_servers import MARK, QUICK, S3Server, moto_server, rclone_server
from tests.blockserver.scripted_server import Reaction, answer, refused, scripted
from tests.blockserver.test_object_store_contract import read, write
from tests.blockserver.test_s3_upload import uploads

NAME = "ab" * 16


@pytest.fixture(scope="module", params=[moto_server, rclone_server])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[S3Server]:
    """Return a real server."""
    with request.param(tmp_path_factory.mktemp("s3")) as made:
        yield made


@asynccontextmanager
async def objects_at(
    *steps: Reaction, times: S3Times = QUICK
) -> AsyncIterator[tuple[Any, S3Objects]]:
    """Run a server with a script; give it, and the objects in it."""
    async with scripted(*steps) as server:
        objects = S3Objects(server.requests(times), MARK)
        try:
            yield server, objects
        finally:
            await objects.close()


async def put(objects: S3Objects, name: str) -> None:
    """Store something under any name."""
    await objects._requests.ask(S3Request("PUT", name), 200)


@pytest_twisted.ensureDeferred
async def test_what_is_not_ours(server: S3Server) -> None:
    """Other names, and what is beside our place, are not listed, so that nobody deletes them."""
    others = ["notes.txt", "AB" * 16, "ab" * 15, "ab" * 17, f"deeper/{NAME}", f"{NAME}.part"]
    async with (
        server.objects("s3://ours/blocks") as objects,
        server.objects("s3://ours/blocks2", mark="another") as beside,
        server.objects("s3://ours", mark="outer") as around,
    ):
        for each in others:
            await put(objects, each)
        name, neighbour = await write(objects, b"ours"), await write(beside, b"theirs")
        assert await objects.names() == [name]
        assert await beside.names() == [neighbour]
        assert await around.names() == []
        assert await read(beside, neighbour, 0, 6) == b"theirs"


@pytest_twisted.ensureDeferred
async def test_many_objects(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are listed page after page."""
    monkeypatch.setattr("qabel.blockserver.s3_objects.PAGE_SIZE", "2")
    async with server.objects("s3://pages/many") as objects:
        written = [await write(objects, b"x") for _ in range(7)]
        begun = [await objects.create() for _ in range(3)]
        for each in begun:
            await each.write(bytes(PART))
            objects.settled(each.name)
        assert sorted(await objects.names()) == sorted(written)
        assert await uploads(objects) == []


@pytest_twisted.ensureDeferred
async def test_uploads_that_nobody_continues(server: S3Server) -> None:
    """They are ended; those of this process, and those of others, go on."""
    async with (
        server.objects("s3://uploads/ours") as dead,
        server.objects("s3://uploads/theirs", mark="another") as beside,
        server.objects("s3://uploads/ours") as objects,
    ):
        left, theirs, own = [await each.create() for each in (dead, beside, objects)]
        for each in (left, theirs, own):
            await each.write(bytes(PART))
        assert await objects.names() == []
        there = {key.rpartition("/")[2] for key in await uploads(objects)}
        assert there == {theirs.name, own.name}
        for each in (theirs, own):
            await each.finish()
        with pytest.raises(StorageFailed):
            await left.finish()
        assert await read(objects, own.name, 0, PART) == bytes(PART)


@pytest_twisted.ensureDeferred
async def test_two_indexes_for_one_place(server: S3Server) -> None:
    """The second one learns of no object, so that it does not delete those of the first."""
    async with (
        server.objects("s3://marked/blocks") as objects,
        server.objects("s3://marked/blocks", mark="another") as other,
    ):
        name = await write(objects, b"precious")
        assert await objects.names() == [name]
        with pytest.raises(
            StorageFailed, match=r"s3://marked/blocks at .* of another block server"
        ):
            await other.names()
        with pytest.raises(StorageFailed, match="none are stored or deleted"):
            await other.create()
        assert await objects.names() == [name]


@pytest_twisted.ensureDeferred
async def test_no_bucket(server: S3Server) -> None:
    """It is an error of the server's owner, and not an object that is gone."""
    requests = server.requests("s3://missing-bucket/blocks")
    objects = S3Objects(requests, MARK)
    with pytest.raises(StorageFailed, match=r"answered 404 \(NoSuchBucket\)"):
        await objects.open(NAME, 0, 1)
    with pytest.raises(StorageFailed, match=r"answered 404 \(NoSuchBucket\)"):
        await write(objects, b"x")
    with pytest.raises(StorageFailed, match=r"answered 404 \(NoSuchBucket\)"):
        await objects.names()
    await objects.close()


@pytest.mark.parametrize(
    "step",
    [
        answer(200, b"0123456789"),
        answer(206, b"01234", Content_Range="bytes 0-4/10"),
        answer(206, b"23456"),
        answer(200, b"23456", Content_Range="bytes 20-24/100"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_another_part_than_the_wanted_one(step: Reaction) -> None:
    """Nobody gets bytes from elsewhere."""
    async with objects_at(step) as (_, objects):
        with pytest.raises(StorageFailed, match="does not send the wanted part"):
            await objects.open(NAME, 2, 7)


@pytest_twisted.ensureDeferred
async def test_more_than_the_wanted_part() -> None:
    """It is an error; with less, the end comes early, which those who read notice."""
    for body in (b"234567", b"23456", b"234"):
        step = answer(206, body, Content_Range="bytes 2-6/10")
        async with objects_at(step) as (server, objects):
            reader = await objects.open(NAME, 2, 7)
            if len(body) > 5:
                with pytest.raises(StorageFailed, match="sends more than the wanted part"):
                    await reader.read(10)
            else:
                assert await reader.read(10) + await reader.read(10) == body
            await reader.close()
            assert server.asked[0].headers["range"] == "bytes=2-6"


@pytest.mark.parametrize("status", [400, 403, 416])
@pytest_twisted.ensureDeferred
async def test_an_object_that_cannot_be_read(status: int) -> None:
    """It is not taken for one that is gone."""
    async with objects_at(refused(status, "AccessDenied")) as (_, objects):
        with pytest.raises(StorageFailed, match=rf"^the S3 server answered {status} \(Acc"):
            await objects.open(NAME, 0, 1)


@pytest_twisted.ensureDeferred
async def test_opening_is_tried_again() -> None:
    """Nothing of it was read yet."""
    part = answer(206, b"x", Content_Range="bytes 0-0/1")
    async with objects_at(answer(503), part, answer(404)) as (server, objects):
        assert await read(objects, NAME, 0, 1) == b"x"
        with pytest.raises(ObjectGone):
            await objects.open(NAME, 0, 1)
        assert len(server.asked) == 3


@pytest_twisted.ensureDeferred
async def test_a_connection_that_is_lost_meanwhile() -> None:
    """What was read may be anywhere already: it is an error."""
    head = b"HTTP/1.1 206 OK\r\nContent-Length: 10\r\nContent-Range: bytes 0-9/10\r\n\r\n"
    async with objects_at(Reaction(head + b"01234", is_end=True)) as (_, objects):
        reader = await objects.open(NAME, 0, 10)
        assert await reader.read(10) == b"01234"
        with pytest.raises(StorageFailed, match="connection to the S3 server was lost"):
            await reader.read(10)
        await reader.close()


@pytest_twisted.ensureDeferred
async def test_a_slow_reader() -> None:
    """The server sends no faster than what it sends is read; the rest is never sent."""
    size = 2**40
    head = f"HTTP/1.1 206 OK\r\nContent-Length: {size}\r\nContent-Range: bytes 0-{size - 1}/{size}"
    endless = Reaction(f"{head}\r\n\r\n".encode(), endless=bytes(2**16))
    async with objects_at(endless) as (server, objects):
        reader = await objects.open(NAME, 0, size)
        assert len(await reader.read(1000)) == 1000
        (connection,) = server.connections
        sent = -1
        while sent != connection.sent:
            sent = connection.sent
            await deferLater(reactor, 0.1)
        assert sent < 50_000_000
        count = 0
        while count < 100_000_000:
            count += len(await reader.read(2**20))
        assert connection.sent >= count
        await reader.close()
        await connection.lost


@pytest_twisted.ensureDeferred
async def test_lists_without_end() -> None:
    """A server that lists the same again and again is not asked for ever."""
    page = answer(
        200,
        b"<L><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></L>",
    )
    nowhere = answer(200, b"<L><IsTruncated>true</IsTruncated></L>")
    mark = answer(200, MARK.encode())
    for steps in ([page, page], [nowhere]):
        async with objects_at(mark, *steps) as (server, objects):
            with pytest.raises(StorageFailed, match="the same again and again"):
                await objects.names()
            assert server.steps == []


@pytest.mark.parametrize("status", [404, 405, 501])
@pytest_twisted.ensureDeferred
async def test_a_server_without_a_list_of_uploads(status: int) -> None:
    """It has no uploads in parts that could be left."""
    listed = answer(200, f"<L><Contents><Key>blocks/{NAME}</Key></Contents></L>".encode())
    mark = answer(200, MARK.encode())
    steps = [answer(404), answer(200), mark, listed, refused(status, "NotImplemented")]
    async with objects_at(*steps) as (server, objects):
        assert await objects.names() == [NAME]
        assert server.lines[:2] == [f"{do} /bucket/blocks/{OWNER}" for do in ("GET", "PUT")]
        assert server.asked[1].body == MARK.encode()


@pytest_twisted.ensureDeferred
async def test_deleting_what_cannot_be_deleted() -> None:
    """It is an error, unless it is gone already."""
    steps = [answer(404), refused(403, "AccessDenied"), refused(404, "NoSuchBucket")]
    async with objects_at(*steps) as (_, objects):
        await objects.delete(NAME)
        for reason in ("AccessDenied", "NoSuchBucket"):
            with pytest.raises(StorageFailed, match=reason):
                await objects.delete(NAME)
