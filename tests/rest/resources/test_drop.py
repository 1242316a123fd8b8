"""``GET /drop`` and its messages: what is new, to whom, and who hangs up meanwhile."""

from typing import Any

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater

from qabel.rest.http.large_answers import LARGE


def texts(got: Any) -> list[str]:
    """Return the texts of the messages in an answer."""
    return [each["data"]["msg"] for each in got.json()]


@pytest_twisted.ensureDeferred
async def test_nothing_new(server: Any) -> None:
    """With nothing new, GET and HEAD return 204 with the newest cursor, without a body."""
    for method in ("GET", "HEAD"):
        got = await server.ask(method, "/drop")
        assert (got.status, got.body) == (204, b"")
        assert got.headers["x-qabel-latest"] == server.core.journal.newest
        assert "content-length" not in got.headers
        assert "content-type" not in got.headers


@pytest_twisted.ensureDeferred
async def test_each_message_once(server: Any) -> None:
    """GET returns what is new, once; HEAD has the headers of GET, and moves no cursor."""
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
    """A cursor in the query or the header returns what is newer, as often as it is sent."""
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
async def test_cursor_of_another_database(server: Any) -> None:
    """A cursor that is not of this database is gone, at once; the answer has the oldest cursor."""
    for cursor in ("other.1", "nonsense", "%C3%A4", server.core.journal.newest + "9", "-1"):
        for method in ("GET", "HEAD"):
            got = await server.ask(method, f"/drop?since={cursor}&wait=60")
            assert (got.status, got.headers["x-qabel-oldest"]) == (410, "0")
        assert (await server.ask("GET", f"/drop?since={cursor}")).json()["oldest"] == "0"
        assert (await server.ask("GET", f"/events?since={cursor}")).status == 410


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
    """Clients that hang up at any moment move no cursor, disturb nobody, and are not logged."""
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
    """A change whose client hung up is made completely, and the next one works."""
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
    """Messages whose reader was gone before the end of the answer are still new."""
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
    """Identity, contact and kind of message narrow what is returned."""
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


async def _turn() -> None:
    await deferLater(reactor, 0)  # type: ignore[arg-type]
