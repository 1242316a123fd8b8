"""A client of a server, byte by byte."""

import json
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol


@frozen
class Got:
    """An answer, as its client sees it."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body, parsed as JSON."""
        return json.loads(self.body)


class Wire(Protocol):
    """A connection of a client that sends exactly the bytes that it is given."""

    def __init__(self) -> None:
        self.received = b""
        self.is_closed = False
        self._waiting: list[Deferred[None]] = []

    def dataReceived(self, data: bytes) -> None:
        """Keep what arrived."""
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
        """Wait until something arrives, or for the end."""
        if not self.is_closed:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting

    async def until(self, mark: bytes) -> bytes:
        """Wait for a mark, and return everything up to its end."""
        while mark not in self.received:
            assert not self.is_closed, self.received
            await self.more()
        taken, _, self.received = self.received.partition(mark)
        return taken + mark

    async def closed(self) -> bytes:
        """Wait for the end, and return everything that arrived."""
        while not self.is_closed:
            await self.more()
        return self.received

    async def answer(self, *, head: bool = False) -> Got:
        """Wait for one answer, and return it."""
        status, headers = parse_head(await self.until(b"\r\n\r\n"))
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


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Return the status and the headers of an answer, their names in lower case."""
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    pairs = (line.split(": ", 1) for line in lines)
    return int(first.split()[1]), {name.lower(): value for name, value in pairs}


def parse_answer(data: bytes, *, head: bool = False) -> Got:
    """Return the one answer that consists of these bytes."""
    start, mark, body = data.partition(b"\r\n\r\n")
    status, headers = parse_head(start + mark)
    expected = 0 if head or status in (204, 304) else int(headers["content-length"])
    assert len(body) == expected
    return Got(status, headers, body)
