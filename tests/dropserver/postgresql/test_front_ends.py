"""Several drop servers on one database: push, cursors, and what a lost database does to them."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.task import deferLater

from qabel.dropserver.message_values import MEGABYTE
from qabel.dropserver.postgresql.engine import PostgresEngine
from qabel.dropserver.service import DropServerService
from qabel.dropserver.wanted import Wanted
from qabel.host.endpoints import parse_endpoint
from qabel.host.listening import Listening
from tests.conftest import LoggedFailures
from tests.conversation import Conversation
from tests.dropserver.conftest import Server
from tests.dropserver.test_drop_resource import A, B, messages

HANDSHAKE = (
    "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)

Starting = Callable[..., AbstractAsyncContextManager[Server]]


@pytest.fixture
def starting(tmp_path: Path, database: str) -> Starting:
    """Return what starts a drop server on the database, in a directory of its own."""

    @asynccontextmanager
    async def start(name: str) -> AsyncIterator[Server]:
        limits = Wanted(quota=100 * MEGABYTE)
        engine = PostgresEngine(database, limits, reactor, on_refused=pytest.fail)
        service = DropServerService(tmp_path / name, reactor=reactor, engine=engine)
        listening = Listening(
            reactor, [parse_endpoint("tcp:0:interface=127.0.0.1")], service.site, name=name
        )
        service.startService()
        listening.startService()
        try:
            await until(lambda: service.is_ready)
            yield Server(listening.addresses[0].port, service)
        finally:
            await listening.stopService()
            await service.stopService()

    return start


async def until(condition: Callable[[], Any], most: int = 1000) -> None:
    """Wait until something is so."""
    for _ in range(most):
        if condition():
            return
        await deferLater(reactor, 0.01)
    raise AssertionError("it did not come about")


async def subscribe(server: Server, path: str = A) -> Conversation:
    """Listen to a drop."""
    conversation = await server.connect()
    conversation.transport.write(f"GET {path}/ws HTTP/1.1\r\n{HANDSHAKE}".encode())
    await conversation.until(lambda data: b"101 Switching" in data)
    return conversation


def heard(conversation: Conversation) -> list[bytes]:
    """Return what was pushed so far; each message ends in a semicolon."""
    return re.findall(rb"\n\n([^;]*;)", conversation.received)


@pytest_twisted.ensureDeferred
async def test_each_message_is_pushed_once_in_order(starting: Starting) -> None:
    """LocalListeners of all servers get what any of them stores, once, in the order of stamps."""
    async with starting("one") as one, starting("two") as two:
        listeners = [await subscribe(one), await subscribe(two), await subscribe(two)]
        elsewhere = await subscribe(two, B)
        sent = {b"%d;" % number for number in range(60)}
        servers = (one, two)
        await gatherResults(
            [
                ensureDeferred(servers[number % 2].post(A, body))
                for number, body in enumerate(sorted(sent))
            ]
        )
        for each in listeners:
            await until(lambda each=each: len(heard(each)) >= len(sent))
            assert set(heard(each)) == sent
            assert len(heard(each)) == len(sent)
            stamps = re.findall(rb"X-Qabel-Latest: ([0-9.]+)", each.received)
            assert stamps == sorted(stamps)
        assert heard(listeners[0]) == messages(await two.ask("GET", A))
        assert heard(elsewhere) == []
        for each in (*listeners, elsewhere):
            each.transport.abortConnection()


@pytest_twisted.ensureDeferred
async def test_a_connection_to_the_database_that_is_lost(
    starting: Starting, cluster: Any, database: str, logged_failures: LoggedFailures
) -> None:
    """Who listens where nothing can be heard any more is told to come again; then all goes on."""
    async with starting("one") as one, starting("two") as two:
        listener = await subscribe(one)
        name = database.rpartition("/")[2].partition("?")[0]
        cluster.asks(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        )
        await listener.closed
        await until(lambda: one.service.is_ready and two.service.is_ready)
        listener = await subscribe(one)
        while (await two.post(A, b"later;")).status != 200:
            pass
        await until(lambda: heard(listener))
        listener.transport.abortConnection()
    logged_failures.flush()
