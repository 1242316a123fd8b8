"""The messages of conversations, over REST."""

import json
from typing import Any

import pytest_twisted

MEMBERS = {
    *("id", "cursor", "conversation", "direction", "sent", "received", "state", "text"),
    *("reply_to", "attachment", "incomplete", "odd_time"),
}


@pytest_twisted.ensureDeferred
async def test_sending(chat: Any) -> None:
    """What is answered is the message as it is listed; it asks for an acknowledgement."""
    here = await chat.open()
    path = f"/chat/conversations/{here}/messages"
    got = await chat.ask("POST", path, {"text": "Hello"})
    assert got.status == 201
    said = got.json()
    assert said.keys() == MEMBERS
    assert got.headers["location"] == f"/chat/messages/{said['id']}"
    await chat.settled()
    one = await chat.good("GET", f"/chat/messages/{said['id']}")
    assert {**one, "state": None} == {**said, "state": None}
    assert (await chat.good("GET", path))["messages"] == [one]
    [send] = await chat.server.core.outbox.sends()
    assert len(send.acknowledge_id) == 32
    assert send.model_object == "box_message"


@pytest_twisted.ensureDeferred
async def test_a_repeated_key_sends_nothing(chat: Any) -> None:
    """The first message is returned again; another text under the same key is refused."""
    here = await chat.open()
    path = f"/chat/conversations/{here}/messages"
    first = await chat.good("POST", path, {"text": "Hello"}, idempotency_key="1")
    again = await chat.good("POST", path, {"text": "Hello"}, idempotency_key="1")
    assert again["id"] == first["id"]
    assert await chat.status("POST", path, {"text": "Bye"}, idempotency_key="1") == 409
    await chat.settled()
    assert await chat.texts(here) == ["Hello"]


@pytest_twisted.ensureDeferred
async def test_pages(chat: Any) -> None:
    """Pages go back from the newest, and on from a cursor, without gap and repetition."""
    here = await chat.open()
    for number in range(5):
        await chat.say(here, str(number))
    path = f"/chat/conversations/{here}/messages"
    seen, query = [], "?limit=2"
    while True:
        page = await chat.good("GET", path + query)
        if not page["messages"]:
            break
        seen.append([each["text"] for each in page["messages"]])
        query = f"?limit=2&before={page['cursor']}"
    assert seen == [["4", "3"], ["2", "1"], ["0"]]
    first = await chat.good("GET", f"{path}?after=0-0&limit=2")
    assert [each["text"] for each in first["messages"]] == ["1", "0"]
    assert await chat.texts(here, f"?after={first['cursor']}&limit=2") == ["3", "2"]


@pytest_twisted.ensureDeferred
async def test_replies(chat: Any) -> None:
    """A reply names its message on both sides; one of another conversation is refused."""
    here, there = await chat.open("Alice"), await chat.open("Bob")
    said = await chat.say(here, "Question")
    path = f"/chat/conversations/{there}/messages"
    [heard] = (await chat.good("GET", path))["messages"]
    await chat.say(there, "Answer", reply_to=heard["id"])
    newest = (await chat.good("GET", f"/chat/conversations/{here}/messages"))["messages"][0]
    assert (newest["text"], newest["reply_to"]) == ("Answer", said["id"])
    for wrong in (said["id"], 12345):
        assert await chat.status("POST", path, {"text": "x", "reply_to": wrong}) == 400


@pytest_twisted.ensureDeferred
async def test_what_cannot_be_sent(chat: Any) -> None:
    """An empty text, one that is too long, and one to nobody are refused."""
    here = await chat.open()
    await chat.say(here, "Hello")
    path = f"/chat/conversations/{here}/messages"
    assert await chat.status("POST", path, {"text": ""}) == 400
    assert await chat.status("POST", path, {"text": "x" * 900_000}) == 413
    await chat.forget_contact("Alice")
    assert await chat.status("POST", path, {"text": "Hello"}) == 409
    assert await chat.texts(here) == ["Hello"]


@pytest_twisted.ensureDeferred
async def test_deleting_one(chat: Any) -> None:
    """It is gone on this side, in the inbox too."""
    here, there = await chat.open("Alice"), await chat.open("Bob")
    await chat.say(here, "Hello")
    [heard] = (await chat.good("GET", f"/chat/conversations/{there}/messages"))["messages"]
    path = f"/chat/messages/{heard['id']}"
    assert await chat.status("DELETE", path) == 204
    assert (await chat.status("DELETE", path), await chat.status("GET", path)) == (404, 404)
    assert (await chat.ask("GET", "/drop?since=0")).status == 204
    assert await chat.texts(here) == ["Hello"]


@pytest_twisted.ensureDeferred
async def test_sending_again(chat: Any) -> None:
    """A message that failed is sent again in place of the first one; others are not."""
    here = await chat.open()
    said = await chat.say(here, "Hello")
    assert await chat.status("POST", f"/chat/messages/{said['id']}/retry") == 409
    await chat.server.core.database.run(
        lambda connection: connection.execute(
            "UPDATE deliveries SET state = 'failed', acknowledged = NULL"
        )
    )
    again = await chat.good("POST", f"/chat/messages/{said['id']}/retry")
    await chat.settled()
    assert again["id"] != said["id"]
    assert await chat.texts(here) == ["Hello"]
    assert await chat.status("GET", f"/chat/messages/{said['id']}") == 404


