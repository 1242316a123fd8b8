"""The drop server over real sockets: the statuses, headers and bytes that clients rely on."""

import json
import re
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, gatherResults

from qabel.drop.multipart import MultipartParser
from qabel.dropserver.message_store import MessageStore
from qabel.dropserver.message_values import MESSAGE_LIMIT, Post, Retention
from qabel.dropserver.rates import Rate
from qabel.host.http_server.sources import Proxies, Sources
from tests.dropserver.postgresql.databases import in_both

A = "/" + "aB3-_" * 8 + "xyz"
B = "/" + "C" * 43

NO_HEADERS: dict[str, str] = {}


def messages(answer: Any) -> list[bytes]:
    """Return the messages of a 200 to GET, after checking that it is complete."""
    assert answer.status == 200
    parser = MultipartParser(answer.headers["Content-Type"])
    parts = parser.feed(answer.body)
    parser.finish()
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    return [part.body for part in parts]


@pytest_twisted.ensureDeferred
async def test_the_answer_to_get_has_the_deployed_bytes(running: Any) -> None:
    """A 200 to GET is what the deployed server sends, byte for byte, with a Content-Length."""
    async with running(now=lambda: 1795419528.328829) as server:
        await server.post(A, b"one\r\n--")
        await server.post(A, b"two\r\n")
        answer = await server.ask("GET", A)
    boundary = answer.headers.pop("Content-Type").removeprefix('multipart/mixed; boundary="')[:-1]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", boundary)
    head = "Content-Type: application/octet-stream\r\nDate: Mon, 23 Nov 2026 07:38:48 +0000\r\n\r\n"
    body = f"--{boundary}\r\n{head}one\r\n--\r\n--{boundary}\r\n{head}two\r\n\r\n--{boundary}--\r\n"
    assert answer.body == body.encode()
    del answer.headers["Date"]
    assert (answer.status, answer.headers) == (
        200,
        {
            "Connection": "close",
            "Content-Length": str(len(body)),
            "Last-Modified": "Mon, 23 Nov 2026 07:38:48 GMT",
            "X-Qabel-Latest": "1795419528.328830",
        },
    )


@in_both
@pytest_twisted.ensureDeferred
async def test_head_says_what_get_would(running: Any) -> None:
    """HEAD has the status and headers of GET, including the length and the latest stamp."""
    async with running() as server:
        assert (await server.ask("HEAD", A)).status == 204
        await server.post(A, b"message")
        head, get = await server.ask("HEAD", A), await server.ask("GET", A)
        since = {"X-Qabel-New-Since": get.headers["X-Qabel-Latest"]}
        assert (await server.ask("HEAD", A, since)).status == 304
        bad = await server.ask("HEAD", "/short")
    assert (head.status, head.body) == (200, b"")
    for name in ("Content-Length", "Last-Modified", "X-Qabel-Latest"):
        assert head.headers[name] == get.headers[name]
    assert (bad.status, bad.body, bad.headers["Content-Length"]) == (400, b"", "28")


@in_both
@pytest_twisted.ensureDeferred
async def test_since_gives_what_is_newer(running: Any) -> None:
    """With X-Qabel-New-Since a GET returns what is newer, or 304 if nothing is."""
    async with running() as server:
        await server.post(A, b"1")
        latest = (await server.ask("GET", A)).headers["X-Qabel-Latest"]
        nothing = await server.ask("GET", A, {"X-Qabel-New-Since": latest})
        await server.post(A, b"2")
        newer = await server.ask("GET", A, {"X-Qabel-New-Since": latest})
    assert (nothing.status, nothing.body) == (304, b"")
    assert "Content-Type" not in nothing.headers
    assert messages(newer) == [b"2"]
    assert float(newer.headers["X-Qabel-Latest"]) > float(latest)


