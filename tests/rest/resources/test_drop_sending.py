"""``POST /drop``: sending messages."""

from typing import Any

import pytest_twisted


def chat_message(**members: Any) -> dict[str, Any]:
    """Return a message as it is sent."""
    return {"model_object": "chat", "data": {"msg": "Hello"}, **members}


@pytest_twisted.ensureDeferred
async def test_send(server: Any) -> None:
    """A message is sent and found in the outbox, whether the body is JSON or a form."""
    alice, bob = await server.friends()
    [contact] = server.core.people.contacts(alice["id"])
    given = {"recipients": [contact.id], "sender": alice["id"], "drop_message": chat_message()}
    got = await server.ask_json("POST", "/drop", given)
    assert got.status == 201
    assert got.headers["location"] == f"/outbox/{got.json()['id']}"
    [recipient] = got.json()["recipients"]
    assert (recipient["contact_id"], recipient["state"]) == (contact.id, "sent")
    sent = await server.ask("GET", got.headers["location"])
    assert sent.json()["message"]["data"] == {"msg": "Hello"}
    form = (
        f'recipients=["{bob["public_key"]}"]&sender={alice["public_key"]}'
        '&drop_message={"model_object":"chat","data":{}}'
    ).encode()
    got = await server.ask("POST", "/drop", form, content_type="application/x-www-form-urlencoded")
    assert got.status == 201
    listed = (await server.ask("GET", "/outbox")).json()
    assert len(listed) == 2
    assert len((await server.ask("GET", f"/outbox?after={listed[0]['id']}")).json()) == 1
    path = got.headers["location"]
    assert [(await server.ask("DELETE", path)).status for _ in range(2)] == [204, 404]


@pytest_twisted.ensureDeferred
async def test_rejected_messages(server: Any) -> None:
    """What cannot be sent has a status for each reason, and nobody is sent anything."""
    alice, _ = await server.friends()
    [contact] = server.core.people.contacts(alice["id"])
    good = {"recipients": [contact.id], "sender": alice["id"], "drop_message": chat_message()}
    large = chat_message(data={"msg": "x" * 3000})
    table: list[tuple[dict[str, Any], int]] = [
        ({"recipients": []}, 400),
        ({"recipients": "1"}, 400),
        ({"recipients": [True]}, 400),
        ({"recipients": [contact.id, 99]}, 404),
        ({"recipients": ["f" * 64]}, 404),
        ({"sender": 99}, 400),
        ({"sender": None}, 400),
        ({"drop_message": "Hello"}, 400),
        ({"drop_message": {}}, 400),
        ({"drop_message": chat_message(model_object="drop")}, 400),
        ({"drop_message": chat_message(data=[])}, 400),
        ({"drop_message": chat_message(nothing=1)}, 400),
        ({"drop_message": large}, 413),
        ({"more": 1}, 400),
    ]
    before = {url: list(each) for url, each in server.drop_servers.messages.items()}
    for change, status in table:
        got = await server.ask_json("POST", "/drop", {**good, **change})
        assert got.status == status, change
        assert got.json()["detail"]
    for name in good:
        got = await server.ask_json("POST", "/drop", {k: v for k, v in good.items() if k != name})
        assert (got.status, got.json()["errors"][0]["key"]) == (400, name)
    too_large = (await server.ask_json("POST", "/drop", {**good, "drop_message": large})).json()
    assert too_large["size"] > too_large["limit"]
    assert str(too_large["limit"]) in too_large["detail"]
    assert before == server.drop_servers.messages


@pytest_twisted.ensureDeferred
async def test_idempotency_key(server: Any) -> None:
    """The same key returns the first answer again; for another message it is a conflict."""
    alice, _ = await server.friends()
    [contact] = server.core.people.contacts(alice["id"])
    given = {"recipients": [contact.id], "sender": alice["id"], "drop_message": chat_message()}
    first = await server.ask_json("POST", "/drop", given, idempotency_key="k")
    again = await server.ask_json("POST", "/drop", given, idempotency_key="k")
    assert (first.status, first.body) == (again.status, again.body)
    assert first.headers["location"] == again.headers["location"]
    other = {**given, "drop_message": chat_message(data={"msg": "other"})}
    assert (await server.ask_json("POST", "/drop", other, idempotency_key="k")).status == 409
    assert (await server.ask_json("POST", "/drop", other, idempotency_key="x" * 300)).status == 400
    assert len((await server.ask("GET", "/outbox")).json()) == 1


@pytest_twisted.ensureDeferred
async def test_introductions(server: Any) -> None:
    """Each recipient's answer says whether the message introduces the sender, as was asked."""
    alice, _ = await server.friends()
    [contact] = server.core.people.contacts(alice["id"])
    given = {"recipients": [contact.id], "sender": alice["id"], "drop_message": chat_message()}
    for wish, introduced in (({}, True), ({"introduce": False}, False), ({"introduce": True}, True),
                             ({"introduce": None}, True)):  # fmt: skip
        got = await server.ask_json("POST", "/drop", {**given, **wish})
        assert [each["introduced"] for each in got.json()["recipients"]] == [introduced], wish
        sent = (await server.ask("GET", got.headers["location"])).json()
        assert [each["introduced"] for each in sent["recipients"]] == [introduced]
        assert "meta_data" not in sent["message"]
    for bad in ({"introduce": "yes"}, {"introduce": 1}):
        assert (await server.ask_json("POST", "/drop", {**given, **bad})).status == 400
    smuggled = chat_message(meta_data={"alias": "Mallory"})
    got = await server.ask_json("POST", "/drop", {**given, "drop_message": smuggled})
    assert got.json()["errors"][0]["key"] == "drop_message.meta_data"


@pytest_twisted.ensureDeferred
async def test_introductions_that_do_not_fit(server: Any) -> None:
    """Without a wish, they are left out; required, the status is 413 with the size that counts."""
    alice, _ = await server.friends()
    [contact] = server.core.people.contacts(alice["id"])
    large = chat_message(data={"msg": "x" * 1700})
    given = {"recipients": [contact.id], "sender": alice["id"], "drop_message": large}
    got = await server.ask_json("POST", "/drop", given)
    assert got.status == 201
    assert not got.json()["recipients"][0]["introduced"]
    got = await server.ask_json("POST", "/drop", {**given, "introduce": True})
    assert got.status == 413
    assert got.json()["size"] > got.json()["limit"] == 2048
    assert str(got.json()["size"]) in got.json()["detail"]


@pytest_twisted.ensureDeferred
async def test_the_wish_belongs_to_the_idempotency_key(server: Any) -> None:
    """The same key with another wish is another request."""
    alice, _ = await server.friends()
    [contact] = server.core.people.contacts(alice["id"])
    given = {"recipients": [contact.id], "sender": alice["id"], "drop_message": chat_message()}
    wishes = [{"introduce": False}, {}, {"introduce": True}, {"introduce": False}]
    statuses = [
        (await server.ask_json("POST", "/drop", {**given, **wish}, idempotency_key="k")).status
        for wish in wishes
    ]
    assert statuses == [201, 409, 409, 201]
    assert len((await server.ask("GET", "/outbox")).json()) == 1
