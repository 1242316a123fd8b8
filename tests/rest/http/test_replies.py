"""Answers as they are sent."""

import time
from email.utils import parsedate_to_datetime

import pytest

from qabel.contract.access import EVERYTHING
from qabel.contract.rejection import problem
from qabel.contract.reply import NO_CONTENT, Reply, json_reply
from qabel.contract.routes import Routes
from qabel.rest.http.access_control import AccessOptions
from qabel.rest.http.replies import raw
from tests.rest.http.memory_api import MemoryApi
from tests.rest.wire import Got, parse_answer

ORIGIN = "https://app.example"


def answer(reply: Reply, **headers: str) -> Got:
    """Return an answer as it is sent to somebody with a token."""
    routes = Routes("Replies")
    routes.add("GET", "/it", "Show it", scopes={"read"}, answers={200: "It."})(lambda _: reply)
    options = AccessOptions(allowed_origins=frozenset({ORIGIN}))
    api = MemoryApi(routes.all, tokens={"good": EVERYTHING}, options=options)
    return api.ask("GET", "/it", token="good", **headers)


REPLIES = [json_reply("é"), NO_CONTENT, problem(404, "Nothing."), Reply(200, b"", b"text/plain")]


@pytest.mark.parametrize("reply", REPLIES)
def test_every_answer(reply: Reply) -> None:
    """No answer may be stored, guessed at, or tells what the server is made with; all are dated."""
    for got in (answer(reply), parse_answer(raw(reply))):
        assert got.status == reply.status
        assert got.body == (
            reply.body + b"\n" if b"json" in (reply.content_type or b"") else reply.body
        )
        assert got.headers["cache-control"] == "no-store"
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["server"] == "qabel"
        assert abs(parsedate_to_datetime(got.headers["date"]).timestamp() - time.time()) < 60


def test_content() -> None:
    """A body has its type, and its length in bytes; an answer without a body has neither."""
    got = answer(json_reply("é"))
    assert got.headers["content-type"] == "application/json"
    assert got.headers["content-length"] == str(len('"é"\n'.encode()))
    empty = answer(NO_CONTENT)
    assert not {"content-type", "content-length", "transfer-encoding"} & set(empty.headers)


def test_own_headers() -> None:
    """An answer's own headers are sent, and take the place of those that all have."""
    reply = Reply(200, b"a", b"text/css", ((b"ETag", b'"1"'), (b"Cache-Control", b"no-cache")))
    got = answer(reply)
    assert (got.headers["etag"], got.headers["cache-control"]) == ('"1"', "no-cache")


@pytest.mark.parametrize("reply", REPLIES)
def test_pages_of_allowed_origins(reply: Reply) -> None:
    """Whatever the answer, a page of an allowed origin may read it, and others may not."""
    assert answer(reply, origin=ORIGIN).headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-origin" not in answer(reply).headers
    foreign = answer(reply, origin="https://evil.example")
    assert foreign.status == 403
    assert "access-control-allow-origin" not in foreign.headers


def test_answers_without_a_request() -> None:
    """An answer to what is no request ends the connection."""
    got = parse_answer(raw(problem(503, "Too many.", headers=((b"Retry-After", b"1"),))))
    assert (got.headers["connection"], got.headers["retry-after"]) == ("close", "1")
