"""A core with a real database, and drop servers that live in memory."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest_twisted
from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from qabel.core.journal.inbox import Query
from qabel.core.sending.outbox import SendOutcome
from qabel.core.service import CoreOptions, CoreService
from qabel.drop.multipart import Part
from qabel.drop.url import DropURL
from qabel.net.drop_client import Fetched
from qabel.net.errors import ConnectFailed, Refused, Torn
from qabel.store.key_record import GivenKey

SERVER = "http://drop.example"
DATE = "Mon, 23 Nov 2026 07:38:48 +0000"


@define
class Drops:
    """Drop servers in memory: lists of messages, and what is wrong with the servers just now."""

    messages: dict[str, list[bytes]] = field(factory=dict)
    away: bool = False
    hanging: "Deferred[None] | None" = None
    """What a fetch waits for, if anything."""
    torn_after: int | None = None
    """After how many messages an answer breaks off."""
    refusing: bool = False
    cursors: bool = True
    """Whether answers tell how to go on from them."""
    posted: list[tuple[str, bytes]] = field(factory=list)
    fetched: list[str | None] = field(factory=list)
    listeners: dict[str, "Callable[[], None]"] = field(factory=dict)

    async def fetch(
        self,
        url: DropURL,
        since: str | None,
        on_parts: Callable[[list[Part]], Awaitable[None]],
    ) -> Fetched:
        """Give what is newer than ``since``, which is a count of messages."""
        self._answer()
        if self.hanging is not None:
            await self.hanging
        self.fetched.append(since)
        there = self.messages.get(str(url), [])
        newer = there[int(since or 0) :][: self.torn_after]
        for start in range(0, len(newer), 3):
            await on_parts([Part(each, DATE) for each in newer[start : start + 3]])
        if self.torn_after is not None:
            raise Torn("The server broke off in the middle of its answer.")
        latest = str(len(there)) if self.cursors else None
        return Fetched("new", latest, len(newer)) if newer else Fetched("nothing")

    async def post(self, url: DropURL, message: bytes) -> None:
        """Take a message."""
        self._answer()
        if self.refusing:
            raise Refused("The server said 400.", status=400, permanent=True)
        self.posted.append((str(url), message))
        self.messages.setdefault(str(url), []).append(message)

    def listen(self, url: DropURL, on_news: Callable[[], None]) -> Any:
        """Listen to nothing."""
        return Deaf()

    async def close(self) -> None:
        """There is nothing to close."""

    def _answer(self) -> None:
        if self.away:
            raise ConnectFailed("Connecting to drop.example failed: refused.")


class Deaf:
    """A listener that hears nothing."""

    connected = False

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""


@define
class World:
    """Makes people, each with a core of their own, who share the drop servers."""

    folder: Path
    drops: Drops = field(factory=Drops)
    cores: list[CoreService] = field(factory=list)

    async def core(self, name: str, **options: Any) -> CoreService:
        """Open a core in a directory of that name, and start it."""
        directory = self.folder / name
        directory.mkdir(mode=0o700, exist_ok=True)
        core = CoreService(
            directory,
            GivenKey(bytes(32)),
            network=self.drops,
            reactor=reactor,
            options=CoreOptions(push=False, **options),
        )
        await core.open()
        core.startService()
        await core.local.set("poll_interval", 3600)
        self.cores.append(core)
        return core

    async def person(self, name: str, **options: Any) -> CoreService:
        """Make somebody with one identity, whose id is 0 or the next one free."""
        core = await self.core(name, **options)
        await core.synced.set("drop_servers", [{"url": SERVER, "auth": "", "active": True}])
        await core.directory.add_identity(name)
        return core

    async def friends(self) -> tuple[CoreService, CoreService]:
        """Make Alice and Bob, who know each other."""
        alice, bob = await self.person("Alice"), await self.person("Bob")
        for me, other in ((alice, bob), (bob, alice)):
            ref = str(other.directory.identities()[0]["id"])
            await me.directory.import_contacts(None, other.directory.contact_file(ref))
        return alice, bob

    def ids(self, core: CoreService) -> tuple[int, int]:
        """Give the ids of somebody's only identity, and of the only contact."""
        return core.directory.identities()[0]["id"], core.directory.contacts()[0]["id"]

    async def say(self, core: CoreService, text: str, **message: Any) -> SendOutcome:
        """Send a text from the only identity to the only contact."""
        identity, contact = self.ids(core)
        given = {"model_object": "chat", "data": {"msg": text}, **message}
        return await core.outbox.send([contact], identity, given)

    async def heard(self, core: CoreService, **query: Any) -> list[dict[str, Any]]:
        """Poll, and give the messages that are new."""
        answer = await core.inbox.read(Query(**query), poll_first=True)
        await answer.handed_over()
        return [] if answer.body is None else json.loads(answer.body)

    async def close(self) -> None:
        """Close all that are open."""
        for core in self.cores:
            await core.close()
        self.cores.clear()


@pytest_twisted.async_yield_fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Give a world without people."""
    made = World(tmp_path)
    yield made
    await made.close()
