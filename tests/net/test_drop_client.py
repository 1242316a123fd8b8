"""The drop client against servers on real sockets."""

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, Deferred

from qabel.drop.url import DropURL
from qabel.net.drop_client import FetchResult
from qabel.net.errors import (
    ConnectFailed,
    IncompleteResponse,
    InvalidResponse,
    NotAdmitted,
    ResponseTooLarge,
    ServerRefused,
)
from qabel.net.group_tokens import GroupTokens
from qabel.net.isolation import Isolation
from tests.net.servers import (
    DROP_ID,
    LATEST,
    NOTHING,
    TAKEN,
    Taken,
    always,
    drop_answer,
    head,
    multipart,
    multipart_head,
    part,
    reactor,
    silent,
    until,
)


@pytest_twisted.ensureDeferred
async def test_fetch_gives_parts_and_cursor(client, serve):
    """A fetch returns the parts in order and the cursor as it was sent."""
    server = serve(always(drop_answer(b"one", b"two\r\n", b""), close=True))
    taken = Taken()
    assert await client.fetch(server.url(), None, taken) == FetchResult("new", LATEST, 3)
    assert taken == [b"one", b"two\r\n", b""]


@pytest_twisted.ensureDeferred
async def test_fetch_over_a_kept_connection(client, serve):
    """Responses with a length or in chunks leave the connection open for the next request."""
    body = multipart([b"one", b"two"])
    chunks = b"".join(b"%x\r\n%b\r\n" % (1, body[i : i + 1]) for i in range(len(body)))
    answers = [
        multipart_head(f"Content-Length: {len(body)}") + body,
        multipart_head("Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n",
        NOTHING,
    ]
    server = serve(lambda connection, _: connection.send(answers.pop(0)))
    taken = Taken()
    assert (await client.fetch(server.url(), None, taken)).parts == 2
    assert (await client.fetch(server.url(), None, taken)).parts == 2
    assert await client.fetch(server.url(), None, taken) == FetchResult("nothing")
    assert taken == [b"one", b"two", b"one", b"two"]
    assert len(server.connections) == 1


@pytest_twisted.ensureDeferred
async def test_nothing_but_the_protocol_goes_out(client, serve):
    """Requests have no agent, cookie or encodings: nothing that distinguishes clients."""
    server = serve(always(head("Set-Cookie: a=b", status="304 Not Modified")))
    host = f"Host: 127.0.0.1:{server.number}\r\n".encode()
    url = server.url()
    await client.fetch(url, None, Taken())
    await client.fetch(url, "12.5", Taken())
    await client.fetch(url, "lm:Mon, 23 Nov 2026 07:38:48 GMT", Taken())
    server.handle = always(TAKEN)
    await client.post(url, b"m\r\n\r\n")
    path = DROP_ID.encode()
    assert server.requests == [
        b"GET /" + path + b" HTTP/1.1\r\n" + host + b"\r\n",
        b"GET /" + path + b" HTTP/1.1\r\n" + host + b"X-Qabel-New-Since: 12.5\r\n\r\n",
        b"GET /"
        + path
        + b" HTTP/1.1\r\n"
        + host
        + b"If-Modified-Since: Mon, 23 Nov 2026 07:38:47 GMT\r\n\r\n",
        b"POST /"
        + path
        + b" HTTP/1.1\r\nConnection: close\r\nContent-Length: 5\r\n"
        + host
        + b"Authorization: Client Qabel\r\nContent-Type: application/octet-stream\r\n\r\nm\r\n\r\n",
    ]
    assert len(server.connections) == 2


@pytest_twisted.ensureDeferred
async def test_paths_go_out_as_they_are(client, serve):
    """A path with escapes and odd characters is sent as the URL spells it, a name as it is."""
    server = serve(always(NOTHING))
    for path in ("a%2Fb/~x;p=1/$&'()*+,=:@!", "..a/%7e", "a;b;c"):
        url = server.url("localhost", f"{path}/{DROP_ID}")
        await client.fetch(url, None, Taken())
        assert server.requests[-1].startswith(f"GET /{path}/{DROP_ID} HTTP/1.1\r\n".encode())
        assert f"Host: localhost:{server.number}\r\n".encode() in server.requests[-1]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (drop_answer(b"one", b"two")[:-1], None),
        (drop_answer(b"one", b"two")[:-4], IncompleteResponse),
        (drop_answer(b"one", b"two")[:-20], IncompleteResponse),
        (multipart_head() + part(b"one"), IncompleteResponse),
        (multipart_head(), IncompleteResponse),
        (multipart_head("Content-Length: 0"), IncompleteResponse),
        (multipart_head("Content-Length: 9000") + part(b"one"), IncompleteResponse),
        (
            multipart_head("Transfer-Encoding: chunked") + b"ffff\r\n" + part(b"one"),
            IncompleteResponse,
        ),
        (
            multipart_head("Transfer-Encoding: chunked") + b"xyz\r\n" + part(b"one"),
            IncompleteResponse,
        ),
        (multipart_head("Transfer-Encoding: rot13") + part(b"one"), InvalidResponse),
        (multipart_head("Content-Length: 3", "Content-Length: 4"), InvalidResponse),
        (multipart_head("Content-Length: many"), InvalidResponse),
        (multipart_head()[:20], IncompleteResponse),
        (b"", IncompleteResponse),
        (b"SSH-2.0-OpenSSH_9.6\r\n", InvalidResponse),
        (b"HTTP/1.1 twohundred OK\r\n\r\n", InvalidResponse),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", InvalidResponse),
        (b"\x16\x03\x01\x00\xff" * 100, IncompleteResponse),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 8, IncompleteResponse),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 9, ResponseTooLarge),
        (b"HTTP/1.1 103 Early Hints\nA: b\n\n" * 9, ResponseTooLarge),
        (multipart_head() + b"--b0b0-b0b0\r\n" + b"X: y\r\n" * 2000, InvalidResponse),
        (multipart_head() + b"--b0b0-b0b0\r\nrubbish\r\n\r\nx\r\n--b0b0-b0b0--", InvalidResponse),
        (multipart_head().replace(b"b0b0-b0b0", b"other") + part(b"one"), IncompleteResponse),
        (head("Content-Type: text/html") + b"<html>", InvalidResponse),
        (head("Content-Type: multipart/mixed") + part(b"one"), InvalidResponse),
        (head() + part(b"one"), InvalidResponse),
        (multipart_head("Content-Type: text/plain") + part(b"one"), InvalidResponse),
        (multipart_head("Content-Encoding: gzip") + b"\x1f\x8b" + bytes(5000), InvalidResponse),
        (multipart_head("Content-Encoding: br") + bytes(5000), InvalidResponse),
        (head(status="206 Partial Content") + part(b"one"), InvalidResponse),
    ],
)
@pytest_twisted.ensureDeferred
async def test_bad_answers(client, serve, answer, message):
    """Every invalid response raises one of a few errors, which show no drop id."""
    server = serve(always(answer, close=True))
    if message is None:
        assert (await client.fetch(server.url(), None, Taken())).parts == 2
        return
    with pytest.raises(message) as raised:
        await client.fetch(server.url(), None, Taken())
    assert server.url().host in raised.value.detail
    assert DROP_ID not in repr(raised.value) + str(raised.value)
    await server.all_closed()


