"""``/settings`` and ``/synced``: every row of the tables, and what is not valid."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_twisted

BOUNDARY = "0123456789boundary"


def as_json(members: dict[str, Any]) -> tuple[str, bytes]:
    """Write a body as JSON."""
    return "application/json", json.dumps(members).encode()


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def as_form(members: dict[str, Any]) -> tuple[str, bytes]:
    """Write a body as a form in URL encoding."""
    fields = {name: _text(value) for name, value in members.items()}
    return "application/x-www-form-urlencoded", urlencode(fields).encode()


def as_multipart(members: dict[str, Any]) -> tuple[str, bytes]:
    """Write a body as a form in parts."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{_text(value)}\r\n'
        for name, value in members.items()
    ]
    body = "".join(parts) + f"--{BOUNDARY}--\r\n"
    return f"multipart/form-data; boundary={BOUNDARY}", body.encode()


FORMATS = [as_json, as_form, as_multipart]

ACCOUNT = {"provider": "p", "user": "u", "auth": "a"}
VOLUME = {"storage_server_id": 1, "public_identifier": "p", "token": "t", "revoke_token": "r"}

ROWS = [
    ("PUT", "/settings", {"key": "poll_interval", "value": 2.5}, 200),
    ("PUT", "/settings", {"key": "drop_last_update", "value": None}, 200),
    ("PUT", "/settings", {"key": "module_data.chat", "value": {"a": 1}}, 200),
    ("PUT", "/settings", {"key": "module_data.chat.deep.er", "value": [1]}, 200),
    ("PUT", "/settings", {"key": "poll_interval", "value": 0.01}, 400),
    ("PUT", "/settings", {"key": "poll_interval", "value": "often"}, 400),
    ("PUT", "/settings", {"key": "poll_interval", "value": True}, 400),
    ("PUT", "/settings", {"key": "poll_interval"}, 400),
    ("PUT", "/settings", {"key": "nothing", "value": 1}, 405),
    ("PUT", "/settings", {"key": "poll_interval.more", "value": 1}, 405),
    ("PUT", "/settings", {"key": "", "value": 1}, 405),
    ("PUT", "/settings", {"value": 1}, 405),
    ("PUT", "/settings", {"key": "poll_interval", "value": 1, "more": 2}, 400),
    ("POST", "/settings", {"settings": {"poll_interval": 3}}, 200),
    ("POST", "/settings", {"settings": {}}, 200),
    ("POST", "/settings", {"settings": {"poll_interval": -1}}, 400),
    ("POST", "/settings", {"settings": {"nothing": 1}}, 400),
    ("POST", "/settings", {"settings": [1]}, 400),
    ("POST", "/settings", {"settings": 5}, 400),
    ("POST", "/settings", {"settings": None}, 400),
    ("POST", "/settings", {"settings": "no JSON"}, 405),
    ("POST", "/settings", {"settings": ""}, 405),
    ("POST", "/settings", {"settings": '{"poll_interval": NaN}'}, 405),
    ("POST", "/settings", {}, 405),
    ("POST", "/settings", {"setting": {}}, 405),
    ("PUT", "/settings", {"kex": "poll_interval", "value": 1}, 405),
    ("PUT", "/synced", {"key": "accounts", "value": []}, 200),
    (
        "PUT",
        "/synced",
        {"key": "accounts", "value": [{"provider": "p", "user": "u", "auth": "a"}]},
        200,
    ),
    (
        "PUT",
        "/synced",
        {"key": "accounts", "value": [{"provider": 1, "user": "u", "auth": "a"}]},
        400,
    ),
    ("PUT", "/synced", {"key": "storage_volumes", "value": [VOLUME]}, 400),
    ("PUT", "/synced", {"key": "accounts.7.user", "value": "u"}, 405),
    ("PUT", "/synced", {"key": "poll_interval", "value": 1}, 405),
    ("PUT", "/synced", {"key": "drop_servers"}, 400),
    ("POST", "/synced", {"settings": {"drop_servers": []}}, 200),
    ("POST", "/synced", {"settings": {"drop_servers": {}}}, 400),
    ("POST", "/synced", {"settings": "{"}, 405),
    ("POST", "/synced", {}, 405),
]


