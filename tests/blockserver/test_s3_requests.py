"""Requests to S3: repeated when that can help, never waiting for ever, and telling no secrets."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from qabel.blockserver.object_store import StorageFailed
from qabel.blockserver.s3_place import S3Place
from qabel.blockserver.s3_requests import CLOSED, S3Request, S3Requests, S3Times
from tests.blockserver.s3_servers import CREDENTIALS, KEY_ID, QUICK, SECRET, signer
from tests.blockserver.scripted_server import CUT, SILENT, Reaction, answer, refused, scripted
from tests.net.certificates import certificate, names, server_options
from tests.ports import free_port

NAME = "ab" * 16
BODY = [b"one", b"two"]
PUT = S3Request("PUT", NAME, (), BODY, sha256(b"onetwo").hexdigest())
HALF = Reaction(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", is_end=True)
HASTY = S3Times(silence=0.2, pauses=QUICK.pauses)


@asynccontextmanager
async def asking(
    *steps: Reaction, times: S3Times = QUICK, reads: bool = True
) -> AsyncIterator[Any]:
    """Run a server with a script; give it, and requests to it."""
    async with scripted(*steps, reads=reads) as server:
        requests = server.requests(times)
        try:
            yield server, requests
        finally:
            await requests.close(0.1)


@pytest_twisted.ensureDeferred
async def test_what_is_sent() -> None:
    """The body with its digest, a signature, and nothing that says who sends it."""
    async with asking(answer(200, b"done", ETag='"x"')) as (server, requests):
        query = (("partNumber", "1"), ("uploadId", "a/b+c"))
        got = await requests.ask(S3Request("PUT", NAME, query, BODY, PUT.digest), 200)
        assert (got.status, got.body, got.response.header("etag")) == (200, b"done", '"x"')
        (asked,) = server.asked
        assert asked.line == f"PUT /bucket/blocks/{NAME}?partNumber=1&uploadId=a%2Fb%2Bc"
        assert asked.body == b"onetwo"
        assert set(asked.headers) == {
            *("host", "content-length"),
            *("authorization", "x-amz-date", "x-amz-content-sha256"),
        }
        assert asked.headers["x-amz-content-sha256"] == PUT.digest
        assert SECRET not in str(asked)


@pytest.mark.parametrize("failing", [answer(503), answer(500, b"x" * 5000), answer(429), CUT, HALF])
@pytest.mark.parametrize("times", [1, 3])
@pytest_twisted.ensureDeferred
async def test_it_is_tried_again(failing: Reaction, times: int) -> None:
    """With the same body, signed again."""
    async with asking(*[failing] * times, answer(200, b"done")) as (server, requests):
        assert (await requests.ask(PUT, 200)).body == b"done"
        assert server.lines == [f"PUT /bucket/blocks/{NAME}"] * (times + 1)
        assert {each.body for each in server.asked} == {b"onetwo"}


@pytest_twisted.ensureDeferred
async def test_it_is_not_tried_for_ever() -> None:
    """After four times, the error says what the server said last."""
    async with asking(*[refused(503, "SlowDown")] * 4) as (server, requests):
        with pytest.raises(StorageFailed, match=r"^the S3 server answered 503 \(SlowDown\)$"):
            await requests.ask(PUT, 200)
        assert len(server.asked) == 4


@pytest_twisted.ensureDeferred
async def test_no_server() -> None:
    """Nothing listens there."""
    place = S3Place.parse("s3://bucket", f"http://127.0.0.1:{free_port()}")
    requests = S3Requests(place, signer(), reactor, QUICK)
    with pytest.raises(StorageFailed, match="cannot be reached: ConnectionRefusedError"):
        await requests.ask(PUT, 200)
    await requests.close(0)


@pytest_twisted.ensureDeferred
async def test_a_server_that_cannot_be_connected() -> None:
    """One whose queue of connections is full takes no more, and answers nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listening.getsockname())
        place = S3Place.parse("s3://bucket", f"http://127.0.0.1:{listening.getsockname()[1]}")
        requests = S3Requests(place, signer(), reactor, S3Times(connect=0.1))
        with pytest.raises(StorageFailed, match="cannot be reached: it does not answer"):
            await requests.ask(PUT, 200)
        await requests.close(0)
        for each in waiting:
            each.close()


