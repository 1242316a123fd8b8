"""Drop servers in memory and real ones, behind the same few calls."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import attrs
import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred

from qabel.core.network import DropServers, Network
from qabel.drop.url import DropURL
from qabel.dropserver.service import DropServerService
from qabel.host.endpoints import parse_endpoint
from qabel.host.listening import Listening
from qabel.testing.drop_servers import MemoryDropServers
from tests.net.servers import (
    Handler,
    Server,
    always,
    drop_answer,
    head,
    multipart_head,
    part,
    silent,
    turn,
)


class DropServerKind(ABC):
    """One way of having drop servers: a network, and drops of which the test says what is wrong.

    At most one of the calls that name a trouble is made in a test.
    """

    network: Network

    @abstractmethod
    def drop(self, number: int = 1) -> DropURL:
        """Return one of several drops on a server in order."""

    @abstractmethod
    async def away(self) -> DropURL:
        """Return a drop on a server that nobody can connect to."""

    @abstractmethod
    async def refusing(self) -> DropURL:
        """Return a drop on a server that refuses each message for good."""

    @abstractmethod
    async def torn(self, messages: Sequence[bytes], after: int) -> DropURL:
        """Return a drop with these messages, whose server breaks off before it sent all of them."""

    @abstractmethod
    async def hanging(self) -> DropURL:
        """Return a drop on a server that never answers."""

    @abstractmethod
    async def without_cursors(self, messages: Sequence[bytes]) -> DropURL:
        """Return a drop with these messages, whose server gives no cursors."""

    @abstractmethod
    async def close(self) -> None:
        """Close everything."""


@attrs.define
class InMemory(DropServerKind):
    """The drop servers that programs are tested with."""

    network: MemoryDropServers = attrs.field(factory=MemoryDropServers)

    def drop(self, number: int = 1) -> DropURL:
        """Return one of several drops."""
        return DropURL.parse(f"http://drop.example/{number:043}")

    async def away(self) -> DropURL:
        """Set that nobody answers."""
        self.network.is_away = True
        return self.drop()

    async def refusing(self) -> DropURL:
        """Set that messages are refused."""
        self.network.is_refusing = True
        return self.drop()

    async def torn(self, messages: Sequence[bytes], after: int) -> DropURL:
        """Set that answers break off."""
        self.network.torn_after = after
        return await self._filled(messages)

    async def hanging(self) -> DropURL:
        """Set that fetches wait."""
        self.network.hanging = Deferred()
        return self.drop()

    async def without_cursors(self, messages: Sequence[bytes]) -> DropURL:
        """Set that there are no cursors."""
        self.network.has_cursors = False
        return await self._filled(messages)

    async def close(self) -> None:
        """Close the network."""
        await self.network.close()

    async def _filled(self, messages: Sequence[bytes]) -> DropURL:
        for each in messages:
            await self.network.post(self.drop(), each)
        return self.drop()


@attrs.define
class OnLoopback(DropServerKind):
    """The drop server and the client that users have; servers in trouble are made of raw bytes."""

    service: DropServerService
    listening: Listening
    network: DropServers = attrs.field(init=False)
    _known: set[str] = attrs.field(factory=set)
    _in_trouble: list[Server] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.network = DropServers(reactor, lambda: self._known)
        self._known.add(self.drop().server)

    @classmethod
    def start(cls, folder: Path) -> "OnLoopback":
        """Start a drop server that keeps its file in a folder."""
        service = DropServerService(folder, reactor=reactor)
        endpoint = parse_endpoint("tcp:0:interface=127.0.0.1")
        listening = Listening(reactor, [endpoint], service.site, name="test")
        service.startService()
        listening.startService()
        return cls(service, listening)

    def drop(self, number: int = 1) -> DropURL:
        """Return one of several drops."""
        port = self.listening.addresses[0].port
        return DropURL.parse(f"http://127.0.0.1:{port}/{number:043}")

    async def away(self) -> DropURL:
        """Have a server that listens no more."""
        url = self._serve(silent)
        await self._in_trouble[0].stop_listening()
        return url

    async def refusing(self) -> DropURL:
        """Have a server that answers with 400."""
        return self._serve(always(head(status="400 Bad Request"), close=True))

    async def torn(self, messages: Sequence[bytes], after: int) -> DropURL:
        """Have a server that closes the connection too early."""
        whole, broken = messages[:after], part(messages[after])[:-1]
        answer = multipart_head() + b"".join(map(part, whole)) + broken
        return self._serve(always(answer, close=True))

    async def hanging(self) -> DropURL:
        """Have a server that says nothing."""
        return self._serve(silent)

    async def without_cursors(self, messages: Sequence[bytes]) -> DropURL:
        """Have a server that gives all it has each time."""
        return self._serve(always(drop_answer(*messages, latest=None), close=True))

    async def close(self) -> None:
        """Close the client, then the servers."""
        # A test may end within the delivery of the last bytes: let that end before all is closed.
        await turn()
        await self.network.close()
        for each in self._in_trouble:
            await each.stop()
        await self.listening.stopService()
        await maybeDeferred(self.service.stopService)

    def _serve(self, handle: Handler) -> DropURL:
        server = Server(handle).listen()
        self._in_trouble.append(server)
        url = server.url()
        self._known.add(url.server)
        return url


@pytest_twisted.async_yield_fixture(params=["memory", "loopback"])
async def servers(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DropServerKind]:
    """Provide drop servers of each kind in turn, which are closed at the end."""
    made = InMemory() if request.param == "memory" else OnLoopback.start(tmp_path / "drops")
    yield made
    await made.close()
