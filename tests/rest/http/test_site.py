"""Clients that send too much, too slowly or too often."""

from typing import Any

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import Clock

from qabel.contract.routes import LARGE_BODY, MAX_BODY
from qabel.rest.http.site import REQUEST_TIME

JSON = "application/json"


@pytest_twisted.ensureDeferred
async def test_large_body(server: Any) -> None:
    """A body that says it is too large is refused before it is sent, and the answer arrives."""
    wire = await server.wire()
    head = server.request("POST", "/settings", content_length=str(MAX_BODY + 1), content_type=JSON)
    wire.send(head + b"x" * MAX_BODY)
    got = await wire.answer()
    assert (got.status, got.headers["connection"]) == (413, "close")
    assert got.json()["limit"] == MAX_BODY
    wire.transport.loseConnection()
    await wire.closed()


@pytest_twisted.ensureDeferred
async def test_expected_large_body(server: Any) -> None:
    """Who asks first is not told to go on with what is too large."""
    wire = await server.wire()
    wire.send(
        server.request("POST", "/settings", content_length=str(2 * MAX_BODY), expect="100-continue")
    )
    assert (await wire.answer()).status == 413
    wire.transport.loseConnection()
    assert await wire.closed() == b""


@pytest_twisted.ensureDeferred
async def test_documents_and_files(server: Any) -> None:
    """Where whole documents and files are sent, a body may have 16 MiB, and no more."""
    for method, path in (
        ("POST", "/synced"),
        ("PUT", "/synced"),
        ("PATCH", "/synced"),
        ("POST", "/contacts/import"),
        ("POST", "/identities/import"),
    ):
        got = await server.ask(method, path, b" " * 2 * MAX_BODY + b"x", content_type=JSON)
        assert got.status in (400, 405, 409), (method, path, got)
        wire = await server.wire()
        wire.send(server.request(method, path, content_length=str(LARGE_BODY + 1)))
        assert (await wire.answer()).json()["limit"] == LARGE_BODY


@pytest_twisted.ensureDeferred
async def test_large_chunked_body(server: Any) -> None:
    """A body in chunks is counted as it comes; the request that it belongs to is not handled."""
    before = (await server.ask("GET", "/settings")).body
    wire = await server.wire()
    wire.send(server.request("POST", "/settings", transfer_encoding="chunked", content_type=JSON))
    text = b'{"settings": {"poll_interval": 9}' + b" " * MAX_BODY + b"}"
    for start in range(0, len(text), 65536):
        piece = text[start : start + 65536]
        wire.send(b"%x\r\n%s\r\n" % (len(piece), piece))
    wire.send(b"0\r\n\r\n")
    assert (await wire.answer()).status == 413
    wire.transport.loseConnection()
    await wire.closed()
    assert (await server.ask("GET", "/settings")).body == before


@pytest_twisted.ensureDeferred
async def test_largest_body(server: Any) -> None:
    """A body of just the size that is allowed is taken, at once or in chunks."""
    text = b'{"settings": {}' + b" " * (MAX_BODY - 16) + b"}"
    assert (await server.ask("POST", "/settings", text, content_type=JSON)).status == 200
    wire = await server.wire()
    wire.send(server.request("POST", "/settings", transfer_encoding="chunked", content_type=JSON))
    wire.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(text), text))
    assert (await wire.answer()).status == 200


@pytest_twisted.ensureDeferred
async def test_malformed_requests(server: Any) -> None:
    """What is no HTTP request, or has endless headers, is answered once and hung up on."""
    many = b"".join(b"X-%d: 1\r\n" % number for number in range(150))
    start = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
    for data in (
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        start + many + b"\r\n",
        start + b"X: " + b"x" * 40_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\n\r\n",
        start + b"no colon\r\n\r\n",
        start + b"Content-Length: -1\r\n\r\n",
        start + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        start + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ):
        wire = await server.wire()
        wire.send(data)
        got = await wire.answer()
        assert got.status == 400, data[:40]
        assert got.json()["status"] == 400
        wire.transport.loseConnection()
        assert await wire.closed() == b""
    assert (await server.ask("GET", "/settings")).status == 200


class ManualClock(Clock):
    """A clock that is put forward by hand; all else is the real reactor's."""

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)


