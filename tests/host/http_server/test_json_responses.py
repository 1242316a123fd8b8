"""Short responses: their bytes, and their bodies and headers as clients get them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from qabel.host.http_server.json_responses import REFUSALS, JsonRequest, refusal
from qabel.host.http_server.site import BoundedSite
from tests.conversation import Answer, parse
from tests.host.http_server.conftest import Line, lose


class SmallJsonRequest(JsonRequest):
    """A request that may have ten bytes of body."""

    body_limit = 10
    too_large = refusal(b"413 Content Too Large", b"Too large")


Act = Callable[[SmallJsonRequest], object]


class Acting(Resource):
    """Does something with each request."""

    isLeaf = True

    def __init__(self, act: Act) -> None:
        super().__init__()
        self._act = act

    def render(self, request: SmallJsonRequest) -> int:
        """Respond."""
        self._act(request)
        return NOT_DONE_YET


def connect(act: Act) -> tuple[Any, Line]:
    """Return a connection to a server that does something with each request."""
    site = BoundedSite(
        Acting(act), SmallJsonRequest, REFUSALS, reactor=Clock(), max_connections=2, request_time=60
    )
    site.startFactory()
    channel, line = site.buildProtocol(None), Line()
    channel.makeConnection(line)
    return channel, line


def answer(act: Act, method: str = "GET") -> Answer:
    """Return the response to a request with which a server does something."""
    channel, line = connect(act)
    channel.dataReceived(f"{method} / HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return parse(line.value())


@pytest.mark.parametrize(
    ("response", "status", "text"),
    [
        (REFUSALS.malformed, 400, "Bad request"),
        (REFUSALS.too_slow, 408, "Request timeout"),
        (REFUSALS.full, 503, "Unavailable"),
        (refusal(b"507 Disk full", b"Disk full", b"Retry-After: 9", b"X-Y: z"), 507, "Disk full"),
    ],
)
def test_refusals(response: bytes, status: int, text: str) -> None:
    """Each is a whole response after which the connection ends."""
    found = parse(response)
    assert (found.status, json.loads(found.body)) == (status, {"error": text})
    assert found.headers["Connection"] == "close"
    assert found.headers["Content-Type"] == "application/json"
    assert int(found.headers["Content-Length"]) == len(found.body)


def test_headers_of_refusals() -> None:
    """Who is one too many is told when to come again, and others can be given, too."""
    assert parse(REFUSALS.full).headers["Retry-After"] == "60"
    headers = parse(refusal(b"507 Disk full", b"Disk full", b"Retry-After: 9", b"X-Y: z")).headers
    assert (headers["Retry-After"], headers["X-Y"]) == ("9", "z")


def test_a_body() -> None:
    """It has its length, and no type that nobody has set."""
    found = answer(lambda request: request.respond(200, b"some text"))
    assert (found.status, found.body) == (200, b"some text")
    assert found.headers["Content-Length"] == "9"
    assert "Content-Type" not in found.headers


def test_no_body() -> None:
    """A response that can have a body says that it has none; one that cannot says nothing."""
    assert answer(lambda request: request.respond(200)).headers["Content-Length"] == "0"
    for status in (204, 304):
        found = answer(lambda request, status=status: request.respond(status))  # type: ignore[misc]
        assert (found.status, found.body) == (status, b"")
        assert "Content-Length" not in found.headers


def test_head() -> None:
    """It gets the headers that GET would, and no body."""
    found = answer(lambda request: request.respond_json(200, {"a": 1}), "HEAD")
    assert (found.status, found.body) == (200, b"")
    assert found.headers["Content-Length"] == str(len(b'{"a": 1}'))
    assert found.headers["Content-Type"] == "application/json"


def test_json() -> None:
    """Values are in ASCII, with the type that says what they are."""
    found = answer(lambda request: request.respond_json(201, {"a": ["\u00e4", None]}))
    assert (found.status, found.body) == (201, b'{"a": ["\\u00e4", null]}')
    assert found.headers["Content-Type"] == "application/json"


def test_a_reason_of_its_own() -> None:
    """It stands in the status line, in place of what is usual there."""
    channel, line = connect(lambda request: request.respond_json(402, {}, b"Quota reached"))
    channel.dataReceived(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert line.value().startswith(b"HTTP/1.1 402 Quota reached\r\n")


def test_rejections() -> None:
    """An error is JSON; one about the method says which there are, and one for now, until when."""
    found = answer(lambda request: request.reject(404, "Not found"))
    assert (found.status, json.loads(found.body)) == (404, {"error": "Not found"})
    found = answer(lambda request: request.reject_method(b"GET, HEAD"), "PUT")
    assert (found.status, json.loads(found.body)) == (405, {"error": "Method not allowed"})
    assert found.headers["Allow"] == "GET, HEAD"
    found = answer(lambda request: request.put_off(429, "Too many", 2.1))
    assert (found.status, json.loads(found.body)) == (429, {"error": "Too many"})
    assert found.headers["Retry-After"] == "3"


def test_a_lost_connection_gets_nothing() -> None:
    """It is no error to respond to a client that has gone."""
    requests: list[SmallJsonRequest] = []
    channel, line = connect(requests.append)
    channel.dataReceived(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    (request,) = requests
    lose(channel)
    request.respond_json(200, {"a": 1})
    request.reject(404, "Not found")
    assert line.value() == b""