@pytest.mark.parametrize("interim", [b"HTTP/1.1 100 \r\n\r\n", b"HTTP/1.1 103 \nA: b\n\n"])
@pytest_twisted.ensureDeferred
async def test_interim_responses_before_an_answer(client, serve, interim):
    """Eight interim responses may precede an answer; with one more it is not read."""
    few, many = (
        serve(always(interim * count + drop_answer(b"one"), close=True)) for count in (8, 9)
    )
    taken = Taken()
    await client.fetch(few.url(), None, taken)
    assert taken == [b"one"]
    with pytest.raises(ResponseTooLarge):
        await client.fetch(many.url(), None, taken)
    assert taken == [b"one"]


@pytest_twisted.ensureDeferred
async def test_torn_answer_keeps_whole_parts(client, serve):
    """Complete parts are handed over wherever the connection breaks, then the error is raised."""
    whole = drop_answer(b"one", b"two", b"three")
    first = whole.index(b"one") + 3
    for end in range(first, len(whole) - 4, 7):
        server = serve(always(whole[:end], close=True))
        taken = Taken()
        with pytest.raises(IncompleteResponse):
            await client.fetch(server.url(), None, taken)
        complete = whole[:end].count(b"--b0b0-b0b0\r\n") - 1
        assert taken == [b"one", b"two", b"three"][:complete]


