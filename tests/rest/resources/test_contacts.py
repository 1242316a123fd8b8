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


@pytest_twisted.ensureDeferred
async def test_contacts_from_messages(server: Any) -> None:
    """Who introduces itself in a message becomes a contact of who received it, once."""
    alice, bob = await server.friends()
    [contact] = server.core.people.contacts(bob["id"])
    await server.receive("Hello")
    [message] = (await server.ask("GET", "/drop?since=0")).json()
    assert (message["announced"]["alias"], "meta_data" in message) == ("Alice", False)
    given = {"from_message": message["id"]}
    assert (await server.ask_json("POST", "/contacts", given)).status == 409
    await server.ask("DELETE", f"/contacts/{contact.id}")
    token = (
        await server.ask_json(
            "POST", "/tokens", {"name": "of Alice", "scopes": ["contacts"], "identity": alice["id"]}
        )
    ).json()["token"]
    got = await server.ask_json("POST", "/contacts", given, token=token)
    assert got.status == 404
    elsewhere = f"/contacts?identity={alice['id']}"
    assert (await server.ask_json("POST", elsewhere, given)).status == 400
    got = await server.ask_json("POST", "/contacts", given)
    assert got.status == 201
    added = got.json()
    assert got.headers["location"] == f"/contacts/{added['id']}"
    assert (added["alias"], added["identity_id"], added["introduced"]) == ("Alice", bob["id"], True)
    assert (added["public_key"], added["drop_urls"]) == (alice["public_key"], alice["drops"])


@pytest_twisted.ensureDeferred
async def test_messages_that_make_no_contact(server: Any) -> None:
    """No such message is 404, one without an introduction 400, and so are other keys beside it."""
    await server.friends()
    await server.core.local.set("privacy.introduce", "never")
    await server.receive("Hello")
    [message] = (await server.ask("GET", "/drop?since=0")).json()
    for contact in server.core.people.contacts():
        await server.core.people.delete_contact(contact.id)
    number = message["id"]
    for given, status in [
        ({"from_message": 99}, 404),
        ({"from_message": number}, 400),
        ({"from_message": "x"}, 400),
        ({"from_message": -1}, 400),
        ({"from_message": number, "public_key": "12" * 32}, 400),
    ]:
        assert (await server.ask_json("POST", "/contacts", given)).status == status, given
    assert server.core.people.contacts() == []


@pytest_twisted.ensureDeferred
async def test_a_known_name_with_another_key(server: Any) -> None:
    """A contact with the name of another one is pointed out, until the user has looked at it."""
    await server.identity("Alice")
    carol, other = {"alias": "Carol", "public_key": "2b" * 32}, {"alias": "carol "}
    known = (await server.ask_json("POST", "/contacts", carol)).json()
    made = (await server.ask_json("POST", "/contacts", {**other, "public_key": "3b" * 32})).json()
    assert (known["namesake"], made["namesake"]) == (None, {"id": known["id"], "verified": 0})
    path = f"/contacts/{made['id']}"
    await server.ask("PUT", f"/contacts/{known['id']}/verification")
    doubtful = (await server.ask("GET", path)).json()
    assert doubtful["namesake"]["verified"] > 0
    checked = await server.ask_json("PATCH", path, {**doubtful, "alias_checked": True})
    assert (checked.status, checked.json()["namesake"]) == (200, None)
    back = await server.ask_json("PATCH", path, {"alias_checked": False})
    assert back.json()["namesake"] == doubtful["namesake"]
    wrong = await server.ask_json("PATCH", path, {"alias_checked": 1})
    assert wrong.status == 400
