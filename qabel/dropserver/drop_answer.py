"""The answer to a GET: written piece by piece, no faster than its reader takes it."""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from zope.interface import implementer

from qabel.drop.multipart import closing_boundary, encode_part
from qabel.dropserver.channel import DropRequest
from qabel.dropserver.message_file import Row, Selection
from qabel.dropserver.message_store import Store
from qabel.dropserver.stamps import format_part_date

CHUNK = 64
"""Messages that are read from the file and held in memory at a time."""

STALL_TIMEOUT = 120.0
"""Seconds after which a reader that takes nothing is cut off."""

_PADDING = b"\r\n" + b" " * 65534


def content_length(boundary: str, selection: Selection) -> int:
    """Tell how long the whole answer is, from what is known before the first message is read."""
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


class DropAnswer:
    """The messages of one selection, as they go out with one request's answer."""

    def __init__(
        self,
        request: DropRequest,
        store: Store,
        drop_id: str,
        selection: Selection,
        boundary: str,
        reactor: IReactorTime,
    ) -> None:
        self._request = request
        self._store = store
        self._drop_id = drop_id
        self._selection = selection
        self._boundary = boundary
        self._left = content_length(boundary, selection)
        self._flow = Flow(request, reactor)

    async def send(self, rows: list[Row]) -> None:
        """Send it all, beginning with rows that are read already; raises Unavailable.

        Headers must be set. It stops where the connection is lost.
        """
        self._request.notifyFinish().addErrback(lambda _: self._flow.stopProducing())
        self._request.registerProducer(self._flow, True)
        try:
            await self._send_parts(rows)
            await self._write(closing_boundary(self._boundary))
            # What expired while it was waiting to be read was promised by the Content-Length:
            # after the closing boundary, where nothing means anything, stands padding for it.
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
            await self._write(
                b"".join(
                    encode_part(self._boundary, body, format_part_date(stamp))
                    for stamp, body in rows
                )
            )
            after = rows[-1][0]
            if after == newest or self._request.gone:
                return
            rows = await self._store.read(self._drop_id, after, newest, CHUNK)

    async def _write(self, data: bytes) -> None:
        if not self._request.gone:
            self._left -= len(data)
            self._request.write(data)
            await self._flow.ready()
