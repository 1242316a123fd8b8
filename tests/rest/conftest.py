"""A REST server on a real socket, over a core with a real database and drop servers in memory."""

import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest_twisted
from attrs import define, field, frozen
from msgspec import to_builtins
from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater

from qabel.core.sending.compose import Draft
from qabel.core.service import CoreService
from qabel.crypto import PublicKey
from qabel.drop.url import DropURL
from qabel.rest.app import make_site
from qabel.rest.http.access_control import AccessOptions
from qabel.testing.correspondents import Correspondents
from qabel.testing.drop_servers import MemoryDropServers


@frozen
class Got:
    """An answer, as its client sees it."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Read the body."""
        return json.loads(self.body)


class Wire(Protocol):
    """A connection of a client that says exactly what it is told to say."""

    def __init__(self) -> None:
        self.received = b""
        self.is_closed = False
        self._waiting: list[Deferred[None]] = []

    def dataReceived(self, data: bytes) -> None:
        """Keep what came."""
        self.received += data
        self._wake()

    def connectionLost(self, reason: object = None) -> None:
        """Note the end."""
        self.is_closed = True
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.transport.write(data)  # type: ignore[union-attr]

    def close(self) -> None:
        """Hang up, with no manners."""
        self.transport.abortConnection()  # type: ignore[union-attr]

    async def more(self) -> None:
        """Wait for something to come, or for the end."""
        if not self.is_closed:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting

    async def until(self, mark: bytes) -> bytes:
        """Wait for a mark, and take all up to its end."""
        while mark not in self.received:
            assert not self.is_closed, self.received
            await self.more()
        taken, _, self.received = self.received.partition(mark)
        return taken + mark

    async def closed(self) -> bytes:
        """Wait for the end, and give all that came."""
        while not self.is_closed:
            await self.more()
        return self.received

    async def answer(self, *, head: bool = False) -> Got:
        """Take one answer."""
        lines = (await self.until(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        headers = dict(
            line.lower().split(": ", 1)[:1] + line.split(": ", 1)[1:] for line in lines[1:-2]
        )
        if head or status in (204, 304) or status < 200:
            return Got(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            raise AssertionError("chunked")
        length = int(headers["content-length"])
        while len(self.received) < length:
            assert not self.is_closed
            await self.more()
        body, self.received = self.received[:length], self.received[length:]
        return Got(status, headers, body)


@define
class Server:
    """A server, and clients for it."""

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
        """Write a request; underscores in headers stand for dashes, None leaves one out."""
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
        """Ask on a connection of its own."""
        wire = await self.wire()
        wire.send(self.request(method, path, body, **more))
        got = await wire.answer(head=method == "HEAD")
        wire.close()
        return got

    async def ask_json(self, method: str, path: str, value: object, **headers: Any) -> Got:
        """Ask with a JSON body."""
        body = json.dumps(value).encode()
        return await self.ask(method, path, body, content_type="application/json", **headers)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that is about to happen."""
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
        """Have a client read nothing, and the system hold little for it; gives the server's end."""
        wire.transport.pauseProducing()  # type: ignore[union-attr]
        mine = wire.transport.getHost()  # type: ignore[union-attr]
        every = [*self.site._working, *self.site._waiting]
        [channel] = [each for each in every if each.transport.getPeer() == mine]
        channel.transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        return channel

    async def identity(self, alias: str = "Alice") -> dict[str, Any]:
        """Make an identity with a drop, and return it as REST shows it."""
        if not self.core.synced.value.drop_servers:
            servers = [{"url": "http://drop.example", "auth": "", "active": True}]
            await self.core.synced.set("drop_servers", servers)
        made: dict[str, Any] = to_builtins(await self.core.people.add_identity(alias))
        return made

    async def friends(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Make Alice and Bob, who know each other; both live here."""
        alice, bob = await self.identity("Alice"), await self.identity("Bob")
        for mine, other in ((alice, bob), (bob, alice)):
            key = PublicKey.from_hex(other["public_key"])
            urls = [DropURL.parse(each) for each in other["drops"]]
            await self.core.people.add_contact(mine["id"], other["alias"], key, urls)
        return alice, bob

    async def receive(self, *texts: str, sender: str = "Alice") -> None:
        """Have messages sent from one of them to the other, and received."""
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


MakeServer = Callable[..., Awaitable[Server]]


@pytest_twisted.async_yield_fixture
async def make_server(tmp_path: Path) -> AsyncIterator[MakeServer]:
    """Give what makes a server; all that it made are stopped in the end."""
    made: list[Server] = []

    async def make(clock: Any = reactor, **options: Any) -> Server:
        world = Correspondents(tmp_path, reactor)
        core = await world.core(str(len(made)))
        site = make_site(core, options=AccessOptions(**options), reactor=clock)
        port = reactor.listenTCP(0, site, interface="127.0.0.1")  # type: ignore[attr-defined]
        server = Server(core, world.drop_servers, site, port)
        made.append(server)
        return server

    yield make
    for each in made:
        await each.stop()


@pytest_twisted.async_yield_fixture
async def server(make_server: MakeServer) -> AsyncIterator[Server]:
    """Give a server whose door is as it is by default."""
    yield await make_server()
