"""``/drop``: what is new, to whom, and sending."""

from typing import Any

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater

from qabel.rest.http.large_answers import LARGE


def texts(got: Any) -> list[str]:
    """Give what the messages of an answer say."""
    return [each["data"]["msg"] for each in got.json()]


@pytest_twisted.ensureDeferred
async def test_nothing_new(server: Any) -> None:
    """With nothing new GET and HEAD give 204, without a body, with the newest place."""
    for method in ("GET", "HEAD"):
        got = await server.ask(method, "/drop")
        assert (got.status, got.body) == (204, b"")
        assert got.headers["x-qabel-latest"] == server.core.journal.newest
        assert "content-length" not in got.headers
        assert "content-type" not in got.headers


@pytest_twisted.ensureDeferred
async def test_each_message_once(server: Any) -> None:
    """GET gives what is new, once; HEAD moves nothing, and has the headers of GET."""
    await server.friends()
    await server.receive("one", "two")
    wire = await server.wire()
    head = await server.ask("HEAD", "/drop")
    # In one go, so that the second asks before anything else could happen.
    wire.send(server.request("GET", "/drop") * 2 + server.request("HEAD", "/drop"))
    first, second = await wire.answer(), await wire.answer()
    assert (head.status, first.status, second.status) == (200, 200, 204)
    assert texts(first) == ["one", "two"]
    for name in ("content-length", "content-type", "x-qabel-latest"):
        assert head.headers[name] == first.headers[name]
    assert (await wire.answer(head=True)).status == 204
    await server.receive("three")
    assert texts(await server.ask("GET", "/drop")) == ["three"]
    assert texts(await server.ask("GET", "/drop?consumer=other")) == ["one", "two", "three"]
    assert texts(await server.ask("GET", "/drop?consumer=third&limit=1")) == ["one"]
    assert texts(await server.ask("GET", "/drop?consumer=third&limit=1")) == ["two"]


@pytest_twisted.ensureDeferred
async def test_since(server: Any) -> None:
    """A place gives what came after it, as often as it is asked, by header or by query."""
    await server.friends()
    await server.receive("one")
    latest = (await server.ask("GET", "/drop?since=0")).headers["x-qabel-latest"]
    await server.receive("two")
    for _ in range(2):
        assert texts(await server.ask("GET", "/drop?since=0")) == ["one", "two"]
        assert texts(await server.ask("GET", "/drop", x_qabel_new_since=latest)) == ["two"]
        assert texts(await server.ask("GET", f"/drop?since={latest}")) == ["two"]
    both = await server.ask("GET", f"/drop?since={latest}", x_qabel_new_since=latest)
    assert texts(both) == ["two"]
    assert (await server.ask("GET", "/drop?since=0", x_qabel_new_since=latest)).status == 400
    assert (await server.ask("GET", "/drop", x_qabel_new_since="")).status == 400
    assert texts(await server.ask("GET", "/drop")) == ["one", "two"]
    newest = (await server.ask("GET", "/drop")).headers["x-qabel-latest"]
    assert (await server.ask("GET", f"/drop?since={newest}")).status == 204


@pytest_twisted.ensureDeferred
async def test_place_of_another_database(server: Any) -> None:
    """A place that this database did not give is gone, at once, with the oldest there is."""
    for place in ("other.1", "nonsense", "%C3%A4", server.core.journal.newest + "9", "-1"):
        for method in ("GET", "HEAD"):
            got = await server.ask(method, f"/drop?since={place}&wait=60")
            assert (got.status, got.headers["x-qabel-oldest"]) == (410, "0")
        assert (await server.ask("GET", f"/drop?since={place}")).json()["oldest"] == "0"
        assert (await server.ask("GET", f"/events?since={place}")).status == 410


@pytest_twisted.ensureDeferred
async def test_wait(server: Any) -> None:
    """A request that waits is answered as soon as something is new."""
    await server.friends()
    wire = await server.wire()
    wire.send(server.request("GET", "/drop?wait=60"))
    await server.until_busy()
    assert wire.received == b""
    await server.receive("news")
    assert texts(await wire.answer()) == ["news"]
    assert (await server.ask("GET", "/drop?wait=0.01")).status == 204


