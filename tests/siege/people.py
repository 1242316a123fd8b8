"""Those who use a drop server while it is under siege: they write, poll, and listen."""

import asyncio
import os
import random
import re
from collections.abc import Callable

from attrs import define, field
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping
from wsproto.utilities import ProtocolError

from qabel.drop.multipart import MultipartParser
from tests.siege.http import Answer, Client, Unanswered
from tests.siege.ledger import Ledger, Name

SIZE = 2149
"""Bytes of a message."""

_NAME = re.compile(rb"[0-9]+-[0-9]+;")

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}

_PAUSE = 0.2
"""Seconds after a failure."""


def name_of(body: bytes) -> Name:
    """Return the name of a message."""
    found = _NAME.match(body)
    return found[0] if found else body[:20]


def parts_of(answer: Answer) -> list[bytes]:
    """Return the messages of an answer. Raises ValueError if it is not whole."""
    parser = MultipartParser(answer.headers["content-type"])
    parts = [part.body for part in parser.feed(answer.body)]
    parser.finish()
    return parts


@define(eq=False)
class Writer:
    """Posts messages, each again and again until the server says that it is stored."""

    number: int
    drops: list[str]
    client: Client
    ledger: Ledger
    is_over: Callable[[], bool]
    pause: float
    _random: random.Random = field(factory=lambda: random.Random(1), init=False)  # noqa: S311

    async def run(self) -> None:
        """Write until it is over."""
        count = 0
        while not self.is_over():
            count += 1
            drop = self._random.choice(self.drops)
            name = b"%d-%d;" % (self.number, count)
            await self._post(drop, name, name + os.urandom(SIZE - len(name)))
            await asyncio.sleep(self.pause)

    async def _post(self, drop: str, name: Name, body: bytes) -> None:
        while True:
            try:
                self.ledger.attempts[drop, name] += 1
                answer = await self.client.ask("POST", f"/{drop}", body)
            except Unanswered:
                pass
            else:
                if answer.status == 200:
                    self.ledger.stored[drop, name] = None
                    return
                # It was refused: it is not there.
                self.ledger.attempts[drop, name] -= answer.status in (429, 507)
            await asyncio.sleep(_PAUSE)


@define(eq=False)
class Poller:
    """Asks for what is new in a drop, by a cursor."""

    name: str
    drop: str
    client: Client
    ledger: Ledger
    cursor: str = field(default="", init=False)

    async def run(self, is_over: Callable[[], bool], pause: float) -> None:
        """Poll until it is over."""
        while not is_over():
            await self.poll()
            await asyncio.sleep(pause)

    async def poll(self) -> bool:
        """Poll once; return whether there was an answer."""
        headers = {"X-Qabel-New-Since": self.cursor} if self.cursor else {}
        try:
            answer = await self.client.ask("GET", f"/{self.drop}", headers=headers)
            parts = parts_of(answer) if answer.status == 200 else []
        except (Unanswered, ValueError):
            await asyncio.sleep(_PAUSE)
            return False
        if parts:
            self.ledger.seen[self.name, self.drop] += map(name_of, parts)
            self.cursor = answer.headers["x-qabel-latest"]
        return answer.status in (200, 204, 304)


@define(eq=False)
class Listener:
    """Listens to a drop, and polls whenever its connection was lost, as a daemon does."""

    poller: Poller
    client: Client
    begun: bytes = field(default=b"", init=False)
    """What has arrived of a message."""

    async def run(self, is_over: Callable[[], bool]) -> None:
        """Listen until it is over."""
        while not is_over():
            try:
                answer = await self.client.ask("GET", f"/{self.poller.drop}/ws", headers=HANDSHAKE)
                if answer.status == 101:
                    await self._listen(is_over)
            except Unanswered:
                pass
            self.client.close()
            await asyncio.sleep(_PAUSE)

    async def _listen(self, is_over: Callable[[], bool]) -> None:
        # What came before it listened.
        if not await self.poller.poll():
            return
        connection = Connection(ConnectionType.CLIENT)
        self.begun = b""
        reader, writer = await self.client.connected()
        while not is_over():
            try:
                async with asyncio.timeout(1):
                    data = await reader.read(65536)
                if not data:
                    return
                connection.receive_data(data)
                if not self._take_all(connection, writer):
                    return
            except TimeoutError:
                continue
            except (OSError, ProtocolError):
                return

    def _take_all(self, connection: Connection, writer: asyncio.StreamWriter) -> bool:
        """Take what arrived; return whether the connection goes on."""
        for event in connection.events():
            if isinstance(event, BytesMessage):
                # A balancer passes on parts of a message as they come.
                self.begun += event.data
                if event.message_finished:
                    message, self.begun = self.begun, b""
                    self._take(message)
            elif isinstance(event, Ping):
                writer.write(connection.send(event.response()))
            elif isinstance(event, CloseConnection):
                return False
        return True

    def _take(self, data: bytes) -> None:
        head, _, body = data.partition(b"\n\n")
        cursor = re.search(rb"X-Qabel-Latest: ([0-9.]+)", head)
        stamp = cursor[1].decode() if cursor else ""
        # What it polled when it began to listen may be pushed, too.
        if not self.poller.cursor or float(stamp) > float(self.poller.cursor):
            self.poller.ledger.seen[self.poller.name, self.poller.drop].append(name_of(body))
            self.poller.cursor = stamp
