"""Contacts over REST."""

import json
from typing import Any

import pytest_twisted

JSON = "application/json"


@pytest_twisted.ensureDeferred
async def test_contacts(server: Any) -> None:
    """Contacts are added, listed, changed, exported and deleted."""
    alice = await server.identity("Alice")
    given = {
        "alias": "Carol",
        "public_key": "2b" * 32,
        "drop_urls": ["http://drop.example/abcdefghijklmnopqrstuvwxyzabcdefghijklmnopo"],
    }
    got = await server.ask_json("POST", "/contacts", given)
    assert got.status == 201, got
    path, contact = got.headers["location"], got.json()
    assert contact["identity_id"] == alice["id"]
    assert (await server.ask_json("POST", "/contacts", given)).status == 409
    bob = await server.identity("Bob")
    assert (await server.ask_json("POST", "/contacts", given)).status == 400
    for owner in (bob["id"], bob["public_key"]):
        query = await server.ask("GET", f"/contacts?identity={owner}")
        assert query.json() == []
    second = await server.ask_json("POST", "/contacts", {**given, "identity": bob["id"]})
    assert second.json()["identity_id"] == bob["id"]
    for wrong in (True, [1], "nobody", 99):
        assert (
            await server.ask_json("POST", "/contacts", {**given, "identity": wrong})
        ).status == 400
    third = await server.ask_json("PATCH", path, {"alias": "Caroline"})
    assert third.json()["alias"] == "Caroline"
    assert (await server.ask("GET", path)).json()["alias"] == "Caroline"
    exported = await server.ask("GET", f"{path}/export")
    assert json.loads(exported.body)["contacts"][0]["alias"] == "Caroline"
    assert len((await server.ask("GET", "/contacts")).json()) == 2
    assert [(await server.ask("DELETE", path)).status for _ in range(2)] == [204, 404]


@pytest_twisted.ensureDeferred
async def test_contact_is_handed_on(server: Any, make_server: Any) -> None:
    """What an identity hands to others is taken in by them, in each way to send it."""
    bob = await server.identity("Bob")
    file = (await server.ask("GET", f"/identities/{bob['id']}/contact")).body
    text = server.core.cards.contact_text(bob["id"]).encode()
    field = b'--b\r\nContent-Disposition: form-data; name="document"; filename="b.qco"\r\n\r\n'
    form = field + file + b"\r\n--b--\r\n"
    for body, content_type in (
        (file, JSON),
        (file, "application/x-www-form-urlencoded"),
        (file, "application/octet-stream"),
        (text, "text/plain"),
        (json.dumps({"document": json.loads(file)}).encode(), JSON),
        (json.dumps({"document": text.decode()}).encode(), JSON),
        (form, "multipart/form-data; boundary=b"),
    ):
        other = await make_server()
        await other.identity("Alice")
        got = await other.ask("POST", "/contacts/import", body, content_type=content_type)
        assert got.status == 200, got
        [outcome] = got.json()
        assert (outcome["outcome"], outcome["public_key"]) == ("added", bob["public_key"])
        again = await other.ask("POST", "/contacts/import", body, content_type=content_type)
        assert again.json()[0]["outcome"] == "same"
