"""The response to a GET, written piece by piece, no faster than the client reads it."""

import attrs
from twisted.internet.interfaces import IReactorTime

from qabel.drop.multipart import closing_boundary, encode_part
from qabel.dropserver.message_values import Row, Selection
from qabel.dropserver.request import DropRequest
from qabel.dropserver.stamps import format_part_date
from qabel.dropserver.storage import Storage
from qabel.host.http_server.flow import Flow

CHUNK = 64
"""Messages that are read from the file and held in memory at the same time."""

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


@attrs.define(eq=False, repr=False)
class DropAnswer:
    """The response to one request for the messages of a selection."""

    _request: DropRequest
    _store: Storage
    _drop_id: str
    _selection: Selection
    _boundary: str
    _reactor: IReactorTime
    _left: int = attrs.field(init=False)
    """Bytes of the response that are not written yet, if its length is known."""
    _flow: Flow = attrs.field(init=False)

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
        while rows and self._request.is_connected:
            await self._write(b"".join(self._encode(stamp, body) for stamp, body in rows))
            after = rows[-1][0]
            if after == newest or not self._request.is_connected:
                return
            rows = await self._store.read(self._drop_id, after, newest, CHUNK)

    def _encode(self, stamp: int, body: bytes) -> bytes:
        return encode_part(self._boundary, body, format_part_date(stamp))

    async def _write(self, data: bytes) -> None:
        self._left -= len(data)
        await self._flow.write(data)