@pytest_twisted.ensureDeferred
async def test_exports(chat: Any) -> None:
    """All messages are in it, oldest first, as JSON or for people."""
    here, there = await chat.open("Alice"), await chat.open("Bob")
    await chat.say(here, "Hello\nBob")
    await chat.say(there, "Hello")
    path = f"/chat/conversations/{here}/export"
    made = await chat.good("GET", path)
    assert made["conversation"]["id"] == here
    assert [each["text"] for each in made["messages"]] == ["Hello\nBob", "Hello"]
    text = (await chat.ask("GET", f"{path}?format=text")).body.decode()
    assert [line[24:] for line in text.splitlines() if line.startswith("2")] == [
        "Alice: Hello",
        "Bob: Hello",
    ]
    assert "\n    Bob\n" in text


@pytest_twisted.ensureDeferred
async def test_a_long_text(chat: Any) -> None:
    """It is one message on both sides, though it went in parts; only the last was acknowledged."""
    here, there = await chat.open("Alice"), await chat.open("Bob")
    text = "Übergrößen und 漢字, naïve кот. " * 200
    said = await chat.say(here, text)
    sends = await chat.server.core.outbox.sends()
    assert len(sends) > 3
    assert [each.acknowledge_id != "0" for each in sends] == [False] * (len(sends) - 1) + [True]
    [heard] = (await chat.good("GET", f"/chat/conversations/{there}/messages"))["messages"]
    assert (heard["text"], heard["incomplete"]) == (text, False)
    assert (said["text"], said["state"]) == (text, "sent")
    one = await chat.good("GET", f"/chat/messages/{said['id']}")
    assert {**one, "state": "sent"} == said
    assert heard["sent"] == said["sent"]
    assert (await chat.good("GET", "/chat/unread"))["total"] == 1
    await chat.say(there, "Yes", reply_to=heard["id"])
    newest = (await chat.good("GET", f"/chat/conversations/{here}/messages"))["messages"][0]
    assert newest["reply_to"] == said["id"]


@pytest_twisted.ensureDeferred
async def test_a_long_text_under_a_key(chat: Any) -> None:
    """The same text under the same key is sent once, with all its parts."""
    here = await chat.open()
    path = f"/chat/conversations/{here}/messages"
    text = "word " * 1000
    first = await chat.good("POST", path, {"text": text}, idempotency_key="1")
    again = await chat.good("POST", path, {"text": text}, idempotency_key="1")
    assert (again["id"], again["text"]) == (first["id"], text)
    assert await chat.status("POST", path, {"text": text + "!"}, idempotency_key="1") == 409
    await chat.settled()
    assert await chat.texts(here) == [text]


@pytest_twisted.ensureDeferred
async def test_the_longest_text(chat: Any) -> None:
    """What fits into 64 messages is sent, with room for an introduction; the error says more."""
    here, there = await chat.open("Alice"), await chat.open("Bob")
    path = f"/chat/conversations/{here}/messages"
    got = await chat.ask("POST", path, {"text": "x" * 110_000})
    assert got.status == 413
    assert "64 messages" in got.json()["detail"]
    assert await chat.texts(here) == []
    await chat.say(here, "x" * 90_000)
    assert [len(each) for each in await chat.texts(there)] == [90_000]


@pytest_twisted.ensureDeferred
async def test_deleting_a_long_text(chat: Any) -> None:
    """All its parts go, on either side, by itself and with its conversation."""
    here, there = await chat.open("Alice"), await chat.open("Bob")
    said = await chat.say(here, "word " * 1000)
    [heard] = (await chat.good("GET", f"/chat/conversations/{there}/messages"))["messages"]
    for each in (said, heard):
        assert await chat.status("DELETE", f"/chat/messages/{each['id']}") == 204
    assert (await chat.ask("GET", "/drop?since=0")).status == 204
    assert await chat.server.core.outbox.sends() == []
    await chat.say(here, "word " * 1000)
    [part, *_] = await chat.server.core.outbox.sends()
    await chat.server.core.outbox.delete(part.id)
    for each in (here, there):
        assert await chat.status("DELETE", f"/chat/conversations/{each}") == 204
    assert (await chat.ask("GET", "/drop?since=0")).status == 204
    assert await chat.server.core.outbox.sends() == []


@pytest_twisted.ensureDeferred
async def test_sending_parts_again(chat: Any) -> None:
    """Of a long text only what has failed is sent again, and mends it at the other side."""
    here, there = await chat.open("Alice"), await chat.open("Bob")
    text = "word " * 1000
    said = await chat.say(here, text)
    sends = await chat.server.core.outbox.sends()
    assert len(sends) == 4
    heard = json.loads((await chat.ask("GET", "/drop?since=0")).body)
    lost = sends[1].id
    await chat.server.core.database.run(
        lambda connection: connection.execute(
            f"UPDATE deliveries SET state = 'failed' WHERE send_id = {lost}"
        )
    )
    await chat.server.core.inbox.delete(heard[1]["id"])
    assert await chat.texts(there) == []
    again = await chat.good("POST", f"/chat/messages/{said['id']}/retry")
    assert again["text"] == text
    await chat.settled()
    assert await chat.texts(here) == [text]
    assert await chat.texts(there) == [text]
    one = await chat.good("GET", f"/chat/messages/{again['id']}")
    assert {**one, "state": None} == {**again, "state": None}
    assert len(await chat.server.core.outbox.sends()) == 4
    assert await chat.status("POST", f"/chat/messages/{again['id']}/retry") == 409


@pytest_twisted.ensureDeferred
async def test_long_notes(chat: Any) -> None:
    """A long note to oneself is there once, and read."""
    [alice, _] = chat.server.core.people.identities()
    body = {"identity": alice.id, "contact": alice.public_key}
    notes = (await chat.good("POST", "/chat/conversations", body))["id"]
    await chat.say(notes, "word " * 1000)
    assert await chat.texts(notes) == ["word " * 1000]
    assert (await chat.good("GET", "/chat/unread"))["total"] == 0
