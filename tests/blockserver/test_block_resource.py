"""The API of the block server: as Qabel's own was observed, and better where that falls short."""

import json
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, gatherResults

from tests.blockserver.conftest import ANNA, BOB, QUOTA

ETAG = '"[0-9a-f]{32}"'


@pytest_twisted.ensureDeferred
async def test_prefixes(running: Any) -> None:
    """Whoever has a token can make them, and sees their own."""
    async with running() as server:
        made = await server.call("POST", "/prefix/", token=BOB)
        assert made.status == 201
        prefix = json.loads(made.body)["prefix"]
        assert len(prefix) == 36
        listed = await server.call("GET", "/prefix/", token=BOB)
        assert json.loads(listed.body) == {"prefixes": [prefix]}
        anna = await server.call("GET", "/prefix/")
        assert json.loads(anna.body) == {"prefixes": [server.prefix]}


@pytest.mark.parametrize(
    ("method", "path", "token", "status", "text"),
    [
        ("GET", "/prefix", ANNA, 404, "Not found"),
        ("GET", "/prefix/", "", 403, "No authorization given"),
        ("GET", "/prefix/", "WRONG", 403, "User not found"),
        ("GET", "/quota/", "", 403, "No authorization given"),
        ("GET", "/files/{}/nothing", "", 404, "File not found"),
        ("GET", "/files/nosuchprefix/x", "", 404, "File not found"),
        ("POST", "/files/{}/x", "", 403, "No authorization given"),
        ("POST", "/files/{}/x", "WRONG", 403, "User not found"),
        ("POST", "/files/{}/x", BOB, 403, "Not authorized for this prefix"),
        ("POST", "/files/nosuchprefix/x", ANNA, 403, "Not authorized for this prefix"),
        ("DELETE", "/files/{}/x", "", 403, "No authorization given"),
        ("DELETE", "/files/{}/x", BOB, 403, "Not authorized for this prefix"),
        ("PUT", "/files/{}/x", ANNA, 405, "Method not allowed"),
        ("OPTIONS", "/files/{}/x", ANNA, 405, "Method not allowed"),
        ("POST", "/files/{}/a.b", ANNA, 404, "Not found"),
        ("POST", "/files/{}/%C3%BC", ANNA, 404, "Not found"),
        ("POST", "/files/{}/../x", ANNA, 404, "Not found"),
        ("POST", "/files/{}/" + "w" * 300, ANNA, 400, "Name longer than 255 characters"),
        ("GET", "/files/{}/", ANNA, 404, "Not found"),
        ("GET", "/files/{}/?list", "", 403, "No authorization given"),
        ("GET", "/files/{}/?list", BOB, 403, "Not authorized for this prefix"),
        ("GET", "/websocket/{}/blocks/x", "", 405, "Method not allowed"),
        ("GET", "/websocket/{}", "", 403, "No authorization given"),
        ("GET", "/websocket/{}", BOB, 403, "Not authorized for this prefix"),
        ("GET", "/websocket/{}/x", "", 400, "Not a WebSocket handshake"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_is_refused(
    running: Any, method: str, path: str, token: str, status: int, text: str
) -> None:
    """With a reason; nothing is stored."""
    async with running() as server:
        answer = await server.call(method, path.format(server.prefix), token=token, body=b"x")
        assert (answer.status, json.loads(answer.body)) == (status, {"error": text})
        assert server.objects() == []


@pytest_twisted.ensureDeferred
async def test_another_scheme_is_refused(running: Any) -> None:
    """The original fails with 500."""
    async with running() as server:
        answer = await server.ask("GET", "/api/v0/quota/", {"Authorization": "Basic eA=="})
        assert answer.status == 403


@pytest_twisted.ensureDeferred
async def test_storing_and_reading(running: Any) -> None:
    """Reading needs no token; each version has a tag of its own."""
    async with running() as server:
        first = await server.put("meta", b"one")
        assert (first.status, first.body) == (204, b"")
        assert {"Date", "ETag"} <= first.headers.keys()
        read = await server.get("meta")
        assert (read.status, read.body) == (200, b"one")
        assert read.headers["ETag"] == first.headers["ETag"]
        head = await server.call("HEAD", server.file("meta"), token="")
        assert (head.status, head.headers["Content-Length"], head.body) == (200, "3", b"")
        second = await server.put("meta", b"two!")
        assert second.headers["ETag"] != first.headers["ETag"]
        assert (await server.get("meta")).body == b"two!"
        assert server.objects() == [b"two!"]
        for name in ("empty", "dir/", "x/y/z", "blocks/b"):
            assert (await server.put(name, b"")).status == 204
            assert (await server.get(name)).body == b""


@pytest_twisted.ensureDeferred
async def test_what_is_known_is_not_sent(running: Any) -> None:
    """A tag that fits, or any."""
    async with running() as server:
        tag = (await server.put("meta", b"one")).headers["ETag"]
        for known, status in ((tag, 304), (f'"x", {tag}', 304), ("*", 304), ('"x"', 200)):
            answer = await server.get("meta", If_None_Match=known)
            assert (answer.status, answer.headers["ETag"]) == (status, tag)
            assert bool(answer.body) == (status == 200)


@pytest_twisted.ensureDeferred
async def test_conditions(running: Any) -> None:
    """Only who knows what is there changes it, or who knows that nothing is."""
    async with running() as server:
        assert (await server.put("new", b"1", If_Match='"x"')).status == 412
        tag = (await server.put("new", b"1", If_None_Match="*")).headers["ETag"]
        again = await server.put("new", b"2", If_None_Match="*")
        assert (again.status, again.headers["ETag"]) == (412, tag)
        stale = await server.put("new", b"2", If_Match='"x"')
        assert (stale.status, stale.headers["ETag"]) == (412, tag)
        assert (await server.get("new")).body == b"1"
        assert (await server.put("new", b"2", If_Match=tag)).status == 204
        assert (await server.put("new", b"3", If_Match="*")).status == 204
        gone = await server.call("DELETE", server.file("new"), If_Match=tag)
        assert gone.status == 412
        assert server.objects() == [b"3"]


@pytest_twisted.ensureDeferred
async def test_of_many_writers_one_wins(running: Any) -> None:
    """Checking and storing are one step: the original let both of two have 204."""
    async with running() as server:
        for round_ in range(5):
            tag = (await server.put("meta", b"start")).headers["ETag"]
            writing = [
                Deferred.fromCoroutine(server.put("meta", b"%d %d" % (round_, n), If_Match=tag))
                for n in range(8)
            ]
            statuses = [each.status for each in await gatherResults(writing)]
            assert sorted(statuses) == [204] + [412] * 7
            (there,) = server.objects()
            assert there == (await server.get("meta")).body
            assert there == b"%d %d" % (round_, statuses.index(204))


@pytest_twisted.ensureDeferred
async def test_deleting(running: Any) -> None:
    """It is 204 whether something was there or not, and frees what it took."""
    async with running() as server:
        tag = (await server.put("meta", b"12345")).headers["ETag"]
        assert (await server.call("DELETE", server.file("meta"))).status == 204
        assert (await server.call("DELETE", server.file("meta"))).status == 204
        # The original says 304 here, and takes a POST with the tag.
        assert (await server.get("meta", If_None_Match=tag)).status == 404
        assert (await server.put("meta", b"x", If_Match=tag)).status == 412
        assert server.objects() == []
        quota = json.loads((await server.call("GET", "/quota/")).body)
        assert quota == {"quota": QUOTA, "size": 0}


@pytest_twisted.ensureDeferred
async def test_quotas_hold(running: Any) -> None:
    """At every size, and also for what replaces something."""
    async with running() as server:
        assert (await server.put("blocks/a", bytes(QUOTA - 10))).status == 204
        refused = await server.put("blocks/b", bytes(11))
        assert (refused.status, json.loads(refused.body)) == (402, {"error": "Quota reached"})
        assert (await server.put("blocks/b", bytes(10))).status == 204
        assert (await server.put("blocks/b", bytes(11))).status == 402
        assert (await server.put("blocks/a", bytes(5))).status == 204
        quota = json.loads((await server.call("GET", "/quota/")).body)
        assert quota == {"quota": QUOTA, "size": 15}


@pytest_twisted.ensureDeferred
async def test_listing(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner sees all names, some at a time."""
    monkeypatch.setattr("qabel.blockserver.block_resource.LISTED", 2)
    async with running() as server:
        for name in ("c", "blocks/a", "b"):
            await server.put(name, name.encode())
        path = f"/files/{server.prefix}/?list"
        first = json.loads((await server.call("GET", path)).body)
        assert [each["name"] for each in first["objects"]] == ["b", "blocks/a"]
        assert first["objects"][1]["size"] == 8
        assert first["next"] == "blocks/a"
        rest = json.loads((await server.call("GET", f"{path}&after=blocks/a")).body)
        assert [each["name"] for each in rest["objects"]] == ["c"]
        assert rest["next"] is None
        assert rest["objects"][0]["etag"] == (await server.get("c")).headers["ETag"]


@pytest_twisted.ensureDeferred
async def test_a_server_that_stops_serves_nothing(running: Any) -> None:
    """Requests that come late are told to come again."""
    async with running() as server:
        resource = server.service._resource
        storage, resource.storage = resource.storage, None
        for method in ("GET", "POST", "DELETE"):
            answer = await server.call(method, server.file("x"), body=b"x")
            assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
        resource.storage = storage


@pytest_twisted.ensureDeferred
async def test_the_front_page_says_what_it_is(running: Any) -> None:
    """And how large an object may be."""
    async with running(max_body=77) as server:
        answer = await server.ask("GET", "/")
        assert json.loads(answer.body) == {"server": "qabel-block", "max_size": 77}
        assert "Server" not in answer.headers
