"""All that goes out, byte for byte: no header beyond the protocol's, and all in one order.

Whatever is different here between two clients, versions or platforms tells them apart.
"""

import re
from contextlib import suppress

import pytest
import pytest_twisted

from qabel.drop.url import DropURL
from qabel.net.errors import DropServerError
from qabel.net.group_tokens import GroupTokens
from qabel.net.isolation import Isolation
from qabel.net.proxy import Proxy
from qabel.net.push_listener import PushListener
from qabel.settings.proxy_url import ProxyURL
from tests.net.recording_proxy import RecordingProxy
from tests.net.servers import DROP_ID, NOTHING, TAKEN, accept_push, until

HEADS = {
    "GET": (
        "GET /{path} HTTP/1.1",
        "Host: {host}",
    ),
    "GET again": (
        "GET /{path} HTTP/1.1",
        "Host: {host}",
        "X-Qabel-New-Since: 1795419528.328829",
    ),
    "GET by date": (
        "GET /{path} HTTP/1.1",
        "Host: {host}",
        "If-Modified-Since: Mon, 23 Nov 2026 07:38:47 GMT",
    ),
    "asking": (
        "GET {page} HTTP/1.1",
        "Host: {host}",
    ),
    "POST": (
        "POST /{path} HTTP/1.1",
        "Connection: close",
        "Content-Length: 7",
        "Host: {host}",
        "Authorization: Client Qabel",
        "Content-Type: application/octet-stream",
    ),
    "push": (
        "GET /{path}/ws HTTP/1.1",
        "Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: v0.ws.drop.qabel.de",
    ),
}
_KEY = re.compile(rb"Sec-WebSocket-Key: ([A-Za-z0-9+/]{22}==)")


def respond(connection, request):
    """Be a drop server without messages."""
    if b"/ws " in request:
        connection.send(accept_push(request))
    elif request.startswith(b"POST"):
        connection.send(TAKEN, close=True)
    else:
        connection.send(NOTHING)


async def all_requests(client, isolation, url, clock):
    """Have a client do all that it does with a drop."""

    def nothing(_parts):
        pass

    await client.fetch(url, None, nothing)
    await client.fetch(url, "1795419528.328829", nothing)
    await client.fetch(url, "lm:Mon, 23 Nov 2026 07:38:48 GMT", nothing)
    with suppress(DropServerError):
        await client.drop_id_bits(url.server, b"a" * 32)
    await client.post(url, b"message")
    push = PushListener(
        client.connector,
        client.policy,
        isolation,
        url,
        lambda _: None,
        clock=clock,
        delay=float,
        rare_delay=float,
        tokens=client.group_tokens,
    )
    push.start()
    await until(lambda: push.connected)
    await push.stop()


def expected(requests, host, path=DROP_ID, token=None):
    """Return what has to have gone out; the key of a handshake is random.

    With the token of a closed group, every request has it; there is no other difference.
    """
    [key] = filter(None, (_KEY.search(each) for each in requests))
    values = {"path": path, "host": host, "key": key[1].decode()}
    values["page"] = f"/{path}".removesuffix(DROP_ID)
    lines = [list(head) for head in HEADS.values()]
    if token is not None:
        # The page at the root is for everybody.
        for name, head in zip(HEADS, lines, strict=True):
            if name == "asking":
                continue
            at = next((i for i, each in enumerate(head) if each.startswith("X-Q")), None)
            at = next((i for i, each in enumerate(head) if each.startswith("If-")), at)
            if "Authorization: Client Qabel" in head:
                at = head.index("Authorization: Client Qabel")
                del head[at]
            head.insert(len(head) if at is None else at, f"Authorization: Client {token}")
    heads = ["\r\n".join((*head, "", "")).format(**values).encode() for head in lines]
    heads[list(HEADS).index("POST")] += b"message"
    return heads


@pytest.mark.parametrize("owner", [b"a" * 32, b"b" * 32])
@pytest_twisted.ensureDeferred
async def test_the_bytes_that_go_out(make_client, serve, clock, owner):
    """Each request has just these bytes, whoever it is for."""
    server, isolation = serve(respond), Isolation()
    isolation.set_owners({server.url(): [owner]})
    client = make_client(isolation=isolation)
    await all_requests(client, isolation, server.url(), clock)
    assert server.requests == expected(server.requests, f"127.0.0.1:{server.number}")


@pytest_twisted.ensureDeferred
async def test_the_bytes_to_a_closed_group(make_client, serve, clock):
    """They have the token of the group besides, and it goes nowhere else."""
    server, isolation, tokens = serve(respond), Isolation(), GroupTokens()
    inner = server.url(drop_id=f"inner/{DROP_ID}")
    isolation.set_owners({server.url(): [b"a" * 32], inner: [b"a" * 32]})
    client = make_client(isolation=isolation, group_tokens=tokens)
    tokens.set({server.url().server: "secret-token"})
    host = f"127.0.0.1:{server.number}"
    await all_requests(client, isolation, server.url(), clock)
    assert server.requests == expected(server.requests, host, token="secret-token")
    server.requests.clear()
    await all_requests(client, isolation, inner, clock)
    assert server.requests == expected(server.requests, host, f"inner/{DROP_ID}")


@pytest_twisted.ensureDeferred
async def test_the_bytes_through_a_proxy(make_client, serve, clock):
    """Through a proxy, they are the same."""
    server, isolation = serve(respond), Isolation()
    url = DropURL.parse(f"http://drop.example/x/{DROP_ID}")
    isolation.set_owners({url: [b"a" * 32]})
    with RecordingProxy({"drop.example": ("127.0.0.1", server.number)}) as proxy:
        client = make_client(isolation=isolation, proxy=Proxy(ProxyURL.parse(proxy.url)))
        await all_requests(client, isolation, url, clock)
    assert server.requests == expected(server.requests, "drop.example", f"x/{DROP_ID}")