@pytest_twisted.ensureDeferred
async def test_slow_request(make_server: Any) -> None:
    """A request that comes byte by byte is cut off when its time is over, head or body."""
    clock = ManualClock()
    server = await make_server(clock=clock)
    body = server.request("PUT", "/settings", b"x" * 1000, content_type=JSON)
    for data in (b"GET /settings HTTP/1.1\r\nHost: localhost" + b"x" * 60, body):
        wire = await server.wire()
        for position in range(50):
            wire.send(data[position : position + 1])
        wire.send(data[50:-10])
        await server.until(lambda: server.site.connections > 0 and _arriving(server))
        clock.advance(REQUEST_TIME / 2)
        seen = _received(server)
        wire.send(data[-10:-9])
        await server.until(lambda: _received(server) != seen)  # noqa: B023
        clock.advance(REQUEST_TIME / 2 - 1)
        assert wire.received == b""
        clock.advance(2)
        assert (await wire.answer()).status == 408
        clock.advance(10)
        await wire.closed()


@pytest_twisted.ensureDeferred
async def test_idle_connection(make_server: Any) -> None:
    """A connection on which nothing is asked is closed; one that waits for news is not."""
    clock = ManualClock()
    server = await make_server(clock=clock)
    idle, busy = await server.wire(), await server.wire()
    idle.send(server.request("GET", "/settings"))
    busy.send(server.request("GET", "/events"))
    await idle.answer()
    await busy.until(b"id: ")
    clock.advance(REQUEST_TIME + 1)
    assert await idle.closed() == b""
    assert not busy.is_closed


@pytest_twisted.ensureDeferred
async def test_full_house(make_server: Any) -> None:
    """With all connections taken, one that is idle makes room; if all are busy, 503."""
    server = await make_server(max_connections=3)
    wires = [await server.wire() for _ in range(3)]
    for wire in wires:
        wire.send(server.request("GET", "/settings"))
        await wire.answer()
    assert (await server.ask("GET", "/settings")).status == 200
    assert await wires[0].closed() == b""
    busy = [await server.wire() for _ in range(3)]
    for wire in busy:
        wire.send(server.request("GET", "/events"))
        await wire.until(b"id: ")
    refused = await server.wire()
    assert (await refused.answer()).status == 503
    await refused.closed()
    busy[0].close()
    await server.until(lambda: server.site.connections < 3)
    assert (await server.ask("GET", "/settings")).status == 200


@pytest_twisted.ensureDeferred
async def test_slow_strangers_keep_nobody_out(make_server: Any) -> None:
    """However many send a byte now and then, who has a whole request is answered at once."""
    server = await make_server(max_connections=20)
    slow = []
    for number in range(200):
        wire = await server.wire()
        wire.send(b"GET /settings HTTP/1.1\r\nHost: localhost\r\nX-A"[: 1 + number % 40])
        slow.append(wire)
        if number % 20 == 19:
            await server.until(lambda: _arriving(server))
            assert (await server.ask("GET", "/settings")).status == 200
            assert server.site.connections <= 20
    for wire in slow[:100]:
        wire.send(b"x")
    assert (await server.ask("GET", "/settings")).status == 200
    for wire in slow[:150]:
        assert await wire.closed() == b""


@pytest_twisted.ensureDeferred
async def test_who_sends_a_body_is_not_pushed_out(make_server: Any) -> None:
    """A body on its way from somebody who may send one is not broken off for newcomers."""
    server = await make_server(max_connections=3)
    body = b'{"key": "poll_interval", "value": 7}'
    whole = server.request("PUT", "/settings", body, content_type=JSON)
    sending = await server.wire()
    sending.send(whole[:-5])
    await server.until(lambda: any(each.is_trusted for each in server.site._waiting))
    for _ in range(10):
        wire = await server.wire()
        wire.send(b"G")
        await server.until(lambda: server.site.connections <= 3)
    assert (await server.ask("GET", "/status")).status == 200
    sending.send(whole[-5:])
    assert (await sending.answer()).status == 200


@pytest_twisted.ensureDeferred
async def test_pipelining(server: Any) -> None:
    """Requests sent at once are answered in order."""
    wire = await server.wire()
    paths = ["/settings", "/nothing", "/drop", "/synced"] * 5
    wire.send(b"".join(server.request("GET", path) for path in paths))
    got = [(await wire.answer()).status for _ in paths]
    assert got == [200, 404, 204, 200] * 5


@pytest_twisted.ensureDeferred
async def test_old_http(server: Any) -> None:
    """A client that speaks HTTP/1.0, or says so, is hung up on after its answer."""
    for request in (
        server.request("GET", "/settings").replace(b"HTTP/1.1", b"HTTP/1.0"),
        server.request("GET", "/settings", connection="close"),
    ):
        wire = await server.wire()
        wire.send(request)
        assert (await wire.answer()).status == 200
        assert await wire.closed() == b""


def _arriving(server: Any) -> bool:
    return any(each.is_arriving for each in server.site._waiting)


def _received(server: Any) -> int:
    [channel] = server.site._waiting
    body = channel.requests[-1].content if channel.requests else None
    return len(channel._buffer) + (len(body.getvalue()) if body else 0)