@in_both
@pytest_twisted.ensureDeferred
async def test_if_modified_since_goes_by_the_second(running: Any) -> None:
    """If-Modified-Since returns the messages of that second again, so that none is missed."""
    async with running() as server:
        await server.post(A, b"1")
        modified = (await server.ask("GET", A)).headers["Last-Modified"]
        again = await server.ask("GET", A, {"If-Modified-Since": modified})
        later = await server.ask("GET", A, {"If-Modified-Since": "Fri, 31 Dec 9999 00:00:00 GMT"})
    assert messages(again) == [b"1"]
    assert later.status == 304


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Qabel-New-Since": "garbage"},
        {"X-Qabel-New-Since": ""},
        {"X-Qabel-New-Since": "nan"},
        {"X-Qabel-New-Since": "99999999999999"},
        {"X-Qabel-New-Since": "1e400"},
        {"X-Qabel-New-Since": "9999999999"},
        {"If-Modified-Since": "warghabl"},
        {"If-Modified-Since": "0"},
        {"X-Qabel-New-Since": "9", "If-Modified-Since": "Fri, 31 Dec 9999 00:00:00 GMT"},
    ],
)
@in_both
@pytest_twisted.ensureDeferred
async def test_what_cannot_be_meant_is_ignored(running: Any, headers: dict[str, str]) -> None:
    """An invalid header, one of another server, or two at once return the whole drop."""
    async with running() as server:
        await server.post(A, b"1")
        assert messages(await server.ask("GET", A, headers)) == [b"1"]


@in_both
@pytest_twisted.ensureDeferred
async def test_an_empty_drop_has_nothing(running: Any) -> None:
    """An empty drop is 204, but 304 for a client that says what it has already."""
    async with running() as server:
        plain = await server.ask("GET", A)
        since = await server.ask("GET", A, {"X-Qabel-New-Since": "1795419528.328829"})
        dated = await server.ask("GET", A, {"If-Modified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"})
    assert (plain.status, plain.body, set(plain.headers)) == (204, b"", {"Date", "Connection"})
    assert (since.status, dated.status) == (304, 304)


BAD_POSTS = [
    ("/short", NO_HEADERS, b"", 400, "Invalid drop id"),
    (A + "x", NO_HEADERS, b"", 400, "Invalid drop id"),
    (A, NO_HEADERS, b"", 400, "Bad authorization"),
    (A, {"Authorization": "client qabel"}, b"x", 400, "Bad authorization"),
    (A, {"Authorization": "Bearer x"}, b"x" * 3000, 400, "Bad authorization"),
    (A, {"authorization": "Client Qabel"}, b"", 400, "No message provided"),
    (A, {"Authorization": "Client Qabel"}, b"x" * 2574, 413, "Message too large"),
    (A, {"Authorization": "Client Qabel"}, b"x" * 200_000, 413, "Message too large"),
    ("/", {"Authorization": "Client Qabel"}, b"x", 404, "Not found"),
    (A + "/", {"Authorization": "Client Qabel"}, b"x", 404, "Not found"),
    (A + "/x", {"Authorization": "Client Qabel"}, b"x", 404, "Not found"),
    (A[:-1] + "%2F", {"Authorization": "Client Qabel"}, b"x", 404, "Not found"),
    (A[:-1] + "+", {"Authorization": "Client Qabel"}, b"x", 404, "Not found"),
]


@pytest.mark.parametrize(("path", "headers", "body", "status", "text"), BAD_POSTS)
@in_both
@pytest_twisted.ensureDeferred
async def test_a_bad_post_is_refused_in_the_deployed_order(
    running: Any, path: str, headers: dict[str, str], body: bytes, status: int, text: str
) -> None:
    """The first problem decides, in the order: drop id, authorization, no message, size."""
    async with running() as server:
        answer = await server.ask("POST", path, headers, body)
        assert (await server.ask("GET", A)).status == 204
    assert (answer.status, json.loads(answer.body)) == (status, {"error": text})
    assert answer.headers["Content-Type"] == "application/json"


