"""Requests on their way in: what gets as far as a route, and with what."""

from typing import Any

import pytest
import pytest_twisted

from qabel.contract.access import Access
from qabel.contract.reply import json_reply
from qabel.contract.routes import MAX_BODY, Routes
from qabel.forms.compound import Key
from qabel.forms.plain import Text
from qabel.rest.http.access_control import AccessOptions
from tests.rest.http.memory_api import MemoryApi, request
from tests.rest.wire import parse_answer

ORIGIN = "https://app.example"
PREFLIGHT = {"origin": ORIGIN, "access_control_request_method": "PUT"}


def small_api(**options: Any) -> MemoryApi:
    """Return an API with two routes: one is open, the other needs the token "good"."""
    routes = Routes("Small")
    routes.add(
        "PUT",
        "/it",
        "Put it",
        scopes={"send"},
        query={"text": Key(Text(20), "none")},
        answers={200: "It."},
    )(lambda call: json_reply([call.query["text"], len(call.data())]))
    routes.add("GET", "/open", "Show it", scopes=(), answers={200: "It."})(
        lambda _: json_reply("open")
    )
    options.setdefault("allowed_origins", frozenset({ORIGIN}))
    tokens = {"good": Access(frozenset({"send"})), "reader": Access(frozenset({"read"}))}
    return MemoryApi(routes.all, tokens=tokens, options=AccessOptions(**options))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", "none"),
        ("?", "none"),
        ("?&&", "none"),
        ("?text", ""),
        ("?text=", ""),
        ("?text=a+b%20c", "a b c"),
        ("?text=%C3%A9&", "é"),
        ("?text=a=b", "a=b"),
    ],
)
def test_query(query: str, text: str) -> None:
    """The query is decoded as a form; a parameter without a value is an empty one."""
    assert small_api().ask("PUT", f"/it{query}", token="good").json() == [text, 0]


def test_open_paths() -> None:
    """Only an open path is answered without a token; whether others exist is not told."""
    api = small_api()
    assert api.ask("GET", "/open").json() == "open"
    assert [api.ask("GET", path).status for path in ("/it", "/nothing", "/%ff")] == [401] * 3
    assert [api.ask("GET", path, token="good").status for path in ("/nothing", "/%ff")] == [
        404,
        400,
    ]


def test_bodies_of_strangers_are_not_kept() -> None:
    """Nothing is kept of a body from somebody without a token, who is rejected all the same."""
    api = small_api()
    body = b"x" * 1000
    for token, kept in (("wrong", 0), ("good", 990)):
        channel, line = api.connect()
        channel.dataReceived(request("PUT", "/it", body, token=token)[:-10])
        [arriving] = channel.requests
        assert (len(arriving.content.getvalue()), channel.is_trusted) == (kept, bool(kept))
        channel.dataReceived(body[:10])
        assert (b" 200 " in line.value()) is bool(kept)
    assert api.ask("PUT", "/it", body, token="good").json() == ["none", 1000]


def expecting(
    *, token: str = "", size: int = 10, expect: str = "100-continue", **more: Any
) -> bytes:
    """Return the head of a request whose client waits for leave to send the body."""
    length = {"content_length": str(size)} if size else {}
    return request("PUT", "/it", token=token, expect=expect, **length, **more)


def test_leave_to_send_a_body() -> None:
    """Who may send a body is told to go on, once; the response follows the body."""
    channel, line = small_api().connect()
    channel.dataReceived(expecting(token="good"))
    assert line.value() == b"HTTP/1.1 100 Continue\r\n\r\n"
    channel.dataReceived(b"x" * 10)
    assert line.value().endswith(b'["none",10]\n')
    for quiet in (
        expecting(token="good", size=0),
        expecting(token="good").replace(b"HTTP/1.1", b"HTTP/1.0"),
    ):
        channel, line = small_api().connect()
        channel.dataReceived(quiet)
        assert b"100 Continue" not in line.value()
        channel.dataReceived(b"x" * 10)
        assert b" 200 " in line.value()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (expecting(), 401),
        (expecting(token="wrong"), 401),
        (expecting(token="reader"), 403),
        (expecting(token="good", host="evil.example"), 403),
        (expecting(token="good", origin="https://evil.example"), 403),
        (expecting(size=2 * MAX_BODY), 401),
        (expecting(token="reader", size=2 * MAX_BODY), 403),
        (expecting(token="good", size=2 * MAX_BODY), 413),
        (expecting(token="good", expect="200-ok"), 417),
        (expecting(token="good", expect="100-continue, 200-ok"), 417),
        (expecting(token="good", expect="200-ok", size=0), 417),
        (expecting(expect="200-ok"), 401),
    ],
)
def test_who_gets_no_leave_to_send_a_body(head: bytes, status: int) -> None:
    """Who may not send a body gets the final response at once, and nothing is read after it."""
    api = small_api()
    channel, line = api.connect()
    channel.dataReceived(head)
    got = parse_answer(line.value())
    assert got.status == status
    assert b"100 Continue" not in line.value()
    written = line.value()
    channel.dataReceived(b"x" * 10 + request("PUT", "/it", token="good"))
    assert line.value().startswith(written)
    if status != 417:
        assert line.value() == written


