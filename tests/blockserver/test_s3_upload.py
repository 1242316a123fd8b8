"""Uploads to S3: small ones in one request, others in parts, and nothing half done is kept."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

import pytest
import pytest_twisted

from qabel.blockserver.object_store import ObjectGone, StorageFailed
from qabel.blockserver.s3_answers import parse_page
from qabel.blockserver.s3_objects import S3Objects
from qabel.blockserver.s3_requests import S3Request
from qabel.blockserver.s3_upload import PART, PartBuffer, S3Writer
from tests.blockserver.s3_servers import S3Server, moto_server, rclone_server
from tests.blockserver.scripted_server import CUT, Reaction, answer, refused, scripted

NAME = "ab" * 16
PATH = f"/bucket/blocks/{NAME}"
BEGUN = answer(
    200, b"<InitiateMultipartUploadResult><UploadId>u/1</UploadId></InitiateMultipartUploadResult>"
)
DONE = answer(200, b"<CompleteMultipartUploadResult><Key>k</Key></CompleteMultipartUploadResult>")
TAGGED, DELETED = answer(200, ETag='"tag"'), answer(204)


@pytest.fixture(scope="module", params=[moto_server, rclone_server])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[S3Server]:
    """Return a real server."""
    with request.param(tmp_path_factory.mktemp("s3")) as made:
        yield made


@asynccontextmanager
async def writing(*steps: Reaction) -> AsyncIterator[tuple[Any, S3Writer, list[str]]]:
    """Run a server with a script; give it, what writes an object to it, and what was given up."""
    async with scripted(*steps) as server:
        requests, settled = server.requests(), list[str]()
        try:
            yield server, S3Writer(requests, NAME, settled.append), settled
        finally:
            await requests.close(0.1)


async def uploads(objects: S3Objects) -> list[str]:
    """Return the objects of all uploads in parts that are not ended."""
    got = await objects._requests.ask(S3Request("GET", query=[("uploads", "")]), 200)
    return [each["Key"] for each in parse_page(got.body, "Upload").items]


@pytest_twisted.ensureDeferred
async def test_a_small_object() -> None:
    """It is one request."""
    async with writing(answer(200)) as (server, writer, settled):
        for each in (b"one", b"two"):
            await writer.write(each)
        assert server.asked == []
        await writer.finish()
        (asked,) = server.asked
        assert (asked.line, asked.body) == (f"PUT {PATH}", b"onetwo")
        assert asked.headers["x-amz-content-sha256"] == sha256(b"onetwo").hexdigest()
        assert settled == []


@pytest_twisted.ensureDeferred
async def test_a_large_object() -> None:
    """Each part is sent as soon as it is full, and the tags are given back."""
    async with writing(BEGUN, TAGGED, TAGGED, DONE) as (server, writer, _):
        await writer.write(bytes(PART - 1))
        assert server.asked == []
        await writer.write(b"ab")
        assert len(server.asked) == 2
        await writer.finish()
        assert server.lines == [
            f"POST {PATH}?uploads=",
            f"PUT {PATH}?partNumber=1&uploadId=u%2F1",
            f"PUT {PATH}?partNumber=2&uploadId=u%2F1",
            f"POST {PATH}?uploadId=u%2F1",
        ]
        assert [len(each.body) for each in server.asked[1:3]] == [PART, 1]
        assert server.asked[1].body[-1:] + server.asked[2].body == b"ab"
        assert server.asked[3].body.count(b'<ETag>"tag"</ETag>') == 2


@pytest_twisted.ensureDeferred
async def test_a_part_is_sent_again() -> None:
    """The same bytes, as often as it is needed."""
    steps = [BEGUN, answer(500), CUT, TAGGED, DONE]
    async with writing(*steps) as (server, writer, _):
        await writer.write(b"x" * PART)
        await writer.finish()
        assert [each.body for each in server.asked[1:4]] == [b"x" * PART] * 3


@pytest_twisted.ensureDeferred
async def test_the_answer_to_the_end_is_lost() -> None:
    """The upload is gone then, and the object is there: if it has as many bytes, all is well."""
    for length, is_whole in ((PART + 1, True), (PART, False), (None, False)):
        head = Reaction(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode())
        steps = [BEGUN, TAGGED, TAGGED, CUT, refused(404, "NoSuchUpload")]
        steps.append(Reaction(b"HTTP/1.1 404 No\r\n\r\n", is_end=True) if length is None else head)
        async with writing(*steps) as (server, writer, _):
            await writer.write(bytes(PART + 1))
            if is_whole:
                await writer.finish()
            else:
                with pytest.raises(StorageFailed, match=r"answered 404 \(NoSuchUpload\)"):
                    await writer.finish()
            assert server.lines[-1] == f"HEAD {PATH}"


@pytest_twisted.ensureDeferred
async def test_an_error_that_looks_like_a_success() -> None:
    """The object is not there, whatever the status is; and giving up deletes all there may be."""
    steps = [BEGUN, TAGGED, refused(200, "InternalError"), DELETED, DELETED]
    async with writing(*steps) as (server, writer, settled):
        await writer.write(bytes(PART))
        with pytest.raises(StorageFailed, match="InternalError"):
            await writer.finish()
        await writer.abort()
        assert server.lines[-2:] == [f"DELETE {PATH}?uploadId=u%2F1", f"DELETE {PATH}"]
        assert settled == [NAME]


@pytest.mark.parametrize("content", [b"x", bytes(PART)])
@pytest_twisted.ensureDeferred
async def test_giving_up_when_nothing_works(content: bytes) -> None:
    """It raises nothing, and is not tried again: what is left is swept later."""
    begin = [BEGUN, TAGGED] if len(content) == PART else []
    deletes = 2 if begin else 1
    async with writing(*begin, *[answer(503)] * (4 + deletes)) as (server, writer, settled):
        await writer.write(content)
        with pytest.raises(StorageFailed):
            await writer.finish()
        await writer.abort()
        assert (settled, server.steps) == ([NAME], [])


@pytest_twisted.ensureDeferred
async def test_giving_up_before_anything_was_sent() -> None:
    """Then there is nothing to delete."""
    async with writing() as (server, writer, settled):
        await writer.write(b"x")
        await writer.abort()
        assert (server.asked, settled) == ([], [NAME])


@pytest.mark.parametrize("body", [b"<a/>", b"", b"<Error><Code>InternalError</Code></Error>"])
@pytest_twisted.ensureDeferred
async def test_an_upload_without_a_name(body: bytes) -> None:
    """It cannot be continued."""
    async with writing(answer(200, body)) as (_, writer, _settled):
        with pytest.raises(StorageFailed):
            await writer.write(bytes(PART))


@pytest_twisted.ensureDeferred
async def test_too_many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 takes no more, so that it is not tried."""
    monkeypatch.setattr("qabel.blockserver.s3_upload.MOST_PARTS", 1)
    async with writing(BEGUN, TAGGED) as (_, writer, _settled):
        await writer.write(bytes(PART))
        with pytest.raises(StorageFailed, match="more parts than S3 takes"):
            await writer.write(bytes(PART))


@pytest_twisted.ensureDeferred
async def test_no_upload_is_left_on_a_server(server: S3Server) -> None:
    """Neither of one that was finished nor of one that was given up."""
    async with server.objects() as objects:
        finished, given_up = [await objects.create() for _ in "12"]
        for each in (finished, given_up):
            await each.write(bytes(PART))
        assert len(await uploads(objects)) == 2
        await finished.finish()
        await given_up.abort()
        assert await uploads(objects) == []
        with pytest.raises(ObjectGone):
            await objects.open(given_up.name, 0, 1)
        await finished.abort()


def test_a_buffer() -> None:
    """It takes as much as a part has, and knows the digest of it."""
    part = PartBuffer()
    assert part.add(b"ab") == b""
    assert part.add(bytes(PART)) == bytes(2)
    assert (part.size, sum(map(len, part.pieces))) == (PART, PART)
    request = part.request("PUT", NAME, ("a", "b"))
    assert request.digest == sha256(b"ab" + bytes(PART - 2)).hexdigest()