@in_both
@pytest_twisted.ensureDeferred
async def test_any_bytes_of_the_right_size_are_a_message(running: Any) -> None:
    """1 to 2573 bytes are stored as they are, whatever their content type."""
    form = {"Authorization": "Client Qabel", "Content-Type": "application/x-www-form-urlencoded"}
    sent = [b"x", b"a=b&c=d", bytes(range(256)) * 10 + b"z" * 13, b"\r\n--\r\n"]
    assert len(sent[2]) == MESSAGE_LIMIT
    async with running() as server:
        for body in sent:
            answer = await server.ask("POST", A + "?query=ignored", form, body)
            assert (answer.status, answer.body) == (200, b"")
            assert answer.headers["Content-Length"] == "0"
        assert messages(await server.ask("GET", A + "?x")) == sent


@in_both
@pytest_twisted.ensureDeferred
async def test_the_last_character_counts_as_it_is(running: Any) -> None:
    """Ids that differ only in the unused bits of their last character are different drops."""
    async with running() as server:
        await server.post(A[:-1] + "A", b"1")
        assert (await server.ask("GET", A[:-1] + "B")).status == 204


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "FROB"])
@in_both
@pytest_twisted.ensureDeferred
async def test_other_methods_are_not_allowed(running: Any, method: str) -> None:
    """A 405 lists the allowed methods."""
    async with running() as server:
        answer = await server.ask(method, A)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, POST")


