"""Divides what a client sends over a connection into requests. Pure."""

import re

from attrs import define, field, frozen

from tests.anonymity.recording import PUSH

_LINE = re.compile(rb"(\w+) (?:https?://[^/ ]*)?/([^/ ?]*)(/ws)? HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


@frozen
class Request:
    """A whole request: its method (``PUSH`` for a WebSocket), the id of its drop, and all bytes."""

    method: str
    drop: str
    raw: bytes = field(repr=False)
    body: bytes = field(repr=False)


@define(eq=False)
class RequestReader:
    """Reads requests from the bytes of a connection, until one opens a WebSocket."""

    _buffer: bytes = field(default=b"", init=False, repr=False)
    is_tunnel: bool = field(default=False, init=False)
    """Whether the connection is a WebSocket, so that what follows is no request."""

    @property
    def has_begun(self) -> bool:
        """Whether a part of a request has arrived."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Request]:
        """Return the requests that are complete now. Raises ValueError for what is no request."""
        self._buffer += data
        found = []
        while not self.is_tunnel and (request := self._next()) is not None:
            found.append(request)
        return found

    def rest(self) -> bytes:
        """Return, and forget, what has arrived after the requests."""
        rest, self._buffer = self._buffer, b""
        return rest

    def _next(self) -> Request | None:
        end = self._buffer.find(b"\r\n\r\n") + 4
        if end < 4:
            return None
        line = _LINE.match(self._buffer)
        if line is None:
            raise ValueError("no request to a drop")
        length = _LENGTH.search(self._buffer, 0, end)
        size = end + (int(length[1]) if length else 0)
        if len(self._buffer) < size:
            return None
        raw, self._buffer = self._buffer[:size], self._buffer[size:]
        self.is_tunnel = line[3] is not None
        method = PUSH if self.is_tunnel else line[1].decode()
        return Request(method, line[2].decode(), raw, raw[end:])
