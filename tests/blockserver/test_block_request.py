"""Requests whose bodies go to the storage as they arrive."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import Clock, deferLater
from twisted.web.resource import Resource

from qabel.blockserver.block_request import REQUEST_TIME, SILENCE, SMALL, make_block_site
from qabel.blockserver.block_values import BlockRefused
from qabel.host.http_server.sources import Sources
from tests.blockserver.conftest import ANNA, BOB, QUOTA
from tests.conversation import Conversation, parse
from tests.host.http_server.conftest import Line, lose

AUTHORIZED = f"Host: x\r\nAuthorization: Token {ANNA}\r\n"


def head(server: Any, length: int | str, *more: str, token: str = ANNA) -> bytes:
    """Return the head of an upload."""
    lines = [f"POST /api/v0{server.file('blocks/b')} HTTP/1.1", "Host: x"]
    lines += [f"Authorization: Token {token}"] if token else []
    lines += more
    lines.append(
        "Transfer-Encoding: chunked" if length == "chunked" else f"Content-Length: {length}"
    )
    return "\r\n".join([*lines, "", ""]).encode()


async def until_objects(server: Any, count: int) -> None:
    """Wait until the storage has so many files."""
    while len(server.objects()) != count:
        await deferLater(reactor, 0.01)


@pytest_twisted.ensureDeferred
async def test_a_body_arrives_in_pieces(running: Any) -> None:
    """As they come; nothing is there before all has come, and another request may follow."""
    body = bytes(range(256)) * 700
    async with running() as server:
        speaker: Conversation = await server.connect()
        speaker.transport.write(head(server, len(body)))
        await until_objects(server, 1)
        for begin in range(0, len(body), 50_000):
            speaker.transport.write(body[begin : begin + 50_000])
            assert (await server.get("blocks/b")).status == 404
            if begin + 50_000 >= len(body):
                break
        data = await speaker.until(lambda data: b"\r\n\r\n" in data)
        assert parse(data).status == 204
        speaker.transport.write(head(server, 3, "Connection: close") + b"two")
        data = await speaker.closed
        assert data.count(b"HTTP/1.1 204") == 2
        assert (await server.get("blocks/b")).body == b"two"


@pytest_twisted.ensureDeferred
async def test_chunks(running: Any) -> None:
    """Without a length, the quota is looked at in the end."""
    async with running() as server:
        chunk = b"4\r\nabcd\r\n"
        data = await server.raw(
            head(server, "chunked", "Connection: close") + 3 * chunk + b"0\r\n\r\n"
        )
        assert parse(data).status == 204
        assert (await server.get("blocks/b")).body == b"abcd" * 3
        many = b"%x\r\n" % QUOTA + bytes(QUOTA) + b"\r\n" + chunk + b"0\r\n\r\n"
        data = await server.raw(head(server, "chunked", "Connection: close") + many)
        assert parse(data).status == 402
        assert server.objects() == [b"abcd" * 3]


@pytest_twisted.ensureDeferred
async def test_a_connection_that_is_lost_leaves_nothing(running: Any) -> None:
    """What had arrived is deleted, and what was there before stays."""
    async with running() as server:
        await server.put("blocks/b", b"before")
        speaker = await server.connect()
        speaker.transport.write(head(server, 100_000) + bytes(50_000))
        await until_objects(server, 2)
        speaker.transport.abortConnection()
        await until_objects(server, 1)
        assert (await server.get("blocks/b")).body == b"before"


@pytest.mark.parametrize(
    ("token", "more", "status"), [(BOB, (), 403), ("x", (), 403), (ANNA, ('If-Match: "x"',), 412)]
)
@pytest_twisted.ensureDeferred
async def test_a_small_body_that_is_refused_keeps_its_connection(
    running: Any, token: str, more: tuple[str, ...], status: int
) -> None:
    """It is read and discarded: merging and trying again needs no other connection."""
    async with running() as server:
        body = bytes(100_000)
        request = head(server, len(body), *more, token=token) + body
        last = head(server, 2, "Connection: close") + b"ok"
        data = await server.raw(request + last)
        assert data.startswith(b"HTTP/1.1 %d " % status)
        assert data.count(b"HTTP/1.1 204 ") == 1
        assert server.objects() == [b"ok"]


@pytest.mark.parametrize(
    ("size", "token", "status"),
    [(SMALL + 1, "", 403), (SMALL + 1, BOB, 403), (SMALL + 1, ANNA, 402), (10**9, ANNA, 400)],
)
@pytest_twisted.ensureDeferred
async def test_a_large_body_is_refused_before_it_arrives(
    running: Any, size: int, token: str, status: int
) -> None:
    """The client need not send it."""
    async with running(max_body=2 * SMALL) as server:
        speaker = await server.connect()
        speaker.transport.write(head(server, size, "Expect: 100-continue", token=token))
        data = await speaker.closed
        if data.startswith(b"HTTP/1.1 100 "):
            _, _, data = data.partition(b"\r\n\r\n")
        answer = parse(data)
        assert answer.status == status
        assert answer.headers["Connection"] == "close"
        assert json.loads(answer.body)["error"]
        assert server.objects() == []


@pytest_twisted.ensureDeferred
async def test_too_much_is_refused_while_it_arrives(running: Any) -> None:
    """When there are more chunks than there may be."""
    async with running(max_body=100) as server:
        speaker = await server.connect()
        speaker.transport.write(head(server, "chunked") + b"65\r\n" + bytes(101) + b"\r\n")
        assert parse(await speaker.closed).status == 400
        await until_objects(server, 0)


class NotedUpload:
    """What becomes of an upload, without any storage."""

    def __init__(self) -> None:
        self.received = b""
        self.aborted = False
        self.source: Any = None

    def begin(self, on_refused: Callable[[Exception], None]) -> None:
        """Let the body arrive, as soon as it is admitted."""
        self.refuse = lambda: on_refused(BlockRefused(403, "User not found"))
        self.source.pause()
        self.source.resume()

    def receive(self, data: bytes) -> None:
        """Note what arrives."""
        self.received += data

    def abort(self) -> None:
        """Note that it was aborted."""
        self.aborted = True


class NotedUploads(Resource):
    """Takes every POST as an upload."""

    max_body = 10**6

    def __init__(self) -> None:
        super().__init__()
        self.upload = NotedUpload()

    def begin_upload(self, request: Any, target: bytes, size: int) -> NotedUpload:
        """Return the upload."""
        self.upload.source = request
        return self.upload


def begin_slowly() -> tuple[Clock, Any, Line, NotedUpload]:
    """Return an upload of which the head has arrived."""
    clock, uploads = Clock(), NotedUploads()
    site = make_block_site(uploads, clock, max_connections=1, sources=Sources(), most_each=1)
    channel, line = site.buildProtocol(None), Line()
    channel.makeConnection(line)
    channel.dataReceived(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
    return clock, channel, line, uploads.upload


def test_a_body_may_take_its_time() -> None:
    """Longer than a head, while some of it arrives; and it makes no room for others."""
    clock, channel, line, upload = begin_slowly()
    for _ in range(20):
        clock.advance(SILENCE - 1)
        channel.dataReceived(b"x")
    assert upload.received == b"x" * 20
    other = channel.site.buildProtocol(None)
    other.makeConnection(other_line := Line())
    assert b" 503 " in other_line.value()
    assert not line.value()
    other.connectionLost()


def test_a_silent_body_is_given_up() -> None:
    """The client is told, and the storage too."""
    clock, channel, line, upload = begin_slowly()
    clock.advance(REQUEST_TIME + SILENCE + 1)
    assert line.value().startswith(b"HTTP/1.1 408 ")
    lose(channel)
    assert upload.aborted


def test_a_body_that_is_refused_may_not_take_long() -> None:
    """Nobody without a token holds a connection by sending a byte now and then."""
    clock, channel, line, upload = begin_slowly()
    upload.refuse()
    channel.dataReceived(b"x")
    clock.advance(REQUEST_TIME - 1)
    channel.dataReceived(b"x")
    clock.advance(2)
    assert line.value().startswith(b"HTTP/1.1 408 ")
    assert upload.received == b""
    lose(channel)