@pytest.mark.parametrize("write", FORMATS)
@pytest_twisted.ensureDeferred
async def test_tables(server: Any, write: Any) -> None:
    """Every row has the status that it is to have, in each format; what fails changes nothing."""
    for method, path, members, status in ROWS:
        if not members and write is as_multipart:
            continue
        before = await server.ask("GET", path)
        content_type, body = write(members)
        got = await server.ask(method, path, body, content_type=content_type)
        after = await server.ask("GET", path)
        assert got.status == status, (method, path, members, got)
        if status == 200:
            assert got.json() == after.json()
            assert got.headers["etag"] == after.headers["etag"]
        else:
            problem = got.json()
            assert got.headers["content-type"] == "application/problem+json"
            assert problem["status"] == status
            assert problem["detail"]
            assert after.body == before.body
        if status == 405:
            assert set(got.headers["allow"].split(", ")) == {
                *("GET", "HEAD", "PUT", "POST", "PATCH", "OPTIONS")
            }


@pytest.mark.parametrize("path", ["/settings", "/synced"])
@pytest_twisted.ensureDeferred
async def test_bad_bodies(server: Any, path: str) -> None:
    """Whatever is sent instead of a body gets an answer that says what is wrong with it."""
    await server.identity()
    before = (await server.ask("GET", path)).body
    deep = b'{"key": "module_data.a", "value": ' + b"[" * 5000 + b"]" * 5000 + b"}"
    json_type = "application/json"
    form, parts = "application/x-www-form-urlencoded", f"multipart/form-data; boundary={BOUNDARY}"
    table = [
        (json_type, b"", 400),
        (json_type, b"{", 400),
        (json_type, b"[]", 400),
        (json_type, b"null", 400),
        (json_type, b'{"key": "poll_interval", "value": NaN}', 400),
        (json_type, b'{"key": "poll_interval", "value": 1e999}', 400),
        (json_type, b'{"key": "poll_interval", "value": 1, "value": 2}', 400),
        (json_type, b'{"key": "module_data.a", "value": "\xff"}', 400),
        (json_type, b'{"key": "module_data.a", "value": "\\ud800"}', 400),
        (json_type, deep, 400),
        ("application/json; charset=utf-16", b"{}", 415),
        ("text/plain", b"{}", 415),
        ("", b"{}", 415),
        (None, b"{}", 415),
        ("\xe4", b"{}", 415),
        (form, b"key=poll_interval&key=poll_interval&value=1", 400),
        (form, b"key=%ff&value=1", 400),
        (form, b"nonsense", 400),
        (form, b"&".join(b"a%d=1" % number for number in range(1000)), 400),
        (parts, b"nonsense", 400),
        (parts, b"", 400),
        (parts, f"--{BOUNDARY}\r\n\r\nx\r\n--{BOUNDARY}--\r\n".encode(), 400),
        ("multipart/form-data", b"--\r\n\r\n----", 400),
    ]
    for content_type, body, status in table:
        for method in ("PUT", "POST"):
            got = await server.ask(
                method, path, body, content_type=content_type, content_length=str(len(body))
            )
            # Under POST, whatever cannot be read is no document.
            wanted = {status, 405} if method == "POST" and status == 400 else {status}
            assert got.status in wanted, (method, content_type, body[:60], got)
            assert got.json()["detail"]
    assert (await server.ask("GET", path)).body == before


@pytest_twisted.ensureDeferred
async def test_round_trip(server: Any) -> None:
    """What GET gives, POST takes back unchanged, as an object and as a text."""
    await server.friends()
    for path in ("/settings", "/synced"):
        document = (await server.ask("GET", path)).json()
        for settings in (document, json.dumps(document)):
            got = await server.ask_json("POST", path, {"settings": settings})
            assert (got.status, got.json()) == (200, document)


