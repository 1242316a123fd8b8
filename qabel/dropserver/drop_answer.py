"""The response to a GET, written piece by piece, no faster than the client reads it."""

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from qabel.drop.multipart import PART_END, closing_boundary, encode_part, part_head
from qabel.dropserver.message_values import Row, Selection
from qabel.dropserver.request import DropRequest
from qabel.dropserver.stamps import SECOND, format_part_date
from qabel.dropserver.storage import Storage
from qabel.host.http_server.flow import Flow

CHUNK = 64
"""Messages that are read from the store together. While they are written, as many are read."""

WIDE_CHUNK = 512
"""The same, for a few answers at a time: each passing on to another thread takes its time."""

WIDE_ANSWERS = 8
"""How many answers may hold so much at a time."""

STALL_TIMEOUT = 120.0
"""Seconds after which a client that reads nothing is disconnected."""

_PADDING = b"\r\n" + b" " * 65534


def content_length(boundary: str, selection: Selection) -> int | None:
    """Return the length of the whole response in bytes, before the first message is read.

    It is None if there are many: the response ends with its closing boundary.
    """
    if selection.counted is None:
        return None
    count, size = selection.counted
    part = len(encode_part(boundary, b"", format_part_date(selection.newest)))
    return count * part + size + len(closing_boundary(boundary))


@attrs.define(eq=False)
class WideAnswers:
    """Lets a few answers at a time read many messages at once."""

    free: int = WIDE_ANSWERS
    """How many more may."""

    def take(self) -> bool:
        """Return whether one more may; it must then give that back."""
        if self.free == 0:
            return False
        self.free -= 1
        return True

    def give_back(self) -> None:
        """Let another one."""
        self.free += 1


@attrs.frozen
class _EncodedRows:
    """Messages as parts."""

    after: int
    """The stamp of the last one."""
    data: bytes = attrs.field(repr=False)
    """Empty if there are none."""


@attrs.define(eq=False, repr=False)
class DropAnswer:
    """The response to one request for the messages of a selection."""

    _request: DropRequest
    _store: Storage
    _drop_id: str
    _selection: Selection
    _boundary: str
    _reactor: IReactorTime
    _wide: WideAnswers = attrs.field(factory=WideAnswers)
    _left: int = attrs.field(init=False)
    """Bytes of the response that are not written yet, if its length is known."""
    _flow: Flow = attrs.field(init=False)
    _head_second: int = attrs.field(default=-1, init=False)
    """The second whose messages the head is for: most of those that are together have the same."""
    _head: bytes = attrs.field(default=b"", init=False)

    def __attrs_post_init__(self) -> None:
        self._left = content_length(self._boundary, self._selection) or 0
        self._flow = Flow(self._request, self._reactor, STALL_TIMEOUT)

    async def send(self, rows: list[Row]) -> None:
        """Send the whole response, starting with rows that are read already.

        Headers must be set. It stops when the connection is lost. Raises StoreUnavailable.
        """
        self._flow.start()
        try:
            await self._send_parts(rows)
            await self._write(closing_boundary(self._boundary))
            # The Content-Length includes messages that were deleted before they were read. Padding
            # takes their place: what follows the closing boundary is ignored.
            while self._left > 0 and self._request.is_connected:
                await self._write(_PADDING[: self._left])
        finally:
            self._flow.end()
        if self._request.is_connected:
            self._request.finish()

    async def _send_parts(self, rows: list[Row]) -> None:
        newest = self._selection.newest
        encoded = self._encode(rows)
        is_wide = encoded.after != newest and self._wide.take()
        limit = WIDE_CHUNK if is_wide else CHUNK
        try:
            while encoded.data and self._request.is_connected:
                following = None if encoded.after == newest else self._read(encoded.after, limit)
                await self._write(encoded.data)
                if following is None:
                    return
                # Also once the connection is lost: it fires soon, and its failure is not left over.
                encoded = await following
        finally:
            if is_wide:
                self._wide.give_back()

    def _read(self, after: int, limit: int) -> "Deferred[_EncodedRows]":
        newest = self._selection.newest
        return self._store.read(self._drop_id, after, newest, limit, self._encode)

    def _encode(self, rows: list[Row]) -> "_EncodedRows":
        """Encode messages, on any thread, but not on two at the same time."""
        pieces: list[bytes] = []
        for stamp, body in rows:
            if stamp // SECOND != self._head_second:
                self._head_second = stamp // SECOND
                self._head = part_head(self._boundary, format_part_date(stamp))
            pieces += (self._head, body, PART_END)
        return _EncodedRows(rows[-1][0] if rows else 0, b"".join(pieces))

    async def _write(self, data: bytes) -> None:
        self._left -= len(data)
        await self._flow.write(data)