@pytest.mark.parametrize(
    "step",
    [
        SILENT,
        Reaction(b"HTTP/1.1 200 OK\r\nContent-"),
        Reaction(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"),
        Reaction(b"HTTP/1.1 503 Busy\r\nContent-Length: 10\r\n\r\n12345"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_silent_server(step: Reaction) -> None:
    """The connection is closed, whatever has arrived; it is not asked again."""
    async with asking(step, times=HASTY) as (server, requests):
        with pytest.raises(StorageFailed, match=r"the S3 server was silent for 0\.2 s"):
            await requests.ask(PUT, 200)
        await server.connections[0].lost
        assert len(server.connections) == 1


@pytest_twisted.ensureDeferred
async def test_a_server_that_takes_nothing() -> None:
    """It is silent, too: most of the body is never sent."""
    async with asking(times=HASTY, reads=False) as (_, requests):
        with pytest.raises(StorageFailed, match="was silent"):
            await requests.ask(S3Request("PUT", NAME, (), [bytes(2**20)] * 32), 200)


@pytest_twisted.ensureDeferred
async def test_a_server_that_takes_its_time() -> None:
    """As long as something is sent or taken, it is waited for."""
    async with asking(answer(200), times=HASTY, reads=False) as (server, requests):
        pieces = [bytes(2**16)] * 256
        waiting = Deferred.fromCoroutine(requests.ask(S3Request("PUT", NAME, (), pieces), 200))
        while not server.connections:
            await deferLater(reactor, 0.005)
        connection = server.connections[0]
        for count in range(1, 9):
            # Each time some of it is read: in the end, it took longer than the patience.
            await deferLater(reactor, HASTY.silence / 2)
            connection.transport.resumeProducing()
            while connection.taken < count * 2**20:
                await deferLater(reactor, 0.001)
            connection.transport.pauseProducing()
        connection.transport.resumeProducing()
        assert (await waiting).status == 200


@pytest_twisted.ensureDeferred
async def test_redirects_are_not_followed() -> None:
    """A server must not send us, and what we store, elsewhere."""
    async with scripted(answer(200)) as other:
        async with asking(answer(307, Location=other.address)) as (_, requests):
            with pytest.raises(StorageFailed, match=r"^the S3 server answered 307$"):
                await requests.ask(PUT, 200)
        assert other.connections == []


@pytest_twisted.ensureDeferred
async def test_an_answer_without_end() -> None:
    """No more than a megabyte is read."""
    endless = Reaction(b"HTTP/1.1 200 OK\r\n\r\n<List>", endless=b"x" * 10_000)
    async with asking(endless) as (server, requests):
        with pytest.raises(StorageFailed, match="answered with too much"):
            await requests.ask(PUT, 200)
        await server.connections[0].lost


@pytest.mark.parametrize(
    "step",
    [
        refused(403, "SignatureDoesNotMatch"),
        refused(500, KEY_ID),
        refused(400, SECRET),
        answer(301, Location=f"http://example.org/?X-Amz-Credential={KEY_ID}"),
        answer(418, f"{KEY_ID} {SECRET}".encode()),
        Reaction(f"HTTP/1.1 {KEY_ID} {SECRET}\r\n\r\n".encode(), is_end=True),
        Reaction(f"{KEY_ID} {SECRET}\r\n".encode() * 100, is_end=True),
        CUT,
    ],
)
@pytest_twisted.ensureDeferred
async def test_errors_tell_no_secrets(step: Reaction) -> None:
    """Whatever a server answers, they have no part of it, of the access key or of the request."""
    async with asking(*[step] * 4) as (_, requests):
        with pytest.raises(StorageFailed) as caught:
            await requests.ask(PUT, 200)
        shown = f"{caught.value} {caught.value!r} {caught.value.__cause__}"
        secrets = (KEY_ID, SECRET, "http://", NAME, "secret", "AWS4")
        assert [each for each in secrets if each in shown] == []
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
        assert SECRET not in f"{requests!r} {PUT!r} {CREDENTIALS!r}"


@pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")
@pytest.mark.parametrize("step", [answer(200, b"done"), SILENT])
@pytest_twisted.ensureDeferred
async def test_tls(step: Reaction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server whose certificate somebody has signed whom the system trusts is one as others."""
    pair = certificate(names("127.0.0.1"))
    (tmp_path / "trusted.pem").write_bytes(pair[0].public_bytes(Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    async with scripted(step, tls=server_options(pair)) as server:
        requests = server.requests(S3Times(silence=1.0))
        if step is SILENT:
            with pytest.raises(StorageFailed, match="was silent"):
                await requests.ask(PUT, 200)
            await server.connections[0].lost
        else:
            assert (await requests.ask(PUT, 200)).body == b"done"
        await requests.close(0.1)


@pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")
@pytest.mark.parametrize("is_trusted", [False, True])
@pytest_twisted.ensureDeferred
async def test_a_certificate_of_somebody_else(
    is_trusted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent to a server that nobody trusts, or whose certificate is for another one."""
    pair = certificate(names("127.0.0.2" if is_trusted else "127.0.0.1"))
    trusted = pair if is_trusted else certificate(names("127.0.0.1"))
    (tmp_path / "trusted.pem").write_bytes(trusted[0].public_bytes(Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    async with scripted(answer(200), tls=server_options(pair)) as server:
        requests = server.requests()
        with pytest.raises(StorageFailed, match="its certificate is not accepted"):
            await requests.ask(PUT, 200)
        assert server.asked == []
        await requests.close(0.1)


@pytest_twisted.ensureDeferred
async def test_one_connection_for_all() -> None:
    """It is kept, and used again."""
    async with asking(*[answer(200)] * 3) as (server, requests):
        assert [(await requests.ask(PUT, 200)).status for _ in range(3)] == [200] * 3
        assert len(server.connections) == 1


@pytest_twisted.ensureDeferred
async def test_a_connection_that_was_closed_meanwhile() -> None:
    """Another one is made."""
    async with asking(answer(200, is_end=True), answer(200)) as (server, requests):
        assert [(await requests.ask(PUT, 200)).status for _ in range(2)] == [200] * 2
        assert len(server.connections) == 2


@pytest_twisted.ensureDeferred
async def test_closing() -> None:
    """What is not answered in time ends, and nothing is sent any more."""
    async with scripted(SILENT, answer(503)) as server:
        requests = server.requests(S3Times(pauses=(60,)))
        running = [Deferred.fromCoroutine(requests.ask(PUT, 200)) for _ in range(2)]
        while len(server.asked) < 2:
            await deferLater(reactor, 0.005)
        await requests.close(0.05)
        for each in running:
            with pytest.raises(StorageFailed, match=CLOSED):
                await each
        with pytest.raises(StorageFailed, match=CLOSED):
            await requests.ask(PUT, 200)
        assert len(server.asked) == 2


@pytest_twisted.ensureDeferred
async def test_closing_in_a_pause() -> None:
    """It is not waited for the end of it."""
    async with scripted(answer(503)) as server:
        requests = server.requests(S3Times(pauses=(1000,)))
        running = Deferred.fromCoroutine(requests.ask(PUT, 200))
        while not requests._pauses:
            await deferLater(reactor, 0.005)
        await requests.close(1000)
        with pytest.raises(StorageFailed, match=CLOSED):
            await running


@pytest_twisted.ensureDeferred
async def test_closing_waits_a_moment() -> None:
    """What is answered in time is answered."""
    async with scripted(SILENT) as server:
        requests = server.requests()
        running = Deferred.fromCoroutine(requests.ask(PUT, 200))
        while not server.asked:
            await deferLater(reactor, 0.005)
        closing = Deferred.fromCoroutine(requests.close(5))
        server.connections[0].transport.write(answer(200, b"done").data)
        assert (await running).body == b"done"
        await closing