@pytest_twisted.ensureDeferred
async def test_reset_in_the_middle(client, serve):
    """A connection reset means an incomplete response too."""

    def tear(connection, _):
        connection.send(multipart_head() + part(b"one") + part(b"two")[:-1])
        reactor.callLater(0.01, connection.transport.abortConnection)

    taken = Taken()
    with pytest.raises(IncompleteResponse):
        await client.fetch(serve(tear).url(), None, taken)
    assert taken == [b"one"]


@pytest_twisted.ensureDeferred
async def test_reset_before_the_answer(client, serve):
    """A server that hangs up raises an error and is not asked again."""
    server = serve(lambda connection, _: connection.transport.abortConnection())
    with pytest.raises(IncompleteResponse):
        await client.fetch(server.url(), None, Taken())
    with pytest.raises(IncompleteResponse):
        await client.post(server.url(), b"message")
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 410, 413, 429, 500, 503])
@pytest_twisted.ensureDeferred
async def test_refusals(client, serve, status):
    """Error statuses are reported as they are; only 400 and 413 for a POST are permanent."""
    body = b'{"error": "x"}'
    answer = head("Location: http://elsewhere.example/", status=f"{status} No") + body
    server = serve(always(answer, close=True))
    for call, permanent in (
        (client.fetch(server.url(), None, Taken()), False),
        (client.post(server.url(), b"message"), status in (400, 413)),
    ):
        with pytest.raises(ServerRefused) as raised:
            await call
        assert raised.value.status == status
        assert raised.value.permanent is permanent
        assert raised.value.retry_after is None
        assert str(status) in raised.value.detail
    assert len(server.requests) == 2


@pytest_twisted.ensureDeferred
async def test_a_closed_group(make_client, serve):
    """A rejected token is no reason to give up a message; a redirect does not get it either."""
    tokens = GroupTokens()
    client = make_client(group_tokens=tokens)
    closed = always(head("Content-Length: 2", status="401 Unauthorized") + b"{}", close=True)
    server, elsewhere = serve(closed), serve(always(NOTHING))
    for token, said in ((None, "asks for its token"), ("wrong", "does not accept the group token")):
        tokens.set({} if token is None else {server.url().server: token})
        for call in (client.fetch(server.url(), None, Taken()), client.post(server.url(), b"m")):
            with pytest.raises(NotAdmitted, match=said) as raised:
                await call
            assert (raised.value.status, raised.value.permanent) == (401, False)
            assert "wrong" not in raised.value.detail
    server.handle = always(head(status="400 Bad") + b'{"error": "Bad authorization"}', close=True)
    with pytest.raises(NotAdmitted, match="--remove"):
        await client.post(server.url(), b"m")
    server.handle = always(head(f"Location: {elsewhere.url()}", status="307 No"), close=True)
    with pytest.raises(ServerRefused, match="redirect"):
        await client.post(server.url(), b"m")
    assert elsewhere.requests == []
    assert len([each for each in server.requests if b"Client wrong\r\n" in each]) == 4


@pytest_twisted.ensureDeferred
async def test_retry_after(make_client, serve):
    """The time that a busy server asks us to wait is measured from ``now``."""
    client = make_client(now=lambda: 1795419528.0)
    busy = head(
        "Retry-After: Mon, 23 Nov 2026 07:39:48 GMT", "Content-Length: 0", status="503 Busy"
    )
    with pytest.raises(ServerRefused) as raised:
        await client.post(serve(always(busy)).url(), b"message")
    assert raised.value.retry_after == 60