@pytest_twisted.ensureDeferred
async def test_client_hangs_up(server: Any, logged_failures: Any) -> None:
    """Clients that hang up at any moment move no place, disturb nobody, and leave no noise."""
    await server.friends()
    change = b'{"key": "module_data.a", "value": 1}'
    requests = [
        server.request("GET", "/drop?wait=60"),
        server.request("GET", "/events"),
        server.request("GET", "/identities/0/qr.svg"),
        server.request("GET", "/drop", cache_control="no-cache"),
        server.request("PUT", "/settings", change, content_type="application/json"),
        server.request("POST", "/backup"),
        server.request("GET", "/status"),
        server.request("GET", "/synced"),
    ]
    for request in requests:
        for turns in range(4):
            wire = await server.wire()
            wire.send(request)
            for _ in range(turns):
                await _turn()
            wire.close()
        wire = await server.wire()
        wire.send(request[: len(request) // 2])
        await _turn()
        wire.close()
    await server.until_alone()
    await server.receive("still new")
    assert (await server.ask("GET", "/settings")).status == 200
    assert texts(await server.ask("GET", "/drop")) == ["still new"]
    assert logged_failures.events == []


@pytest_twisted.ensureDeferred
async def test_mutation_is_whole(server: Any) -> None:
    """A change whose client hung up is there in whole, or not at all, and the next one works."""
    wire = await server.wire()
    body = b'{"settings": {"poll_interval": 7, "module_data": {"a": {"b": 1}}}}'
    wire.send(server.request("POST", "/settings", body, content_type="application/json"))
    await server.until_busy()
    wire.close()
    await server.until_alone()
    got = await server.ask_json("PUT", "/settings", {"key": "module_data.c", "value": {}})
    settings = got.json()
    assert (settings["poll_interval"], settings["module_data"]) == (7, {"a": {"b": 1}, "c": {}})


@pytest_twisted.ensureDeferred
async def test_large_answer_is_read_slowly(server: Any) -> None:
    """A large answer goes out whole; one whose reader is gone half way is still new."""
    await server.friends()
    await server.receive(*(str(number) * 500 for number in range(100, 200)))
    wire = await server.wire()
    wire.send(server.request("GET", "/drop?limit=1&consumer=other"))
    assert len((await wire.answer()).json()) == 1
    channel = server.narrow(wire)
    wire.send(server.request("GET", "/drop"))
    await server.until(lambda: channel._waitingForTransport)
    wire.close()
    await server.until_alone()
    got = await server.ask("GET", "/drop?consumer=default")
    assert (got.status, len(got.json())) == (200, 100)
    assert len(got.body) > 2 * LARGE
    assert (await server.ask("GET", "/drop")).status == 204


@pytest_twisted.ensureDeferred
async def test_one_message(server: Any) -> None:
    """A message is read and deleted by its id, once."""
    await server.friends()
    await server.receive("one")
    [message] = (await server.ask("GET", "/drop")).json()
    path = f"/drop/{message['id']}"
    assert (await server.ask("GET", path)).json() == message
    assert [(await server.ask("DELETE", path)).status for _ in range(2)] == [204, 404]
    assert (await server.ask("GET", path)).status == 404
    assert (await server.ask("GET", "/drop?since=0")).status == 204


@pytest_twisted.ensureDeferred
async def test_narrowed(server: Any) -> None:
    """Identity, contact and kind of message narrow what is given."""
    alice, bob = await server.friends()
    await server.receive("to Bob", sender="Alice")
    await server.receive("to Alice", sender="Bob")
    contacts = {each.alias: each.id for each in server.core.people.contacts()}
    for query, wanted in (
        (f"identity={alice['id']}", ["to Alice"]),
        (f"identity={bob['id']}", ["to Bob"]),
        (f"contact={contacts['Alice']}", ["to Bob"]),
        ("model_object=chat", ["to Bob", "to Alice"]),
    ):
        assert texts(await server.ask("GET", f"/drop?since=0&{query}")) == wanted
    for query in ("identity=99", "contact=99", "model_object=other"):
        assert (await server.ask("GET", f"/drop?since=0&{query}")).status == 204


def _message(**members: Any) -> dict[str, Any]:
    return {"model_object": "chat", "data": {"msg": "Hello"}, **members}


@pytest_twisted.ensureDeferred
async def test_send(server: Any) -> None:
    """A message is sent, with its place in the outbox, in each format of a body."""
    alice, bob = await server.friends()
    [contact] = server.core.people.contacts(alice["id"])
    given = {"recipients": [contact.id], "sender": alice["id"], "drop_message": _message()}
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
async def test_refused_sends(server: Any) -> None:
    """What cannot be sent has the status that the tables say, and nobody is sent anything."""
    alice, _ = await server.friends()
    [contact] = server.core.people.contacts(alice["id"])
    good = {"recipients": [contact.id], "sender": alice["id"], "drop_message": _message()}
    large = _message(data={"msg": "x" * 3000})
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
        ({"drop_message": _message(model_object="drop")}, 400),
        ({"drop_message": _message(data=[])}, 400),
        ({"drop_message": _message(nothing=1)}, 400),
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
    """The same key gives the first answer again; for something else it is a conflict."""
    alice, _ = await server.friends()
    [contact] = server.core.people.contacts(alice["id"])
    given = {"recipients": [contact.id], "sender": alice["id"], "drop_message": _message()}
    first = await server.ask_json("POST", "/drop", given, idempotency_key="k")
    again = await server.ask_json("POST", "/drop", given, idempotency_key="k")
    assert (first.status, first.body) == (again.status, again.body)
    assert first.headers["location"] == again.headers["location"]
    other = {**given, "drop_message": _message(data={"msg": "other"})}
    assert (await server.ask_json("POST", "/drop", other, idempotency_key="k")).status == 409
    assert (await server.ask_json("POST", "/drop", other, idempotency_key="x" * 300)).status == 400
    assert len((await server.ask("GET", "/outbox")).json()) == 1


async def _turn() -> None:
    await deferLater(reactor, 0)  # type: ignore[arg-type]