@pytest_twisted.ensureDeferred
async def test_merge_patch(server: Any) -> None:
    """A merge patch changes what it names; one that is not valid changes nothing."""
    got = await server.ask_json("PATCH", "/settings", {"module_data": {"chat": {"a": 1}}})
    assert got.json()["module_data"] == {"chat": {"a": 1}}
    for content_type in ("application/json", "application/merge-patch+json"):
        got = await server.ask(
            "PATCH", "/settings", b'{"poll_interval": 9}', content_type=content_type
        )
        assert (got.status, got.json()["poll_interval"]) == (200, 9)
    statuses = [
        (await server.ask("PATCH", "/settings", body, content_type="application/json")).status
        for body in (b'{"nothing": 1}', b'{"poll_interval": "x"}', b"[]", b"{", b"7")
    ]
    assert statuses == [400, 400, 400, 405, 400]


@pytest_twisted.ensureDeferred
async def test_versions(server: Any) -> None:
    """Who has the newest version gets 304; who would change an older one gets 412."""
    for path in ("/settings", "/synced"):
        first = await server.ask("GET", path)
        tag = first.headers["etag"]
        for given in (tag, f'"other", {tag}', "*", f"W/{tag}"):
            again = await server.ask("GET", path, if_none_match=given)
            assert (again.status, again.headers["etag"]) == (304, tag)
            assert "content-type" not in again.headers
        change = {"key": "module_data.a", "value": {"b": 1}}
        got = await server.ask_json("PUT", path, change, if_match=tag)
        assert got.status == 200
        assert got.headers["etag"] != tag
        assert (await server.ask("GET", path, if_none_match=tag)).status == 200
        for method, body in (
            ("PUT", change),
            ("POST", {"settings": {}}),
            ("PATCH", {"module_data": None}),
        ):
            got = await server.ask_json(method, path, body, if_match=tag)
            assert (got.status, got.json()["title"]) == (412, "Precondition Failed")


@pytest_twisted.ensureDeferred
async def test_all_faults_are_told(server: Any) -> None:
    """A document with several errors is refused with each of them, by its place."""
    settings = {"poll_interval": "x", "module_data": 1, "nothing": 2}
    got = await server.ask_json("POST", "/settings", {"settings": settings})
    assert {each["key"] for each in got.json()["errors"]} == set(settings)
    assert all(each["detail"] for each in got.json()["errors"])


@pytest_twisted.ensureDeferred
async def test_head(server: Any) -> None:
    """HEAD gives the headers of GET, and no body."""
    for path in ("/settings", "/synced", "/identities", "/outbox", "/status"):
        wire = await server.wire()
        wire.send(server.request("HEAD", path) + server.request("GET", path))
        head, got = await wire.answer(head=True), await wire.answer()
        assert head.status == got.status == 200
        different = {"date"} | ({"content-length"} if path == "/status" else set())
        assert {k: v for k, v in head.headers.items() if k not in different} == {
            k: v for k, v in got.headers.items() if k not in different
        }


@pytest_twisted.ensureDeferred
async def test_rejected_key_is_named(server: Any) -> None:
    """A 405 for a missing or malformed key or document names it in ``errors``."""
    no_key = await server.ask_json("PUT", "/settings", {"value": 1})
    no_text = await server.ask_json("PUT", "/settings", {"key": 5, "value": 1})
    no_document = await server.ask_json("POST", "/settings", {"settings": "{"})
    assert [each.status for each in (no_key, no_text, no_document)] == [405] * 3
    assert [error["key"] for error in no_key.json()["errors"]] == ["key"]
    assert [error["key"] for error in no_text.json()["errors"]] == ["key"]
    assert [error["key"] for error in no_document.json()["errors"]] == ["settings"]