def test_a_refused_page_can_read_why() -> None:
    """A page of an allowed origin can read the response that refuses its body."""
    channel, line = small_api().connect()
    channel.dataReceived(expecting(origin=ORIGIN))
    assert parse_answer(line.value()).headers["access-control-allow-origin"] == ORIGIN


def test_bodies_that_no_route_takes_are_not_kept() -> None:
    """Nothing is kept of a body without a route, or whose token lacks the scope."""
    for method, target, token in (
        ("PUT", "/it", "reader"),
        ("PUT", "/nothing", "good"),
        ("POST", "/it", "good"),
    ):
        channel, line = small_api().connect()
        channel.dataReceived(request(method, target, b"x" * 1000, token=token)[:-10])
        [arriving] = channel.requests
        assert arriving.content.getvalue() == b""
        channel.dataReceived(b"x" * 10)
        assert parse_answer(line.value()).status in (403, 404, 405)


def test_a_request_is_decided_by_its_own_headers() -> None:
    """On one connection each request needs a token of its own."""
    channel, line = small_api().connect()
    for token in ("good", "", "good"):
        channel.dataReceived(request("PUT", "/it", token=token))
    found = [line.value().count(b"HTTP/1.1 %d" % status) for status in (200, 401)]
    assert found == [2, 1]


def test_preflight() -> None:
    """A preflight request of an allowed origin needs no token; others are no preflight requests."""
    api = small_api()
    got = api.ask("OPTIONS", "/it", **PREFLIGHT)
    assert (got.status, got.body) == (204, b"")
    assert got.headers["access-control-allow-origin"] == ORIGIN
    assert "PUT" in got.headers["access-control-allow-methods"]
    assert api.ask("OPTIONS", "/it", origin=ORIGIN).status == 401
    foreign = {**PREFLIGHT, "origin": "https://evil.example"}
    assert api.ask("OPTIONS", "/it", **foreign).status == 403
    assert api.ask("PUT", "/it", **PREFLIGHT).status == 401


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("OPTIONS", "*", 204),
        ("PUT", "*", 400),
        ("put", "/it", 501),
        ("PUT", "it", 400),
        ("PUT", "//it", 400),
        ("PUT", "/it/", 404),
        ("PUT", "/%69t", 200),
        ("PUT", "/it%2F", 404),
        ("PUT", "/%ff", 400),
        ("PUT", "/\xe9", 400),
        ("PUT", "/\xc3\xa9", 400),
        ("PUT", "/%C3%A9", 404),
        ("PUT", "http://localhost/it", 200),
        ("PUT", "http://localhost//it", 400),
        ("PUT", "https://localhost/it", 400),
        ("CONNECT", "localhost:80", 400),
    ],
)
def test_targets(method: str, target: str, status: int) -> None:
    """The target must be a path in UTF-8, and a method in capital letters."""
    assert small_api().ask(method, target, token="good").status == status


def test_cookies_are_not_looked_at() -> None:
    """A malformed cookie changes nothing."""
    got = small_api().ask("PUT", "/it", token="good", cookie="a; =;; \xff=1")
    assert got.status == 200


@pytest_twisted.ensureDeferred
async def test_paths(server: Any) -> None:
    """What is no resource of the daemon is not found; what is no path is rejected."""
    table = [
        ("/nothing", 404),
        ("/settings/", 404),
        ("//settings", 400),
        ("/drop/-1", 404),
        ("/drop/01", 404),
        ("/drop/99999999999999999999", 404),
        ("/drop/9223372036854775807", 404),
        ("/drop/x", 404),
        ("/drop/%31", 404),
        ("/settings%2F", 404),
        ("/identities/" + "g" * 64, 404),
        ("/%ff", 400),
        ("https://localhost/settings", 400),
        ("settings", 400),
    ]
    for path, status in table:
        got = await server.ask("GET", path)
        assert got.status == status, path
        assert got.headers["content-type"] == "application/problem+json"
        assert got.json()["status"] == status
    assert (await server.ask("OPTIONS", "*")).status == 204
    assert (await server.ask("get", "/settings")).status == 501
