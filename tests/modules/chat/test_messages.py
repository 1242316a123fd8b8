"""The messages of conversations, over REST."""

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
