"""A REST server on a real socket, over a core with a real database and drop servers in memory."""

import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest_twisted
from attrs import define, field, frozen
from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater

from qabel.core.service import CoreOptions, CoreService
from qabel.drop.multipart import Part
from qabel.drop.url import DropURL
from qabel.net.drop_client import Fetched
from qabel.rest.app import make_site
from qabel.rest.http.access_control import AccessOptions
from qabel.store.key_record import GivenKey

SERVER = "http://drop.example"


@define
class Drops:
    """Drop servers in memory."""

    messages: dict[str, list[bytes]] = field(factory=dict)

    async def fetch(
        self, url: DropURL, since: str | None, on_parts: Callable[[list[Part]], Awaitable[None]]
    ) -> Fetched:
        """Give what is newer than ``since``, which is a count of messages."""
        there = self.messages.get(str(url), [])
        newer = there[int(since or 0) :]
        if newer:
            await on_parts([Part(each, "Mon, 23 Nov 2026 07:38:48 +0000") for each in newer])
        return Fetched("new", str(len(there)), len(newer)) if newer else Fetched("nothing")

    async def post(self, url: DropURL, message: bytes) -> None:
        """Take a message."""
        self.messages.setdefault(str(url), []).append(message)

    def listen(self, url: DropURL, on_news: Callable[[], None]) -> Any:
        """Give nothing: it is not asked for."""
        raise AssertionError

    async def close(self) -> None:
        """There is nothing to close."""


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
    drops: Drops
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
        """Make an identity with a drop."""
        if not self.core.synced.value.drop_servers:
            servers = [{"url": SERVER, "auth": "", "active": True}]
            await self.core.synced.set("drop_servers", servers)
        return await self.core.directory.add_identity(alias)

    async def friends(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Make Alice and Bob, who know each other; both live here."""
        alice, bob = await self.identity("Alice"), await self.identity("Bob")
        for mine, other in ((alice, bob), (bob, alice)):
            given = {
                "alias": other["alias"],
                "public_key": other["public_key"],
                "drop_urls": other["drops"],
            }
            await self.core.directory.add_contact(str(mine["id"]), given)
        return alice, bob

    async def receive(self, *texts: str, sender: str = "Alice") -> None:
        """Have messages sent from one of them to the other, and received."""
        directory = self.core.directory
        [me] = [each for each in directory.identities() if each["alias"] == sender]
        [contact] = directory.contacts(str(me["id"]))
        for each in texts:
            message = {"model_object": "chat", "data": {"msg": each}}
            await self.core.outbox.send([contact["id"]], me["id"], message)
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
        directory = tmp_path / str(len(made))
        directory.mkdir(mode=0o700)
        drops = Drops()
        core = CoreService(
            directory,
            GivenKey(bytes(32)),
            network=drops,
            reactor=reactor,
            options=CoreOptions(push=False),
        )
        await core.open()
        core.startService()
        await core.local.set("poll_interval", 3600)
        site = make_site(core, options=AccessOptions(**options), reactor=clock)
        port = reactor.listenTCP(0, site, interface="127.0.0.1")  # type: ignore[attr-defined]
        server = Server(core, drops, site, port)
        made.append(server)
        return server

    yield make
    for each in made:
        await each.stop()


@pytest_twisted.async_yield_fixture
async def server(make_server: MakeServer) -> AsyncIterator[Server]:
    """Give a server whose door is as it is by default."""
    yield await make_server()
