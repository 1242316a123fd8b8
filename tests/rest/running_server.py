"""A REST server on a real socket, over a core with a real database and drop servers in memory."""

import json
import socket
from collections.abc import Callable
from typing import Any

from attrs import define, field
from msgspec import to_builtins
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.task import deferLater

from qabel.core.sending.compose import Draft
from qabel.core.service import CoreService
from qabel.crypto import PublicKey
from qabel.drop.url import DropURL
from qabel.testing.drop_servers import MemoryDropServers
from tests.rest.wire import Got, Wire


@define
class Server:
    """A running server, and its clients."""

    core: CoreService
    drop_servers: MemoryDropServers
    site: Any
    port: Any
    wires: list[Wire] = field(factory=list)

    @property
    def token(self) -> str:
        """The main token."""
        return self.core.tokens.path.read_text().strip()

    async def wire(self) -> Wire:
        """Connect."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)
        wire = await connectProtocol(endpoint, Wire())
        wire.transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        self.wires.append(wire)
        return wire

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        token: str | None = "",
        **headers: str | None,
    ) -> bytes:
        """Return a request; underscores in headers stand for dashes, and None leaves one out."""
        given: dict[str, str | None] = {"host": "localhost:9696"}
        if token is not None:
            given["authorization"] = f"Bearer {token or self.token}"
        if body:
            given["content-length"] = str(len(body))
        given.update({name.replace("_", "-"): value for name, value in headers.items()})
        lines = [f"{method} {path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in given.items() if value is not None]
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def ask(self, method: str, path: str, body: bytes = b"", **more: Any) -> Got:
        """Send a request on a connection of its own, and return the answer."""
        wire = await self.wire()
        wire.send(self.request(method, path, body, **more))
        got = await wire.answer(head=method == "HEAD")
        wire.close()
        return got

    async def ask_json(self, method: str, path: str, value: object, **headers: Any) -> Got:
        """Send a request with a JSON body, and return the answer."""
        body = json.dumps(value).encode()
        return await self.ask(method, path, body, content_type="application/json", **headers)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds."""
        deadline = reactor.seconds() + 10  # type: ignore[attr-defined]
        while not condition():
            assert reactor.seconds() < deadline, "it did not happen"  # type: ignore[attr-defined]
            await turn()

    async def until_busy(self) -> None:
        """Wait until a request is being handled."""
        await self.until(lambda: bool(self.site._working))

    async def until_alone(self) -> None:
        """Wait until all clients are gone."""
        await self.until(lambda: not self.site.connections)

    def narrow(self, wire: Wire) -> Any:
        """Let a client read nothing, with small buffers, and return the server's end of it."""
        wire.transport.pauseProducing()  # type: ignore[union-attr]
        mine = wire.transport.getHost()  # type: ignore[union-attr]
        every = [*self.site._working, *self.site._waiting]
        [channel] = [each for each in every if each.transport.getPeer() == mine]
        channel.transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        return channel

    async def identity(self, alias: str = "Alice") -> dict[str, Any]:
        """Add an identity with a drop, and return it as REST shows it."""
        if not self.core.synced.value.drop_servers:
            servers = [{"url": "http://drop.example", "auth": "", "active": True}]
            await self.core.synced.set("drop_servers", servers)
        made: dict[str, Any] = to_builtins(await self.core.people.add_identity(alias))
        return made

    async def friends(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Add Alice and Bob, who are each other's contacts; both are identities of this daemon."""
        alice, bob = await self.identity("Alice"), await self.identity("Bob")
        for mine, other in ((alice, bob), (bob, alice)):
            key = PublicKey.from_hex(other["public_key"])
            urls = [DropURL.parse(each) for each in other["drops"]]
            await self.core.people.add_contact(mine["id"], other["alias"], key, urls)
        return alice, bob

    async def receive(self, *texts: str, sender: str = "Alice") -> None:
        """Send messages from one of them to the other, and receive them."""
        people = self.core.people
        [me] = [each for each in people.identities() if each.alias == sender]
        [contact] = people.contacts(me.id)
        for each in texts:
            await self.core.outbox.send([contact.id], me.id, Draft("chat", {"msg": each}))
        await self.core.poller.poll_now()

    async def stop(self) -> None:
        """Stop all."""
        for wire in self.wires:
            if not wire.is_closed:
                wire.close()
        await maybeDeferred(self.port.stopListening)
        await self.site.close()
        await self.until_alone()
        await self.core.close()


async def turn() -> None:
    """Let the reactor go round once."""
    await deferLater(reactor, 0)  # type: ignore[arg-type]
