"""How many random bits a server asks for in the ids of new drops, and what is no such response."""

import json

import pytest
import pytest_twisted
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from qabel.drop.url import DROP_ID_BITS_OFFERED
from qabel.net.drop_id_bits import LARGEST, parse_drop_id_bits
from qabel.net.errors import DropServerError, InvalidResponse, ServerRefused
from qabel.net.isolation import Isolation
from qabel.net.proxy import Proxy
from qabel.settings.proxy_url import ProxyURL
from tests.net.recording_proxy import RecordingProxy
from tests.net.servers import NOTHING, Taken, always, head, silent, until

OWNER = b"a" * 32


def page(**said: object) -> bytes:
    """Return the response of a server that says something of itself."""
    body = json.dumps(said).encode()
    return head("Content-Type: application/json", f"Content-Length: {len(body)}") + body


@pytest.mark.parametrize("bits", DROP_ID_BITS_OFFERED)
def test_what_is_followed(bits: int) -> None:
    """One of five numbers, whatever else is said."""
    said = json.dumps({"drop_id_bits": bits, "lifetime": 1, "more": {}})
    assert parse_drop_id_bits(said.encode()) == bits


@pytest.mark.parametrize(
    "said",
    [
        *[f'{{"drop_id_bits": {each}}}' for each in (0, 1, 8, 13, 255, 257, -12, "1e400", 10**400)],
        *[f'{{"drop_id_bits": {each}}}' for each in ('"16"', "16.0", "true", "null", "[16]")],
        '{"drop_id_bits": 16, "drop_id_bits": 16}',
        "{}",
        "[16]",
        "16",
        "",
        "<!DOCTYPE html><p>16</p>",
        '{"drop_id_bits": 16',
        "[" * 5000,
    ],
)
def test_what_is_not(said: str) -> None:
    """Another number, or anything else."""
    assert parse_drop_id_bits(said.encode()) is None


@given(st.binary())
def test_rubbish(said: bytes) -> None:
    """Whatever a server says, it is one of the numbers or nothing."""
    assert parse_drop_id_bits(said) in (None, *DROP_ID_BITS_OFFERED)


@pytest_twisted.ensureDeferred
async def test_a_server_is_asked(client, serve):
    """What it says at / counts, also below a path."""
    server = serve(always(page(drop_id_bits=16)))
    url = server.url().server
    assert await client.drop_id_bits(url, OWNER) == 16
    assert await client.drop_id_bits(f"{url}/below/it", OWNER) == 16
    host = f"Host: 127.0.0.1:{server.number}\r\n\r\n".encode()
    assert server.requests == [
        b"GET / HTTP/1.1\r\n" + host,
        b"GET /below/it/ HTTP/1.1\r\n" + host,
    ]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (page(drop_id_bits=13), InvalidResponse),
        (page(), InvalidResponse),
        (NOTHING, DropServerError),
        (head("Content-Type: text/html") + b"<p>Hello</p>", InvalidResponse),
        (head("Location: https://other.example/", status="302 Found"), ServerRefused),
        (head("Content-Length: 9", status="404 Not Found") + b"Not found", ServerRefused),
        (head("Content-Length: 999") + b'{"drop_id_bits": 16}', DropServerError),
        (head(f"Content-Length: {LARGEST + 1}") + bytes(LARGEST + 1), DropServerError),
        (head() + b" " * LARGEST + b'{"drop_id_bits": 16}', DropServerError),
        (b"SSH-2.0-OpenSSH_9.6\r\n", DropServerError),
        (b"", DropServerError),
    ],
)
@pytest_twisted.ensureDeferred
async def test_bad_answers(client, serve, answer, error):
    """Whatever is no such answer is an error, and redirects are not followed."""
    server = serve(always(answer, close=True))
    with pytest.raises(error) as raised:
        await client.drop_id_bits(server.url().server, OWNER)
    assert raised.value.detail.startswith(f"The drop server at 127.0.0.1:{server.number} ")
    # Twisted repeats a request once if nothing came back.
    assert {each.split(b" ")[1] for each in server.requests} == {b"/"}


@pytest_twisted.ensureDeferred
async def test_a_silent_server(client, serve, clock):
    """Like each exchange, it is given up."""
    server = serve(silent)
    asking = Deferred.fromCoroutine(client.drop_id_bits(server.url().server, OWNER))
    await until(lambda: server.requests)
    clock.advance(31)
    with pytest.raises(DropServerError, match="did not respond in time"):
        await asking


@pytest_twisted.ensureDeferred
async def test_it_is_asked_over_the_connection_of_the_identity(make_client, serve):
    """The drop is read over the same connection afterwards, and those of others are not used."""

    def respond(connection, request):
        connection.send(page(drop_id_bits=16) if request.startswith(b"GET / ") else NOTHING)

    server, isolation = serve(respond), Isolation()
    client, url = make_client(isolation=isolation), server.url()
    await client.drop_id_bits(url.server, b"b" * 32)
    await client.drop_id_bits(url.server, OWNER)
    isolation.set_owners({url: [OWNER]})
    await client.fetch(url, None, Taken())
    sent = [[line.split(b" ")[1] for line in each.requests] for each in server.connections]
    assert sent == [[b"/"], [b"/", f"/{url.drop_id}".encode()]]


@pytest_twisted.ensureDeferred
async def test_through_a_proxy(make_client, serve):
    """Each identity has a user name of its own there, so that Tor takes another circuit for it."""
    server = serve(always(page(drop_id_bits=24)))
    with RecordingProxy({"drop.example": ("127.0.0.1", server.number)}) as proxy:
        client = make_client(isolation=Isolation(), proxy=Proxy(ProxyURL.parse(proxy.url)))
        for owner in (OWNER, b"b" * 32):
            assert await client.drop_id_bits("http://drop.example", owner) == 24
        assert len({each.user for each in proxy.asked}) == len(proxy.asked) == 2
