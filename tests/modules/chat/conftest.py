"""Chat in servers and daemons of the tests' own."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from attrs import define
from twisted.internet import reactor

from qabel.crypto import PublicKey
from qabel.drop.url import DropURL
from qabel.modules.chat.module import module
from qabel.modules.host import ModuleHost
from qabel.modules.loading import FoundModule
from qabel.rest.app import make_site
from qabel.rest.http.access_control import AccessOptions
from qabel.testing.correspondents import Correspondents
from tests.integration.processes import ROOT
from tests.rest.running_server import Server
from tests.rest.wire import Got

ENTRY = "[qabel.modules]\nchat = qabel.modules.chat.module:module\n"


@pytest.fixture
def chat_env(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a daemon that finds chat, whatever is installed."""
    info = tmp_path / "site" / "qabel_chat_entry-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: qabel-chat-entry\nVersion: 1\n")
    (info / "entry_points.txt").write_text(ENTRY)
    return {"PYTHONPATH": f"{tmp_path / 'site'}:{ROOT}"}


@define(eq=False)
class ChatServer:
    """A REST server with chat, whose user has the identities Alice and Bob."""

    server: Server
    host: ModuleHost
    world: Correspondents

    async def eve_writes(self, text: str) -> None:
        """Have somebody from elsewhere write to Bob."""
        eve = await self.world.person("Eve")
        [_, bob] = self.server.core.people.identities()
        key = PublicKey.from_hex(bob.public_key)
        urls = [DropURL.parse(each) for each in bob.drops or ()]
        await eve.people.add_contact(None, "Bob", key, urls)
        await self.world.say(eve, text)
        await self.settled()

    async def ask(self, method: str, path: str, value: object = None, **more: Any) -> Got:
        """Send a request with a JSON body, if there is a value."""
        if value is None:
            return await self.server.ask(method, path, **more)
        return await self.server.ask_json(method, path, value, **more)

    async def good(self, method: str, path: str, value: object = None, **more: Any) -> Any:
        """Send a request that must succeed, and return the JSON of the answer."""
        got = await self.ask(method, path, value, **more)
        assert got.status < 300, (got.status, got.body)
        return got.json() if got.body else None

    async def status(self, method: str, path: str, value: object = None, **more: Any) -> int:
        """Send a request, and return the status of the answer."""
        return (await self.ask(method, path, value, **more)).status

    async def settled(self) -> None:
        """Wait until chat has dealt with all that happened."""
        await self.server.core.poller.poll_now()
        await self.server.until(lambda: self.host.get("chat").done == 1)

    async def open(self, identity: str = "Alice") -> str:
        """Open the conversation of an identity and its only contact; return the id."""
        people = self.server.core.people
        [me] = [each for each in people.identities() if each.alias == identity]
        [contact] = people.contacts(me.id)
        body = {"identity": me.id, "contact": contact.public_key}
        number: str = (await self.good("POST", "/chat/conversations", body))["id"]
        return number

    async def say(self, number: str, text: str, **more: Any) -> Any:
        """Send a message, and wait until it has arrived."""
        path = f"/chat/conversations/{number}/messages"
        said = await self.good("POST", path, {"text": text, **more})
        await self.settled()
        return said

    async def texts(self, number: str, query: str = "") -> list[str]:
        """Return the texts of messages, newest first."""
        page = await self.good("GET", f"/chat/conversations/{number}/messages{query}")
        return [each["text"] for each in page["messages"]]

    async def forget_contact(self, identity: str) -> None:
        """Delete the only contact of an identity."""
        people = self.server.core.people
        [me] = [each for each in people.identities() if each.alias == identity]
        [contact] = people.contacts(me.id)
        await people.delete_contact(contact.id)

    async def token(self, *scopes: str) -> str:
        """Return a token with these scopes."""
        made = await self.good("POST", "/tokens", {"name": "t", "scopes": scopes})
        value: str = made["token"]
        return value


@pytest_twisted.async_yield_fixture
async def chat(tmp_path: Path) -> AsyncIterator[ChatServer]:
    """Return a server with chat; Alice and Bob are contacts of each other."""
    world = Correspondents(tmp_path, reactor)
    core = await world.core("me")
    host = ModuleHost(core, [FoundModule("chat", module)], reactor)
    site = make_site(core, options=AccessOptions(), modules=host, reactor=reactor)
    port = reactor.listenTCP(0, site, interface="127.0.0.1")  # type: ignore[attr-defined]
    server = Server(core, world.drop_servers, site, port)
    host.startService()
    await server.friends()
    made = ChatServer(server, host, world)
    await made.settled()
    yield made
    host.stopService()
    await server.stop()
    await world.close()