@pytest_twisted.ensureDeferred
async def test_no_cursor(client, serve):
    """A response may have no cursor."""
    server = serve(always(drop_answer(b"one", latest=None), close=True))
    assert await client.fetch(server.url(), None, Taken()) == FetchResult("new", None, 1)


@pytest.mark.parametrize(
    "answer",
    [
        head("Content-Type: text/html; charset=utf-8"),
        head("Content-Length: 0", "Set-Cookie: balancer=2"),
        head("Transfer-Encoding: chunked") + b"0\r\n\r\n",
        head("Content-Length: 0", status="201 Created"),
        head(status="206 Partial Content"),
        head(status="100 Continue") + TAKEN,
        NOTHING,
    ],
)
@pytest_twisted.ensureDeferred
async def test_post_is_taken_by_a_good_status_without_a_body(client, serve, answer):
    """Any 2xx status with an empty body, however that ends, means that the message was taken."""
    await client.post(serve(always(answer, close=True)).url(), b"message")


def without_end(*pieces: bytes):
    """Return a handler that sends something, and leaves the connection open."""
    return lambda connection, _: [connection.send(each) for each in pieces]


@pytest.mark.parametrize(
    ("handle", "error"),
    [
        (always(head("Content-Type: text/html") + b"<html>", close=True), InvalidResponse),
        (always(head("Content-Length: 2", status="201 Created") + b"ok"), InvalidResponse),
        (without_end(head("Transfer-Encoding: chunked"), b"1\r\n \r\n"), InvalidResponse),
        (without_end(head("Content-Type: text/html"), b"<"), InvalidResponse),
        (without_end(head("Content-Length: 1")), InvalidResponse),
        (always(head("Content-Length: 5000"), close=True), InvalidResponse),
        (always(head("Transfer-Encoding: chunked"), close=True), IncompleteResponse),
        (
            always(head("Upgrade: x", status="101 Switching Protocols"), close=True),
            IncompleteResponse,
        ),
        (always(head(status="302 Found") + b"<html>", close=True), ServerRefused),
        (always(head(status="511 Log In") + b"<html>", close=True), ServerRefused),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_is_no_drop_server_takes_nothing(client, serve, handle, error):
    """A body, a redirect, or an end that cannot be seen: whatever responded took no message."""
    with pytest.raises(error) as raised:
        await client.post(serve(handle).url(), b"message")
    assert getattr(raised.value, "permanent", False) is False


@pytest_twisted.ensureDeferred
async def test_a_body_that_comes_late(client, serve):
    """A message is not taken before the end of the response can be seen, however late that is."""
    server = serve(without_end(head("Content-Type: text/html")))
    posting = Deferred.fromCoroutine(client.post(server.url(), b"message"))
    await server.next_request()
    assert not posting.called
    server.connections[0].send(b"<html>", close=True)
    with pytest.raises(InvalidResponse):
        await posting


@pytest_twisted.ensureDeferred
async def test_post_over_stale_connections(make_client, serve):
    """Without isolation, a POST is repeated when the server has closed kept connections."""
    client = make_client(isolation=Isolation(is_linkable=True))
    waiting = []
    server = serve(lambda connection, _: waiting.append(connection))
    fetches = [Deferred.fromCoroutine(client.fetch(server.url(), None, Taken())) for _ in range(4)]
    while len(waiting) < 4:
        await server.next_request()
    for connection in waiting:
        connection.send(NOTHING)
    for fetch in fetches:
        await fetch

    def hang_up_on_old(connection, _):
        if connection in waiting:
            connection.transport.loseConnection()
        else:
            connection.send(TAKEN)

    server.handle = hang_up_on_old
    await client.post(server.url(), b"message")
    assert len(server.connections) == 5
    assert len([each for each in server.requests if each.startswith(b"POST")]) == 5


@pytest_twisted.ensureDeferred
async def test_each_posting_has_a_connection_of_its_own(client, serve):
    """A posting uses no kept connection, closes its own, and leaves nothing behind."""
    server = serve(lambda connection, data: connection.send(NOTHING))
    await client.fetch(server.url(), None, Taken())
    server.handle = always(TAKEN)
    for _ in range(3):
        await client.post(server.url(), b"message")
    assert len(server.connections) == 4
    await until(lambda: sum(each.lost.called for each in server.connections) == 3)
    assert not server.connections[0].lost.called
    assert not client._transports._retired


@pytest_twisted.ensureDeferred
async def test_a_posting_that_fails_leaves_nothing(make_client, serve):
    """Whether it is cut off, refused, or never gets a connection: the transport goes."""
    client = make_client()
    server = serve(lambda connection, _: connection.transport.loseConnection())
    with pytest.raises(IncompleteResponse):
        await client.post(server.url(), b"message")
    await server.all_closed()
    await server.stop_listening()
    with pytest.raises(ConnectFailed):
        await client.post(server.url(), b"message")
    await until(lambda: not client._transports._retired)


@pytest_twisted.ensureDeferred
async def test_identities_share_no_connection(make_client, serve):
    """Each identity reads over connections of its own, and each drop of several does."""
    server = serve(always(NOTHING))
    urls = [DropURL.parse(f"{server.url().server}/{number:043}") for number in range(4)]
    isolation = Isolation()
    client = make_client(isolation=isolation)
    alice, bob = b"a" * 32, b"b" * 32
    owners = dict(zip(urls, ([alice], [alice], [bob], [alice, bob]), strict=True))
    isolation.set_owners(owners)
    for _ in range(2):
        for url in urls:
            await client.fetch(url, None, Taken())
    sent = [[line.split()[1][-1:] for line in each.requests] for each in server.connections]
    assert sent == [[b"0", b"1", b"0", b"1"], [b"2", b"2"], [b"3", b"3"]]


@pytest_twisted.ensureDeferred
async def test_an_identity_that_is_gone_has_no_connection(make_client, serve):
    """When an identity reads no drop any more, its connections are closed."""
    server = serve(always(NOTHING))
    isolation = Isolation()
    client = make_client(isolation=isolation)
    isolation.set_owners({server.url(): [b"a" * 32]})
    await client.fetch(server.url(), None, Taken())
    isolation.set_owners({server.url(): [b"b" * 32]})
    await server.all_closed()
    await until(lambda: not client._transports._retired)
    await client.fetch(server.url(), None, Taken())
    assert len(server.connections) == 2


@pytest_twisted.ensureDeferred
async def test_get_over_a_stale_connection(client, serve):
    """A GET over a connection that the server has closed is repeated over a new one."""
    server = serve(always(NOTHING))
    await client.fetch(server.url(), None, Taken())
    server.connections[0].transport.abortConnection()
    await client.fetch(server.url(), None, Taken())
    old = server.connections[1]
    server.handle = lambda connection, _: (
        connection.transport.loseConnection() if connection is old else connection.send(NOTHING)
    )
    await client.fetch(server.url(), None, Taken())
    assert len(server.connections) == 3


@pytest_twisted.ensureDeferred
async def test_nobody_listens(client, serve):
    """A refused connection is reported with the server's name."""
    server = serve(silent)
    await server.stop_listening()
    with pytest.raises(ConnectFailed, match="refused") as raised:
        await client.fetch(server.url(), None, Taken())
    assert raised.value.kind == "connect"
    assert server.url().host in raised.value.detail


@pytest_twisted.ensureDeferred
async def test_close_ends_everything(client, serve):
    """After close, all calls are cancelled, all connections closed and new calls rejected."""
    quiet, hung = serve(always(NOTHING)), serve(silent)
    await client.fetch(quiet.url(), None, Taken())
    asked = hung.next_request()
    running = Deferred.fromCoroutine(client.fetch(hung.url(), None, Taken()))
    await asked
    closing = Deferred.fromCoroutine(client.close())
    with pytest.raises(CancelledError):
        await running
    await closing
    await quiet.all_closed()
    await hung.all_closed()
    with pytest.raises(ConnectFailed):
        await client.fetch(quiet.url(), None, Taken())
