"""Large bodies: sent no faster than they are read."""

from typing import Any

import pytest

from qabel.contract.reply import Reply, json_reply
from qabel.contract.routes import Routes
from qabel.host.http_server.flow import PIECE
from qabel.rest.http.large_answers import PATIENCE
from tests.rest.http.memory_api import MemoryApi, NarrowLine, request
from tests.rest.wire import parse_answer

BODY = bytes(range(256)) * (5 * PIECE // 256) + b"the end"


def large_api() -> MemoryApi:
    """Return an API with a large answer, and with a small one."""
    routes = Routes("Large")
    routes.add("GET", "/large", "Show it", scopes={"read"}, answers={200: "It."})(
        lambda _: Reply(200, BODY, b"application/octet-stream")
    )
    routes.add("GET", "/small", "Show it", scopes={"read"}, answers={200: "It."})(
        lambda _: json_reply("small")
    )
    return MemoryApi(routes.all)


@pytest.fixture
def asked() -> tuple[MemoryApi, Any, NarrowLine]:
    """Return an API, and a narrow connection on which something large is asked for."""
    api = large_api()
    channel, line = api.connect()
    line.is_narrow = True
    channel.dataReceived(request("GET", "/large"))
    return api, channel, line


def body_of(line: NarrowLine) -> bytes:
    """Return what has been sent of the body."""
    return line.value().partition(b"\r\n\r\n")[2]


def test_a_fast_reader() -> None:
    """Whoever reads all of it gets all of it, with its length."""
    got = large_api().ask("GET", "/large")
    assert got.headers["content-length"] == str(len(BODY))
    assert got.body == BODY


def test_a_slow_reader(asked: tuple[MemoryApi, Any, NarrowLine]) -> None:
    """Whoever reads a piece at a time is sent a piece at a time."""
    api, _, line = asked
    sent = [len(body_of(line))]
    while sent[-1] < len(BODY):
        api.clock.advance(PATIENCE - 1)
        line.read_on()
        sent.append(len(body_of(line)))
    assert len(sent) >= 4
    assert all(after - before < 2 * PIECE for before, after in zip([0, *sent], sent, strict=False))
    assert parse_answer(line.value()).body == BODY
    assert not line.aborted


def test_a_reader_that_reads_no_more(asked: tuple[MemoryApi, Any, NarrowLine]) -> None:
    """The connection of somebody who takes nothing for too long is cut."""
    api, _, line = asked
    api.clock.advance(PATIENCE - 1)
    assert not line.aborted
    api.clock.advance(1)
    assert line.aborted
    assert len(body_of(line)) <= PIECE


def test_a_reader_that_leaves(asked: tuple[MemoryApi, Any, NarrowLine]) -> None:
    """When the connection is lost in the middle, nothing is left of it."""
    api, channel, line = asked
    channel.connectionLost()
    assert api.site.connections == 0
    assert len(body_of(line)) <= PIECE
    assert api.clock.getDelayedCalls() == []


def test_the_connection_goes_on() -> None:
    """After a large answer the next request on the connection is answered, and HEAD has no body."""
    channel, line = large_api().connect()
    channel.dataReceived(request("HEAD", "/large") + request("GET", "/large"))
    channel.dataReceived(request("GET", "/small"))
    head, _, rest = line.value().partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(BODY) in head
    large, answer = rest[: rest.index(BODY) + len(BODY)], rest[rest.index(BODY) + len(BODY) :]
    assert parse_answer(large).body == BODY
    assert parse_answer(answer).json() == "small"
