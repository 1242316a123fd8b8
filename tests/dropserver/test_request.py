"""Requests to a drop server in memory: what of their bodies is kept, and how some are rejected."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from qabel.dropserver.message_values import MESSAGE_LIMIT
from qabel.dropserver.request import DISCARD_LIMIT, REQUEST_TIME, DropRequest, make_drop_site
from tests.conversation import Answer, parse
from tests.host.http_server.conftest import Line

SECRET = "aB3-_" * 8 + "xyz"
HEAD = f"POST /{SECRET} HTTP/1.1\r\nHost: x\r\n".encode()


class Silent(Resource):
    """A resource that keeps requests, and does not respond."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[DropRequest] = []

    def render(self, request: DropRequest) -> int:
        """Keep the request."""
        self.requests.append(request)
        return NOT_DONE_YET


@pytest.fixture
def clock() -> Clock:
    """Return the clock of the server."""
    return Clock()


@pytest.fixture
def resource() -> Silent:
    """Return the resource of the server."""
    return Silent()


@pytest.fixture
def connect(clock: Clock, resource: Silent) -> Callable[[], tuple[Any, Line]]:
    """Return a function that opens a connection to a server with room for one."""
    site = make_drop_site(resource, clock, max_connections=1)
    site.startFactory()

    def run() -> tuple[Any, Line]:
        channel, connection = site.buildProtocol(None), Line()
        channel.makeConnection(connection)
        return channel, connection

    return run


def rejection(connection: Line) -> Answer:
    """Return the one whole response on a connection, after checking its form."""
    answer = parse(connection.value())
    assert answer.headers["Connection"] == "close"
    assert answer.headers["Content-Type"] == "application/json"
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    assert SECRET.encode() not in connection.value()
    return answer


@pytest.mark.parametrize("size", [0, 1, MESSAGE_LIMIT, MESSAGE_LIMIT + 1])
def test_a_body_is_kept(connect: Any, resource: Silent, size: int) -> None:
    """A body is kept as it is, up to one byte more than a message may have."""
    channel, _ = connect()
    channel.dataReceived(HEAD + b"Content-Length: %d\r\n\r\n" % size + b"x" * size)
    (request,) = resource.requests
    assert request.content.getvalue() == b"x" * size


@pytest.mark.parametrize("piece", [1000, MESSAGE_LIMIT, MESSAGE_LIMIT + 1, 65536])
def test_of_a_larger_body_only_the_start_is_kept(
    connect: Any, resource: Silent, piece: int
) -> None:
    """Whatever the pieces in which it arrives, a large body is read to its end and not kept."""
    channel, connection = connect()
    body = bytes(range(256)) * 1024
    channel.dataReceived(HEAD + b"Content-Length: %d\r\n\r\n" % len(body))
    for start in range(0, len(body), piece):
        channel.dataReceived(body[start : start + piece])
    (request,) = resource.requests
    assert request.content.getvalue() == body[: MESSAGE_LIMIT + 1]
    assert connection.value() == b""


def test_a_huge_body_is_rejected_by_its_length(connect: Any, resource: Silent) -> None:
    """A body that would not be read to its end is rejected before it arrives."""
    channel, connection = connect()
    channel.dataReceived(
        HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (DISCARD_LIMIT + 1)
    )
    answer = rejection(connection)
    assert (answer.status, json.loads(answer.body)) == (413, {"error": "Message too large"})
    assert resource.requests == []


def test_an_endless_body_is_rejected(connect: Any, resource: Silent) -> None:
    """A body without a length is rejected once it is larger than what is read."""
    channel, connection = connect()
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    channel.dataReceived(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(DISCARD_LIMIT // 0x10000):
        channel.dataReceived(chunk)
    assert connection.value() == b""
    channel.dataReceived(chunk)
    assert rejection(connection).status == 413
    assert resource.requests == []


def test_what_is_not_http_is_rejected(connect: Any) -> None:
    """A malformed request gets a response that clients can parse."""
    channel, connection = connect()
    channel.dataReceived(f"/{SECRET}\r\n\r\n".encode())
    answer = rejection(connection)
    assert (answer.status, json.loads(answer.body)) == (400, {"error": "Bad request"})


def test_a_slow_request_is_rejected(connect: Any, clock: Clock) -> None:
    """A request that has not arrived completely in time gets a 408."""
    channel, connection = connect()
    channel.dataReceived(HEAD)
    clock.advance(REQUEST_TIME - 1)
    assert connection.value() == b""
    clock.advance(1)
    answer = rejection(connection)
    assert (answer.status, json.loads(answer.body)) == (408, {"error": "Request timeout"})


def test_one_connection_too_many_is_rejected(connect: Any) -> None:
    """A connection beyond the limit is told when to come again."""
    channel, _ = connect()
    channel.dataReceived(HEAD + b"Content-Length: 0\r\n\r\n")
    _, connection = connect()
    answer = rejection(connection)
    assert (answer.status, json.loads(answer.body)) == (503, {"error": "Unavailable"})
    assert answer.headers["Retry-After"] == "60"


def test_requests_show_no_drop_id(connect: Any, resource: Silent) -> None:
    """The repr of a request, which may go to a log, does not contain the drop id."""
    channel, _ = connect()
    channel.dataReceived(HEAD + b"Content-Length: 0\r\n\r\n")
    assert SECRET not in repr(resource.requests)
