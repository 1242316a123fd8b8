"""A client that asks a drop server over one connection, from an address of its own."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

from attrs import define, field, frozen

PATIENCE = 20.0
"""Seconds that an answer may take."""


class Unanswered(Exception):
    """There was no answer, or not a whole one."""


@frozen
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@define(eq=False)
class Client:
    """Asks one of several servers, and another one when that does not answer."""

    ports: Sequence[int]
    address: str
    _streams: "tuple[asyncio.StreamReader, asyncio.StreamWriter] | None" = field(
        default=None, init=False
    )
    _turn: int = field(default=0, init=False)

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask once. Raises Unanswered."""
        lines = [f"{method} {path} HTTP/1.1", "Host: drops", "Authorization: Client Qabel"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        lines.append(f"Content-Length: {len(body)}")
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = await self.connected()
                writer.write("\r\n".join([*lines, "", ""]).encode() + body)
                await writer.drain()
                return await read_answer(reader)
        except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError) as error:
            self.close()
            raise Unanswered(type(error).__name__) from None

    async def connected(self) -> "tuple[asyncio.StreamReader, asyncio.StreamWriter]":
        """Return the connection, a new one if there is none. Raises OSError."""
        if self._streams is None:
            self._turn += 1
            port = self.ports[self._turn % len(self.ports)]
            self._streams = await asyncio.open_connection(
                "127.0.0.1", port, local_addr=(self.address, 0)
            )
        return self._streams

    def leave(self) -> None:
        """Open another connection for the next request, and leave this one as it is."""
        self._streams = None

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        streams, self._streams = self._streams, None
        if streams is not None:
            with contextlib.suppress(OSError):
                streams[1].close()


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """Read an answer. Raises IncompleteReadError, ValueError."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    status = int(head[0].split()[1])
    if status == 101:
        return Answer(status, headers, b"")
    if headers.get("transfer-encoding") == "chunked":
        return Answer(status, headers, await _read_chunks(reader))
    length = 0 if status in (204, 304) else int(headers.get("content-length", 0))
    return Answer(status, headers, await reader.readexactly(length))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body
