"""A real drop server that is away for a while: what waited for it goes once, and soon."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_twisted
from attrs import define
from twisted.internet import reactor
from twisted.internet.task import deferLater

from qabel.core.network import DropServers
from qabel.core.sending import delivery_attempts, send_schedule
from qabel.core.sending.poster import Poster
from qabel.drop.url import DropURL
from qabel.dropserver.service import DropServerService
from qabel.host.endpoints import parse_endpoint
from qabel.host.listening import Listening
from qabel.store.database.database import Database
from qabel.store.key_record import GivenKey
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.outbox.sends import NewDelivery, NewSend
from tests.net.servers import turn

NOW = 1_800_000_000.0


@define
class DropServerProcess:
    """A drop server that can be stopped, and started again at the same port."""

    folder: Path
    port: int = 0
    service: DropServerService | None = None
    listening: Listening | None = None

    async def start(self) -> None:
        """Start it."""
        self.service = DropServerService(self.folder, reactor=reactor)
        endpoint = parse_endpoint(f"tcp:{self.port}:interface=127.0.0.1")
        self.listening = Listening(reactor, [endpoint], self.service.site, name="test")
        self.service.startService()
        self.listening.startService()
        while not self.listening.addresses:
            await turn()
        self.port = self.listening.addresses[0].port

    async def stop(self) -> None:
        """Stop it."""
        if self.service is not None and self.listening is not None:
            await self.listening.stopService()
            await self.service.stopService()
        self.service = None

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"http://127.0.0.1:{self.port}"


@pytest_twisted.async_yield_fixture
async def server(tmp_path: Path) -> AsyncIterator[DropServerProcess]:
    """Provide a drop server, which is stopped at the end."""
    made = DropServerProcess(tmp_path / "drops")
    await made.start()
    yield made
    await made.stop()


@pytest_twisted.ensureDeferred
async def test_an_outage(
    server: DropServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message that is accepted brings the others, each once and in order, before their time."""
    monkeypatch.setattr(delivery_attempts, "FIRST_PAUSE", 600.0)
    monkeypatch.setattr(send_schedule, "LEARNED_AFTER", 0.2)
    database = Database(tmp_path / "qabel.db", GivenKey(bytes(32)))
    await database.open()
    outbox = OutboxRepository(database)
    network = DropServers(reactor, lambda: {server.url})
    posting = Poster(network, outbox, lambda _: None, clock=reactor, now=lambda: NOW)
    posting.startService()

    async def send(text: bytes, sender: int, recipient: int) -> None:
        delivery = NewDelivery(
            recipient=bytes([recipient]) * 32,
            contact_id=None,
            sealed=text * 400,
            urls=[f"{server.url}/{recipient:043}"],
        )
        new = NewSend(
            sender=bytes([sender]) * 32, identity_id=sender, model_object="m", deliveries=[delivery]
        )
        posting.add((await outbox.add(new, now=NOW)).ready)

    async def until(count: int) -> None:
        while (await outbox.counts()).sent < count:
            await deferLater(reactor, 0.02)

    try:
        await server.stop()
        for text, sender, recipient in ((b"a", 1, 8), (b"b", 1, 8), (b"c", 1, 9), (b"d", 2, 8)):
            await send(text, sender, recipient)
        while len(posting.failing()) < 1 or posting.counts["failed"] < 3:
            await deferLater(reactor, 0.02)
        assert (await outbox.counts()).queued == 4
        await server.start()
        await send(b"e", 3, 7)
        await until(5)
        assert posting.failing() == []
        received: list[bytes] = []
        for drop in (7, 8, 9):
            url = DropURL.parse(f"{server.url}/{drop:043}")
            await network.fetch(url, None, lambda parts: received.extend(p.body[:1] for p in parts))
        assert sorted(received) == [b"a", b"b", b"c", b"d", b"e"]
        assert received.index(b"a") < received.index(b"b")
        assert posting.counts == {"taken": 5, "refused": 0, "failed": 3}
    finally:
        posting.stopService()
        await turn()
        await network.close()
        await database.close()
