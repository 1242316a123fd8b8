"""Users who write to each other: each has a core, and all use the same drop servers."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import define, field

from qabel.core.inbox.message_query import MessageQuery
from qabel.core.options import CoreOptions
from qabel.core.sending.compose import Draft
from qabel.core.sending.views import OutcomeView
from qabel.core.service import CoreService
from qabel.store.key_record import GivenKey
from qabel.testing.drop_servers import MemoryDropServers

SERVER = "https://drop.example"
"""The drop server that all users use."""

RARELY = 3600
"""The poll interval in seconds, so long that drops are read only on request."""


def _earliest() -> float:
    """Return the number with which everything happens as soon as it may."""
    return 0.0


@define(eq=False)
class Correspondents:
    """Opens cores, each with a data directory below ``folder``; ``close`` closes all of them."""

    folder: Path
    reactor: Any
    drop_servers: MemoryDropServers = field(factory=MemoryDropServers)
    cores: list[CoreService] = field(factory=list)
    now: Callable[[], float] = time.time
    """Returns seconds since the epoch."""
    draw: Callable[[], float] = _earliest
    """Returns a random number in [0, 1), to draw the times of requests; may be changed."""

    async def core(self, name: str, **options: Any) -> CoreService:
        """Open and start a core; its user has no identity if the data directory is new.

        It acknowledges messages without delay.

        Args:
            name: the name of the data directory.
            options: members of CoreOptions; push is off by default.

        """
        core = await self._start(name, options)
        await core.local.merge({"poll_interval": RARELY, "privacy": {"acknowledge_delay": 0}})
        return core

    async def person(self, name: str, **options: Any) -> CoreService:
        """Open a core whose user has an identity of that name, with a drop.

        ``options`` are members of CoreOptions.
        """
        core = await self.core(name, **options)
        await self.use_server(core)
        await core.people.add_identity(name)
        return core

    async def friends(self) -> tuple[CoreService, CoreService]:
        """Open the cores of Alice and Bob, who are contacts of each other."""
        alice, bob = await self.person("Alice"), await self.person("Bob")
        for me, other in ((alice, bob), (bob, alice)):
            [identity] = other.people.identities()
            await me.cards.import_contacts(None, other.cards.contact_file(identity.id))
        return alice, bob

    async def use_server(self, core: CoreService) -> None:
        """Set the drop server of a core's user to ``SERVER``."""
        await core.synced.set("drop_servers", [{"url": SERVER, "auth": "", "active": True}])

    def ids(self, core: CoreService) -> tuple[int, int]:
        """Return the ids of the only identity and of the only contact of a core's user."""
        [identity], [contact] = core.people.identities(), core.people.contacts()
        return identity.id, contact.id

    async def say(self, core: CoreService, text: str, **draft: Any) -> OutcomeView:
        """Send a chat message from the only identity to the only contact.

        ``draft`` are further members of ``Draft``. Raises as ``Outbox.send`` does.
        """
        identity, contact = self.ids(core)
        return await core.outbox.send([contact], identity, Draft("chat", {"msg": text}, **draft))

    async def heard(self, core: CoreService, **query: Any) -> list[dict[str, Any]]:
        """Poll the drop servers, and return the messages that are new to a consumer.

        ``query`` are members of ``MessageQuery``, such as ``consumer``.
        """
        page = await core.inbox.read(MessageQuery(**query), poll_first=True)
        await page.handed_over()
        return [] if page.body is None else json.loads(page.body)

    async def _start(self, name: str, options: Mapping[str, Any]) -> CoreService:
        directory = self.folder / name
        directory.mkdir(mode=0o700, exist_ok=True)
        core = await CoreService.open(
            directory,
            GivenKey(bytes(32)),
            network=self.drop_servers,
            reactor=self.reactor,
            now=self.now,
            options=CoreOptions(**{"push": False, **options}),
            draw=self._draw_now,
        )
        self.cores.append(core)
        core.startService()
        return core

    def _draw_now(self) -> float:
        return self.draw()

    async def close(self) -> None:
        """Close all cores."""
        for core in self.cores:
            await core.close()
        self.cores.clear()