@in_both
@pytest_twisted.ensureDeferred
async def test_a_chunked_message_is_taken(running: Any) -> None:
    """A message may be sent in chunks, and the connection stays open."""
    head = (
        f"POST {A} HTTP/1.1\r\nHost: x\r\nAuthorization: Client Qabel\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    ).encode()
    async with running() as server:
        conversation = await server.connect()
        conversation.transport.write((head + b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n") * 2)
        await conversation.until(lambda data: data.count(b"HTTP/1.1 200 OK") == 2)
        conversation.transport.loseConnection()
        await conversation.closed
        assert messages(await server.ask("GET", A)) == [b"abcdef"] * 2


@in_both
@pytest_twisted.ensureDeferred
async def test_a_large_drop_is_streamed(running: Any) -> None:
    """A large response arrives complete at a client that pauses reading."""
    async with running() as server:
        sent = [b"%07d" % number * 300 for number in range(2000)]
        await gatherResults([server.service._store.append(Post(A[1:], body)) for body in sent])
        assert "Content-Length" not in (await server.ask("HEAD", A)).headers
        conversation = await server.connect()
        conversation.transport.write(f"GET {A} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
        await conversation.until(lambda data: len(data) > 100_000)
        conversation.transport.pauseProducing()
        conversation.transport.resumeProducing()
        data = await conversation.closed.addTimeout(20, _reactor())
    assert data.count(b"\r\nDate: ") == len(sent) + 1
    # In chunks, of which the last one is empty.
    assert data.endswith(b"--\r\n\r\n0\r\n\r\n")


@pytest_twisted.ensureDeferred
async def test_what_goes_meanwhile_is_padded(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A response is valid and as long as announced although messages go meanwhile."""
    async with running(retention=Retention(quota=10**9, drop_quota=1000)) as server:
        store = server.service._store
        await gatherResults([store.append(Post(A[1:], b"x" * 2000, b"1.1.")) for _ in range(1000)])
        read = store.read

        def read_late(_: MessageStore, *arguments: Any) -> "Deferred[Any]":
            monkeypatch.undo()
            late = gatherResults([store.append(Post(A[1:], b"new", b"2.2.")) for _ in range(500)])
            return late.addCallback(lambda _: read(*arguments))

        monkeypatch.setattr(MessageStore, "read", read_late)
        answer = await server.ask("GET", A)
    got = messages(answer)
    assert 500 <= len(got) < 1000
    assert set(got) == {b"x" * 2000}


@in_both
@pytest_twisted.ensureDeferred
async def test_a_reader_that_goes_away_hurts_nobody(running: Any) -> None:
    """A client that disconnects in the middle of a response does no harm."""
    async with running() as server:
        store = server.service._store
        await gatherResults([store.append(Post(A[1:], b"x" * 2500)) for _ in range(3000)])
        for _ in range(3):
            conversation = await server.connect()
            conversation.transport.write(f"GET {A} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await conversation.until(bool)
            conversation.transport.abortConnection()
            await conversation.closed
        assert (await server.post(A, b"after")).status == 200


@pytest_twisted.ensureDeferred
async def test_a_failing_disk_is_503(running: Any, logged_failures: Any) -> None:
    """A message that cannot be stored is rejected with 503; the next one is tried again."""
    async with running() as server:
        await server.on_file(lambda file: file._connection.execute("PRAGMA query_only = ON"))
        answers = [await server.post(A, b"1"), await server.post(A, b"1")]
        await server.on_file(lambda file: file._connection.execute("PRAGMA query_only = OFF"))
        assert (await server.post(A, b"2")).status == 200
        assert messages(await server.ask("GET", A)) == [b"2"]
    assert [answer.status for answer in answers] == [503, 503]
    assert len(logged_failures.flush()) == 1


@in_both
@pytest_twisted.ensureDeferred
async def test_nothing_is_missed_and_nothing_comes_twice(running: Any) -> None:
    """With many concurrent posts, a polling client gets each message exactly once."""
    async with running() as server:
        posting = [True]

        async def post(name: int) -> None:
            for number in range(25):
                assert (await server.post(A, b"%d-%d" % (name, number))).status == 200

        async def poll() -> list[bytes]:
            got: list[bytes] = []
            headers: dict[str, str] = {}
            while True:
                last = not posting[0]
                answer = await server.ask("GET", A, headers)
                if answer.status == 200:
                    got += messages(answer)
                    headers = {"X-Qabel-New-Since": answer.headers["X-Qabel-Latest"]}
                elif last:
                    return got

        poller = Deferred.fromCoroutine(poll())
        await gatherResults([Deferred.fromCoroutine(post(name)) for name in range(12)])
        posting[0] = False
        got = await poller
    assert sorted(got) == sorted(b"%d-%d" % (name, n) for name in range(12) for n in range(25))


def _reactor() -> Any:
    from twisted.internet import reactor

    return reactor


@in_both
@pytest_twisted.ensureDeferred
async def test_a_source_that_posts_without_end(running: Any) -> None:
    """It is told when to come back; others post meanwhile, and it goes on reading."""
    sources, rate = Sources(Proxies.parse(["127.0.0.1"])), Rate(each_second=0.5, burst=2)
    client = {"Authorization": "Client Qabel"}
    async with running(sources=sources, rate=rate) as server:
        flooding = {**client, "X-Forwarded-For": "203.0.113.7, 192.0.2.1"}
        answers = [await server.ask("POST", A, flooding, b"x") for _ in range(3)]
        assert [each.status for each in answers] == [200, 200, 429]
        assert json.loads(answers[2].body) == {"error": "Too many messages"}
        assert 1 <= int(answers[2].headers["Retry-After"]) <= 2
        other = {**client, "X-Forwarded-For": "192.0.2.2"}
        assert (await server.ask("POST", A, other, b"y")).status == 200
        assert messages(await server.ask("GET", A, flooding)) == [b"x", b"x", b"y"]


@in_both
@pytest_twisted.ensureDeferred
async def test_this_machine_is_not_limited(running: Any) -> None:
    """Who is on the same machine may post as often as they like."""
    async with running(rate=Rate(each_second=0.1, burst=1)) as server:
        answers = [await server.post(A, b"x") for _ in range(5)]
    assert {each.status for each in answers} == {200}
