"""A drop server on real sockets, and a client that sends raw bytes."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import attrs
import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater

from qabel.dropserver.message_file import MessageFile
from qabel.dropserver.message_store import MessageStore, _StoreJob
from qabel.dropserver.message_values import MEGABYTE, Retention
from qabel.dropserver.postgresql.engine import PostgresEngine
from qabel.dropserver.service import DropServerService
from qabel.dropserver.wanted import Wanted
from qabel.host.endpoints import parse_endpoint
from qabel.host.listening import Listening
from tests.conversation import Answer, Speaker
from tests.dropserver.postgresql.databases import DATABASE, cluster, database  # noqa: F401 - fixtures

T = TypeVar("T")


@attrs.define(eq=False)
class Server(Speaker):
    """A running drop server and ways to talk to it."""

    service: DropServerService

    async def post(self, path: str, body: bytes) -> Answer:
        """Post a message with the headers that clients send."""
        return await self.ask("POST", path, {"Authorization": "Client Qabel"}, body)

    async def on_file(self, work: Callable[[MessageFile], T]) -> T:
        """Do something to the message file, on the thread that uses it.

        A connection that is closed while another thread uses it ends the process.
        """
        store = self.service._store
        assert isinstance(store, MessageStore)
        done: T = await store._submit(_StoreJob(work=work))
        return done


Running = Callable[..., AbstractAsyncContextManager[Server]]


def _engine(url: str, retention: Retention) -> PostgresEngine:
    limits = Wanted(
        lifetime=retention.lifetime,
        quota=retention.quota or 1000 * MEGABYTE,
        drop_quota=retention.drop_quota,
        drop_id_bits=retention.drop_id_bits,
    )
    return PostgresEngine(url, limits, reactor, on_refused=pytest.fail)


async def _heard(service: DropServerService) -> None:
    """Wait until push subscribers are accepted."""
    while not service.is_ready:
        await deferLater(reactor, 0.01)


@pytest.fixture
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Running:
    """Return an asynchronous context manager that runs a drop server.

    Its messages are in a file, unless the test asks for a database: see ``databases.in_both``.
    """
    url = request.getfixturevalue("database") if getattr(request, "param", "") == DATABASE else None

    @asynccontextmanager
    async def run(retention: Retention | None = None, **options: Any) -> AsyncIterator[Server]:
        if url is not None:
            options["engine"] = _engine(url, retention or Retention())
        service = DropServerService(
            tmp_path / "data", reactor=reactor, retention=retention or Retention(), **options
        )
        place = parse_endpoint("tcp:0:interface=127.0.0.1")
        listening = Listening(reactor, [place], service.site, name="test")
        service.startService()
        if url is not None:
            await _heard(service)
        listening.startService()
        try:
            yield Server(listening.addresses[0].port, service)
        finally:
            await listening.stopService()
            await service.stopService()

    return run
