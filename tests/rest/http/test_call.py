"""A request as handlers see it: body, headers, and the core that its caller may use."""

import json
from typing import Any

import pytest
from attrs import frozen

from qabel.contract.access import Access, OneIdentity
from qabel.contract.reply import json_reply
from qabel.contract.routes import Routes
from qabel.forms.compound import Key, Object
from qabel.forms.plain import Integer, Text
from tests.rest.http.memory_api import JSON, MemoryApi

FORM = "application/x-www-form-urlencoded"

BODY = Object({"key": Key(Text(10)), "size": Key(Integer(1, 9), 5)})
OPTIONAL_BODY = Object({"size": Key(Integer(1, 9), 5)})
TAG = Key(Text(3, printable=True), None)


def body_api(declared: Object | None = BODY, **how: Any) -> MemoryApi:
    """Return an API that answers with the values of the body, read in this way."""
    routes = Routes("Bodies")
    routes.add("PUT", "/it", "Put it", scopes={"read"}, body=declared, answers={200: "It."})(
        lambda call: json_reply(call.body(**how))
    )
    return MemoryApi(routes.all)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, b'{"key": "a", "size": 7}'),
        (f"{JSON}; charset=utf-8", b'{"size": 7, "key": "a"}'),
        (FORM, b"key=a&size=7"),
    ],
)
def test_body(kind: str, body: bytes) -> None:
    """A body is JSON or a form, with the same values."""
    got = body_api().ask("PUT", "/it", body, content_type=kind)
    assert (got.status, got.json()) == (200, {"key": "a", "size": 7})


@pytest.mark.parametrize(
    ("declared", "values"), [(OPTIONAL_BODY, {"size": 5}), (None, {}), (Object({}), {})]
)
def test_no_body(declared: Object | None, values: dict[str, Any]) -> None:
    """Where all keys are optional, so is the body."""
    assert body_api(declared).ask("PUT", "/it").json() == values


@pytest.mark.parametrize(
    ("value", "keys"),
    [
        ({}, {"key"}),
        ({"key": 5, "size": 10}, {"key", "size"}),
        ({"key": "a", "colour": 1}, {"colour"}),
    ],
)
def test_wrong_values(value: dict[str, Any], keys: set[str]) -> None:
    """Everything that is wrong is named at once, and its values are not quoted."""
    got = body_api().ask("PUT", "/it", json.dumps(value).encode(), content_type=JSON)
    assert got.status == 400
    assert {each["key"] for each in got.json()["errors"]} == keys


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (JSON, b"", 400),
        (JSON, b"{", 400),
        (JSON, b"[]", 400),
        (JSON, b"\xff", 400),
        (FORM, b"key=%ff", 400),
        ("text/plain", b"key", 415),
        ("image/png", b"key", 415),
    ],
)
def test_bodies_that_cannot_be_read(kind: str, body: bytes, status: int) -> None:
    """What is not what its content type says, or of another type, is rejected as a whole."""
    assert body_api().ask("PUT", "/it", body, content_type=kind).status == status


def test_a_key_that_is_not_there() -> None:
    """An invalid key of a document, or no document at all, is 405 with the methods, on request."""
    api = body_api(key="key", unreadable=405)
    for body in (b'{"key": 5, "size": 0}', b"{}", b"{"):
        got = api.ask("PUT", "/it", body, content_type=JSON)
        assert (got.status, got.headers["allow"]) == (405, "OPTIONS, PUT")
    assert api.ask("PUT", "/it", b'{"key": "a", "size": 0}', content_type=JSON).status == 400
    assert api.ask("PUT", "/it", b"a", content_type="text/plain").status == 415


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"size": 7}, {"size": 7}),
        ({"id": 1, "size": 5, "updated": 3}, {"size": 5}),
        ({"id": 1, "updated": 2}, {}),
        ({"id": 2, "size": 7}, {"id": "cannot be changed"}),
        ({"id": True}, {"id": "cannot be changed"}),
        ({"colour": 1}, {"colour": "unknown key; known keys: size"}),
    ],
)
def test_changes(body: dict[str, Any], answer: dict[str, Any]) -> None:
    """What cannot be changed may be sent back as it is, and times may have changed meanwhile."""
    routes = Routes("Changes")
    shown = {"id": 1, "size": 5, "updated": 3}
    declared = Object({"size": Key(Integer(1, 9))}).as_changes()
    routes.add("PATCH", "/it", "Patch", scopes={"read"}, body=declared, answers={200: "It."})(
        lambda call: json_reply(call.changes(shown))
    )
    got = MemoryApi(routes.all).ask("PATCH", "/it", json.dumps(body).encode(), content_type=JSON)
    if got.status == 200:
        assert got.json() == answer
    else:
        assert {each["key"]: each["detail"] for each in got.json()["errors"]} == answer


def header_api() -> MemoryApi:
    """Return an API that answers with a header."""
    routes = Routes("Headers")
    routes.add(
        "GET", "/it", "Show it", scopes={"read"}, answers={200: "It."}, reads={"X-Tag": TAG}
    )(lambda call: json_reply(call.text_header("X-Tag")))
    return MemoryApi(routes.all)


def test_headers() -> None:
    """A header is checked as the route declares it; it may be left out."""
    api = header_api()
    assert api.ask("GET", "/it").json() is None
    assert api.ask("GET", "/it", x_tag="abc").json() == "abc"
    # In a header, latin-1 characters stand for bytes.
    assert api.ask("GET", "/it", x_tag="\xc3\xa9").json() == "é"
    for wrong in ("abcd", "\xff", "a\tb"):
        got = api.ask("GET", "/it", x_tag=wrong)
        assert got.status == 400
        assert "X-Tag" in got.json()["detail"]


@frozen
class Core:
    """A core that shows which view of it was asked for."""

    def view(self, access: Access) -> str:
        """Return the name of a view."""
        return f"the view of {access.identity and access.identity.id}"


def test_the_core() -> None:
    """A token of one identity gets the view of that identity, and never all of the core."""
    routes = Routes("Core")
    add = {"scopes": {"read"}, "for_one_identity": True, "answers": {200: "It."}}
    routes.add("GET", "/view", "Show it", **add)(lambda call: json_reply(call.view))  # type: ignore[arg-type]
    routes.add("GET", "/core", "Show it", **add)(  # type: ignore[arg-type]
        lambda call: json_reply(isinstance(call.core, Core))
    )
    read = frozenset({"read"})
    api = MemoryApi(
        routes.all, Core(), {"all": Access(read), "one": Access(read, OneIdentity(5, b"key"))}
    )
    assert api.ask("GET", "/view", token="all").json() == "the view of None"
    assert api.ask("GET", "/view", token="one").json() == "the view of 5"
    assert api.ask("GET", "/core", token="all").json() is True
    assert api.ask("GET", "/core", token="one").status == 403
