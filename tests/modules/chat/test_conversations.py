"""``/chat/conversations`` and ``/chat/unread``, over REST."""

from typing import Any

import pytest_twisted

from qabel.drop.url import DropURL

SERVER = "http://drop.example"

MEMBERS = {
    *("id", "identity_id", "contact_id", "alias", "last", "unread", "read"),
    *("muted", "pinned", "archived", "draft"),
}


async def listed(chat: Any, query: str = "") -> list[Any]:
    """Return the conversations."""
    found: list[Any] = (await chat.good("GET", f"/chat/conversations{query}"))["conversations"]
    return found


@pytest_twisted.ensureDeferred
async def test_opening(chat: Any) -> None:
    """An empty conversation is made once, is listed, and needs people who are there."""
    [alice, bob] = chat.server.core.people.identities()
    body = {"identity": alice.id, "contact": bob.public_key}
    first = await chat.ask("POST", "/chat/conversations", body)
    again = await chat.ask("POST", "/chat/conversations", body)
    assert (first.status, again.status) == (201, 200)
    assert first.json() == again.json()
    assert first.json().keys() == MEMBERS
    assert await listed(chat) == [first.json()]
    for wrong in ({**body, "identity": 99}, {**body, "contact": "ab" * 32}):
        assert await chat.status("POST", "/chat/conversations", wrong) == 400
    assert await chat.status("GET", f"/chat/conversations/{'0' * 32}/messages") == 404


@pytest_twisted.ensureDeferred
async def test_both_sides_and_names(chat: Any) -> None:
    """Both have the conversation, newest first, and a new name of a contact shows at once."""
    here = await chat.open()
    await chat.say(here, "Hello")
    there, mine = await listed(chat)
    assert (mine["id"], mine["alias"], mine["unread"]) == (here, "Bob", 0)
    assert (there["alias"], there["unread"], there["last"]["text"]) == ("Alice", 1, "Hello")
    await chat.server.core.people.change_contact(mine["contact_id"], {"alias": "Robert"})
    assert {each["alias"] for each in await listed(chat)} == {"Alice", "Robert"}
    assert await listed(chat, f"?identity={mine['identity_id']}") == [
        {**mine, "alias": "Robert", "last": (await listed(chat))[1]["last"]}
    ]
    assert await chat.status("GET", "/chat/conversations?identity=99") == 400


@pytest_twisted.ensureDeferred
async def test_what_changed_since(chat: Any) -> None:
    """Only conversations that changed come; once people have changed, all do."""
    here = await chat.open()
    await chat.say(here, "Hello")
    cursor = (await chat.good("GET", "/chat/conversations"))["cursor"]
    assert await listed(chat, f"?since={cursor}") == []
    await chat.good("PATCH", f"/chat/conversations/{here}", {"pinned": True})
    [changed] = await listed(chat, f"?since={cursor}")
    assert (changed["id"], changed["pinned"]) == (here, True)
    cursor = (await chat.good("GET", "/chat/conversations"))["cursor"]
    await chat.server.core.people.change_contact(changed["contact_id"], {"alias": "Robert"})
    await chat.settled()
    assert len(await listed(chat, f"?since={cursor}")) == 2
    assert await chat.status("GET", "/chat/conversations?since=x") == 400


@pytest_twisted.ensureDeferred
async def test_marks(chat: Any) -> None:
    """What the user marks is kept, and nothing else changes."""
    here = await chat.open()
    path = f"/chat/conversations/{here}"
    before = await chat.good("PATCH", path, {})
    new = {"muted": True, "archived": True, "draft": "Dear Bob,"}
    assert await chat.good("PATCH", path, new) == {**before, **new}
    assert await chat.good("PATCH", path, {"draft": None}) == {**before, **new, "draft": None}
    for wrong in ({"unread": 0}, {"muted": 1}, {"draft": 5}):
        assert await chat.status("PATCH", path, wrong) == 400


