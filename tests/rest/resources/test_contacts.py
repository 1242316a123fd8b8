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


@pytest_twisted.ensureDeferred
async def test_a_file_changes_nobody(server: Any) -> None:
    """Other drop URLs in a file are taken only with ``?replace=1``, and the alias never."""
    await server.identity("Alice")
    url = "http://drop.example/" + "A" * 43
    card = {"alias": "Bob", "public_key": "12" * 32, "drop_urls": [url]}
    assert (await server.ask_json("POST", "/contacts", card)).status == 201
    before = (await server.ask("GET", "/contacts")).json()
    other = {**card, "alias": "whatever", "drop_urls": ["http://mallory.example/" + "M" * 43]}
    file = json.dumps({"contacts": [other, {"alias": "bad"}]}).encode()
    got = await server.ask("POST", "/contacts/import", file, content_type=JSON)
    assert got.status == 200, got
    differs, refused = got.json()
    assert (differs["number"], differs["outcome"]) == (1, "differs")
    assert differs["known"] == {"alias": "Bob", "drop_urls": [url]}
    assert differs["card"] == {"alias": "whatever", "drop_urls": other["drop_urls"]}
    assert (refused["number"], refused["alias"], refused["outcome"]) == (2, "bad", "refused")
    assert "public_key is missing" in refused["reason"]
    assert (await server.ask("GET", "/contacts")).json() == before
    for value, status in (("2", 400), ("1", 200)):
        path = f"/contacts/import?replace={value}"
        got = await server.ask("POST", path, file, content_type=JSON)
        assert got.status == status
    assert got.json()[0]["outcome"] == "replaced"
    [contact] = (await server.ask("GET", "/contacts")).json()
    assert (contact["alias"], contact["drop_urls"]) == ("Bob", other["drop_urls"])


@pytest_twisted.ensureDeferred
async def test_verification(server: Any) -> None:
    """The text is shown, and the mark set only with its digits; it can be taken away again."""
    await server.identity("Alice")
    given = {"alias": "Bob", "public_key": "12" * 32}
    path = (await server.ask_json("POST", "/contacts", given)).headers["location"] + "/verification"
    text = (await server.ask("GET", path)).json()
    assert (len(text["digits"].split()), len(text["words"]), text["verified"]) == (12, 8, 0)
    wrong = await server.ask_json("PUT", path, {"digits": "1" * 60})
    assert wrong.status == 409
    marked = await server.ask_json("PUT", path, {"digits": text["digits"]})
    assert marked.json()["verified"] > 0
    assert (await server.ask("DELETE", path)).status == 204
    assert (await server.ask("GET", path)).json() == text
    assert (await server.ask_json("PUT", path, {"verified": False})).json() == text
    assert (await server.ask_json("PUT", path, {"verified": 1})).status == 400
    for method in ("GET", "DELETE"):
        assert (await server.ask(method, "/contacts/99/verification")).status == 404
