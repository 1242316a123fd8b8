"""Reading objects: parts of them, while they are replaced, and when the disk fails."""

from typing import Any

import pytest_twisted
from twisted.internet.defer import Deferred, gatherResults

from qabel.blockserver.object_answer import PIECE
from tests.conftest import LoggedFailures

BODY = bytes(range(250))


@pytest_twisted.ensureDeferred
async def test_ranges(running: Any) -> None:
    """A download can be resumed, unless it is of another version."""
    async with running() as server:
        tag = (await server.put("blocks/b", BODY)).headers["ETag"]
        for asked, begin, end in (("10-19", 10, 20), ("200-", 200, 250), ("-3", 247, 250)):
            answer = await server.get("blocks/b", Range=f"bytes={asked}", If_Range=tag)
            assert (answer.status, answer.body) == (206, BODY[begin:end])
            assert answer.headers["Content-Range"] == f"bytes {begin}-{end - 1}/250"
            assert answer.headers["Content-Length"] == str(end - begin)
        whole = await server.get("blocks/b", Range="bytes=10-19", If_Range='"older"')
        assert (whole.status, whole.body) == (200, BODY)
        beyond = await server.get("blocks/b", Range="bytes=250-")
        assert (beyond.status, beyond.headers["Content-Range"]) == (416, "bytes */250")


@pytest_twisted.ensureDeferred
async def test_a_large_object(running: Any) -> None:
    """It is read and written piece by piece."""
    async with running() as server:
        storage = server.service._resource.storage
        assert await storage.index.run(lambda index: index.set_quota("anna", 10 * PIECE))
        body = bytes(range(256)) * (3 * PIECE // 256) + b"end"
        assert (await server.put("blocks/b", body)).status == 204
        assert (await server.get("blocks/b")).body == body


@pytest_twisted.ensureDeferred
async def test_reading_what_is_replaced_meanwhile(running: Any) -> None:
    """Readers get one version or another, whole."""
    async with running() as server:
        versions = [bytes([n]) * 5000 for n in range(30)]
        await server.put("meta", versions[0])
        reading = []
        for each in versions:
            reading.append(Deferred.fromCoroutine(server.get("meta")))
            await server.put("meta", each)
        for answer in await gatherResults(reading):
            assert answer.status == 200
            assert answer.body in versions


@pytest_twisted.ensureDeferred
async def test_an_object_that_is_missing(running: Any, logged_failures: LoggedFailures) -> None:
    """It is a failure of the server, not that there is no such file."""
    async with running() as server:
        await server.put("meta", BODY)
        (file,) = (each for each in (server.data / "objects").rglob("*") if each.is_file())
        file.unlink()
        answer = await server.get("meta")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
        assert "ETag" not in answer.headers
        assert any("missing" in str(each) for each in logged_failures.flush())


@pytest_twisted.ensureDeferred
async def test_an_object_that_is_too_short(running: Any, logged_failures: LoggedFailures) -> None:
    """The connection is cut: nobody takes it for the whole."""
    async with running() as server:
        await server.put("meta", BODY)
        (file,) = (each for each in (server.data / "objects").rglob("*") if each.is_file())
        file.write_bytes(BODY[:100])
        request = f"GET /api/v0{server.file('meta')} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        data = await server.raw(request)
        assert b"Content-Length: 250" in data
        assert len(data.partition(b"\r\n\r\n")[2]) < 250
        assert any("shorter" in str(each) for each in logged_failures.flush())
