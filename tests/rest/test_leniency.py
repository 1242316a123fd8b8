"""What people's tools make of a text is read, and what is sent ends as a text does."""

import json
from importlib.resources import files
from typing import Any

import pytest
import pytest_twisted

from qabel.crypto import PrivateKey
from qabel.rest.http.large_answers import LARGE

MARK = b"\xef\xbb\xbf"
JSON = "application/json"
DROP = "a" * 43


@pytest.mark.parametrize(("before", "after"), [(MARK, b""), (b"", b"\r\n"), (MARK, b"\n")])
@pytest_twisted.ensureDeferred
async def test_what_editors_add(server: Any, before: bytes, after: bytes) -> None:
    """JSON bodies, files and contact texts may have a byte order mark and a final line end."""
    await server.identity("Alice")

    async def send(method: str, path: str, body: bytes, kind: str = JSON) -> int:
        got = await server.ask(method, path, before + body + after, content_type=kind)
        return int(got.status)

    keys = [PrivateKey(bytes([number]) * 32) for number in range(4)]
    url = f"http://drop.example./{DROP}"
    card = {"alias": "Bob", "public_key": keys[0].public_key.hex, "drop_urls": [url]}
    text = f"QABELCONTACT\r\nCarol\r\n{url}\r\n{keys[1].public_key.hex}"
    identity = {"alias": "x", "private_key": keys[2].hex, "drop_urls": [url]}
    assert await send("PUT", "/settings", b'{"key": "poll_interval", "value": 7}') == 200
    assert await send("PATCH", "/settings", b'{"poll_interval": 8}') == 200
    assert await send("POST", "/settings", b'{"settings": {"poll_interval": 9}}') == 200
    assert await send("POST", "/contacts", json.dumps(card).encode()) == 201
    for kind in (JSON, "text/plain", "application/octet-stream"):
        for file in (text.encode(), json.dumps(card).encode()):
            assert await send("POST", "/contacts/import?identity=1", file, kind) == 200
    assert await send("POST", "/identities/import", json.dumps(identity).encode()) == 201
    contacts = (await server.ask("GET", "/contacts")).json()
    assert {each["alias"] for each in contacts} == {"Bob", "Carol"}
    assert {each["drop_urls"][0] for each in contacts} == {f"http://drop.example/{DROP}"}


@pytest_twisted.ensureDeferred
async def test_json_ends_with_a_line_feed(server: Any) -> None:
    """Every JSON answer ends with one line feed, however large; HEAD says the same of it."""
    await server.friends()
    await server.receive("x" * 1000)
    large = {"module_data": {"a": {"b": "x" * LARGE}}}
    await server.ask_json("POST", "/settings", {"settings": large})
    paths = {
        "/settings": 200,
        "/synced": 200,
        "/drop?since=0": 200,
        "/drop/99": 404,
        "/identities": 200,
        "/contacts/1": 200,
        "/outbox": 200,
        "/status": 200,
        "/health?live": 200,
        "/tokens": 200,
        "/webhooks": 200,
        "/openapi.json": 200,
        "/nothing": 404,
        "/drop?limit=x": 400,
        "//": 400,
    }
    for path, status in paths.items():
        got = await server.ask("GET", path)
        head = await server.ask("HEAD", path)
        assert (got.status, head.status) == (status, status), path
        assert got.body.endswith((b"}\n", b"]\n")), path
        assert got.body.count(b"\n") == 1
        assert int(got.headers["content-length"]) == len(got.body)
        if path not in ("/status", "/outbox"):
            assert head.headers["content-length"] == got.headers["content-length"], path
        assert head.headers.get("etag") == got.headers.get("etag")
    for token, host in ((None, "localhost"), ("x", "localhost"), ("", "evil.example")):
        assert (await server.ask("GET", "/settings", token=token, host=host)).body.endswith(b"}\n")
    page = await server.ask("GET", "/docs")
    assert page.body == files("qabel.rest").joinpath("page", "index.html").read_bytes()
