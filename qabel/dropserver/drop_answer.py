"""The response to a GET, written piece by piece, no faster than the client reads it."""

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from zope.interface import implementer

from qabel.drop.multipart import closing_boundary, encode_part
from qabel.dropserver.channel import DropRequest
from qabel.dropserver.message_file import Row, Selection
from qabel.dropserver.message_store import Store
from qabel.dropserver.stamps import format_part_date

CHUNK = 64
"""Messages that are read from the file and held in memory at the same time."""

STALL_TIMEOUT = 120.0
"""Seconds after which a client that reads nothing is disconnected."""

_PADDING = b"\r\n" + b" " * 65534


def content_length(boundary: str, selection: Selection) -> int:
    """Return the length of the whole response in bytes, before the first message is read."""
    part = len(encode_part(boundary, b"", format_part_date(selection.newest)))
    return selection.count * part + selection.size + len(closing_boundary(boundary))


@implementer(IPushProducer)
class Flow:
    """Tells when a connection can take more, and cuts off one that takes nothing for too long."""

    def __init__(self, request: DropRequest, reactor: IReactorTime) -> None:
        self._request = request
        self._reactor = reactor
        self._resumed: Deferred[None] | None = None
        self._stall: IDelayedCall | None = None

    async def ready(self) -> None:
        """Wait until the connection can take more, or is lost."""
        if self._resumed is not None:
            await self._resumed

    def pauseProducing(self) -> None:
        """Learn that the connection holds enough."""
        if self._resumed is None:
            self._resumed = Deferred()
            self._stall = self._reactor.callLater(STALL_TIMEOUT, self._cut)

    def resumeProducing(self) -> None:
        """Learn that the connection has sent what it held."""
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        resumed, self._resumed = self._resumed, None
        if resumed is not None:
            resumed.callback(None)

    def stopProducing(self) -> None:
        """Learn that the connection is lost."""
        self._request.gone = True
        self.resumeProducing()

    def _cut(self) -> None:
        self._stall = None
        self._request.channel.abortConnection()


@attrs.define(eq=False, repr=False)
class DropAnswer:
    """The response to one request for the messages of a selection."""

    _request: DropRequest
    _store: Store
    _drop_id: str
    _selection: Selection
    _boundary: str
    _reactor: IReactorTime
    _left: int = attrs.field(init=False)
    """Bytes of the response that are not written yet."""
    _flow: Flow = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._left = content_length(self._boundary, self._selection)
        self._flow = Flow(self._request, self._reactor)

    async def send(self, rows: list[Row]) -> None:
        """Send the whole response, starting with rows that are read already.

        Headers must be set. It stops when the connection is lost. Raises Unavailable.
        """
        self._request.notifyFinish().addErrback(lambda _: self._flow.stopProducing())
        self._request.registerProducer(self._flow, True)
        try:
            await self._send_parts(rows)
            await self._write(closing_boundary(self._boundary))
            # The Content-Length includes messages that expired before they were read. Padding
            # takes their place: what follows the closing boundary is ignored.
            while self._left and not self._request.gone:
                await self._write(_PADDING[: self._left])
        finally:
            if not self._request.gone:
                self._request.unregisterProducer()
        if not self._request.gone:
            self._request.finish()

    async def _send_parts(self, rows: list[Row]) -> None:
        newest = self._selection.newest
        while rows and not self._request.gone:
            await self._write(b"".join(self._encode(stamp, body) for stamp, body in rows))
            after = rows[-1][0]
            if after == newest or self._request.gone:
                return
            rows = await self._store.read(self._drop_id, after, newest, CHUNK)

    def _encode(self, stamp: int, body: bytes) -> bytes:
        return encode_part(self._boundary, body, format_part_date(stamp))

    async def _write(self, data: bytes) -> None:
        if not self._request.gone:
            self._left -= len(data)
            self._request.write(data)
            await self._flow.ready()