@pytest_twisted.ensureDeferred
async def test_reading(chat: Any) -> None:
    """Unread messages are counted until they are read; the mark never moves back."""
    here, there = await chat.open("Alice"), await chat.open("Bob")
    for text in ("one", "two", "three"):
        await chat.say(here, text)
    assert await chat.good("GET", "/chat/unread") == {"total": 3, "conversations": {there: 3}}
    page = await chat.good("GET", f"/chat/conversations/{there}/messages")
    cursors = [each["cursor"] for each in page["messages"]]
    for number, left in ((1, 1), (2, 1), (0, 0)):
        await chat.good("PUT", f"/chat/conversations/{there}/read", {"upto": cursors[number]})
        assert (await chat.good("GET", "/chat/unread"))["total"] == left
        read = next(each["read"] for each in await listed(chat) if each["id"] == there)
        path = f"/chat/conversations/{there}/messages?after={read}"
        assert len((await chat.good("GET", path))["messages"]) == left
    await chat.good("PUT", f"/chat/conversations/{there}/read", {"upto": "999999-0"})
    await chat.say(here, "four")
    assert (await chat.good("GET", "/chat/unread"))["total"] == 1


@pytest_twisted.ensureDeferred
async def test_deleting(chat: Any) -> None:
    """All messages are gone, in the inbox and the outbox too, and so is the conversation."""
    here, there = await chat.open("Alice"), await chat.open("Bob")
    await chat.say(here, "one")
    await chat.say(there, "two")
    assert await chat.status("DELETE", f"/chat/conversations/{here}") == 204
    assert [each["id"] for each in await listed(chat)] == [there]
    assert await chat.status("DELETE", f"/chat/conversations/{here}") == 404
    assert await chat.texts(there) == ["two", "one"]
    assert [each.message is not None for each in await chat.server.core.outbox.sends()] == [True]


@pytest_twisted.ensureDeferred
async def test_notes(chat: Any) -> None:
    """A note to oneself is there once, and never unread; its copy is in the inbox, too."""
    [alice, _] = chat.server.core.people.identities()
    body = {"identity": alice.id, "contact": alice.public_key}
    notes = await chat.good("POST", "/chat/conversations", body)
    assert (notes["alias"], notes["identity_id"]) == ("Notes", alice.id)
    said = await chat.say(notes["id"], "Milk")
    await chat.settled()
    page = await chat.good("GET", f"/chat/conversations/{notes['id']}/messages")
    assert [(each["id"], each["direction"]) for each in page["messages"]] == [(said["id"], "out")]
    assert (await chat.good("GET", "/chat/unread"))["total"] == 0
    [copy] = await chat.good("GET", "/drop?since=0")
    assert (copy["data"], copy["contact_id"]) == ({"msg": "Milk"}, notes["contact_id"])
    await chat.server.core.people.change_identity(alice.id, {"drops": [DropURL.on_server(SERVER)]})
    assert (await chat.say(notes["id"], "Bread"))["state"] == "sent"
    assert len(await chat.good("GET", "/drop?since=0")) == 2
    again = await chat.good("POST", "/chat/conversations", body)
    assert again["last"]["text"] == "Bread"


@pytest_twisted.ensureDeferred
async def test_scopes(chat: Any) -> None:
    """Each token does what its scopes say; one that only sends sees no text of others."""
    here = await chat.open("Bob")
    await chat.say(await chat.open("Alice"), "Hello")
    [_, bob] = chat.server.core.people.identities()
    [contact] = chat.server.core.people.contacts(bob.id)
    body = {"identity": bob.id, "contact": contact.id}
    sender, reader = await chat.token("chat:send"), await chat.token("chat:read")
    opened = await chat.good("POST", "/chat/conversations", body, token=sender)
    assert (opened["id"], opened["last"], opened["unread"]) == (here, None, 0)
    assert await chat.status("GET", "/chat/conversations", token=sender) == 403
    assert await chat.status("GET", "/chat/conversations", token=reader) == 200
    path = f"/chat/conversations/{here}"
    assert await chat.status("POST", f"{path}/messages", {"text": "x"}, token=reader) == 403
    assert await chat.status("DELETE", path, token=reader) == 403
    assert await chat.status("DELETE", path, token=await chat.token("delete")) == 204


@pytest_twisted.ensureDeferred
async def test_a_long_conversation_is_deleted(chat: Any) -> None:
    """All messages of a conversation go, in the inbox and the outbox, and no others."""
    here = await chat.open("Alice")
    for number in range(60):
        await chat.say(here, f"word {number}")
    await chat.good("DELETE", f"/chat/conversations/{here}")
    assert await chat.good("GET", "/outbox") == []
    assert len(await chat.good("GET", "/drop?since=0")) == 60
    assert await chat.status("GET", f"/chat/conversations/{here}/messages") == 404
