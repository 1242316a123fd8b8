"""A block server on real sockets, and two who have tokens."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from twisted.internet import reactor

from qabel.blockserver.service import BlockLimits, BlockServerService
from qabel.host.endpoints import parse_endpoint
from qabel.host.listening import Listening
from tests.conversation import Answer, Speaker

ANNA, BOB = "a" * 40, "b" * 40
QUOTA = 200_000


@attrs.define(eq=False)
class BlockSpeaker(Speaker):
    """A running block server, and how to talk to it."""

    service: BlockServerService
    data: Path
    prefix: str = ""
    """Of Anna."""

    async def call(
        self, method: str, path: str, token: str = ANNA, body: bytes = b"", **headers: str
    ) -> Answer:
        """Send a request under the API; headers are named with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            named["Authorization"] = f"Token {token}"
        return await self.ask(method, f"/api/v0{path}", named, body)

    def file(self, name: str) -> str:
        """Return the path of an object in Anna's prefix."""
        return f"/files/{self.prefix}/{name}"

    async def put(self, name: str, body: bytes, **headers: str) -> Answer:
        """Store an object in Anna's prefix."""
        return await self.call("POST", self.file(name), body=body, **headers)

    async def get(self, name: str, **headers: str) -> Answer:
        """Read an object in Anna's prefix, as anybody may."""
        return await self.call("GET", self.file(name), token="", **headers)

    def objects(self) -> list[bytes]:
        """Return the contents of all objects in the storage."""
        folder = self.data / "objects"
        return [each.read_bytes() for each in folder.rglob("*") if each.is_file()]


RunningBlocks = Callable[..., AbstractAsyncContextManager[BlockSpeaker]]


@pytest.fixture
def running(tmp_path: Path) -> RunningBlocks:
    """Return an asynchronous context manager that runs a block server."""

    @asynccontextmanager
    async def run(**limits: Any) -> AsyncIterator[BlockSpeaker]:
        service = BlockServerService(tmp_path / "data", reactor, BlockLimits(**limits))
        place = parse_endpoint("tcp:0:interface=127.0.0.1")
        listening = Listening(reactor, [place], service.site, name="test")
        service.startService()
        storage = service._resource.storage
        assert storage is not None
        for name, token in (("anna", ANNA), ("bob", BOB)):
            await storage.index.run(
                lambda index, name=name, token=token: index.add_account(name, token, QUOTA)
            )
        listening.startService()
        server = BlockSpeaker(listening.addresses[0].port, service, tmp_path / "data")
        prefixes = await storage.index.run(lambda index: index.prefixes(ANNA))
        server.prefix = (
            prefixes[0]
            if prefixes
            else await storage.index.run(lambda index: index.make_prefix(ANNA))
        )
        try:
            yield server
        finally:
            await listening.stopService()
            await service.stopService()

    return run
