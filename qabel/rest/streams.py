"""Streams of server-sent events: each as fast as its client reads, none held up by another."""

from collections import OrderedDict
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from zope.interface import implementer

from qabel.core.concurrency import a_few_at_a_time
from qabel.core.errors import Gone
from qabel.core.log import Entry, Follower
from qabel.rest.answers import Reply
from qabel.rest.audience import BATCH, Audience
from qabel.rest.request import ApiRequest

CONTENT_TYPE = b"text/event-stream"

HEARTBEAT = 15.0
"""Seconds between two comments, which show both ends that the other is there."""

FRAMES_KEPT = 256
"""Entries whose frames are kept for other clients."""

COMMENT = b": \n\n"

_log = Logger()


@implementer(IPushProducer)
@define(eq=False)
class _Stream:
    """One client. It is written to only while what was written before has been taken."""

    request: ApiRequest
    follower: Follower
    paused: bool = False
    late: bool = False
    """Whether it was paused at the last heartbeat already."""
    _drained: "Deferred[None] | None" = field(default=None)

    def write(self, data: bytes) -> None:
        """Write to the client."""
        self.request.write(data)

    def pauseProducing(self) -> None:
        """Wait: the client reads too slowly."""
        self.paused = True

    def resumeProducing(self) -> None:
        """Go on: all was taken."""
        self.paused = self.late = False
        drained, self._drained = self._drained, None
        if drained is not None:
            drained.callback(None)

    def stopProducing(self) -> None:
        """Do nothing: the request tells when its connection is gone."""

    async def drained(self) -> None:
        """Wait until all that was written was taken."""
        if self.paused:
            self._drained = Deferred(self._forget)
            await self._drained

    def _forget(self, _: object) -> None:
        self._drained = None

    def beat(self) -> None:
        """Write a comment; cut off a client that has not read for a whole interval."""
        self.request.access = None
        self.request.site.door.examine(self.request)
        if self.late or self.request.access is None:
            self.request.abort()
        elif self.paused:
            self.late = True
        else:
            self.request.write(COMMENT)


class Streams:
    """All streams, with one clock for their comments."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._streams: set[_Stream] = set()
        self._audiences: dict[object, Audience] = {}
        self._frames: OrderedDict[int, bytes] = OrderedDict()
        self._heart = LoopingCall(self._beat)
        self._heart.clock = reactor

    async def serve(self, request: ApiRequest, follower: Follower) -> None:
        """Write what the follower gives, until it ends or the client is gone."""
        Reply(content_type=None).begin(request)
        request.setHeader(b"Content-Type", CONTENT_TYPE)
        stream = _Stream(request, follower)
        self._begin(stream)
        try:
            # From here on a client that is cut off knows where to go on.
            stream.write(_place(follower.place))
            await self._feed(stream)
        except Gone:
            # It was too slow for too long; when it comes again, it is told.
            return
        finally:
            follower.close()
            self._end(stream)

    async def _feed(self, stream: _Stream) -> None:
        """Tell one client all there is: with others when it has nothing left to catch up with."""
        while True:
            await stream.drained()
            audience = self._audience(stream.follower)
            if audience is not None and audience.has_place_for(stream):
                await audience.join(stream)
            elif entries := await stream.follower.next(BATCH):
                # A heartbeat may have been one piece too many meanwhile.
                await stream.drained()
                stream.write(self._written(entries))
            else:
                return

    def _audience(self, follower: Follower) -> Audience | None:
        """Give those who want the same as one who reads; there are none if it is not up to date."""
        audience = self._audiences.get(follower.wants)
        if (audience is None or audience.is_over) and follower.is_up_to_date:
            audience = Audience(follower.twin(), self._written, self._reactor)
            self._audiences[follower.wants] = audience
        return audience

    def _begin(self, stream: _Stream) -> None:
        stream.request.registerProducer(stream, True)
        stream.request.channel.is_stream = True
        self._streams.add(stream)
        if not self._heart.running:
            self._heart.start(HEARTBEAT, now=False).addErrback(
                lambda failure: _log.failure("the heartbeat of event streams ended", failure)
            )

    def _end(self, stream: _Stream) -> None:
        self._streams.discard(stream)
        if stream.request.is_connected:
            stream.request.unregisterProducer()
            stream.request.channel.is_stream = False
        if not self._streams:
            self._frames.clear()
            self._audiences.clear()
            if self._heart.running:
                self._heart.stop()

    def _beat(self) -> None:
        work = a_few_at_a_time(list(self._streams), self._beat_one, self._reactor)
        Deferred.fromCoroutine(work)

    def _beat_one(self, stream: _Stream) -> None:
        if stream not in self._streams:
            return
        try:
            stream.beat()
        except Exception:  # noqa: BLE001 - the others' hearts must go on
            _log.failure("an event stream is cut off: it cannot be written to")
            stream.request.abort()

    def _written(self, entries: list[Entry]) -> bytes:
        return b"".join(map(self._frame, entries))

    def _frame(self, entry: Entry) -> bytes:
        """Give the bytes of an entry, made once for all streams."""
        frame = self._frames.get(entry.seq)
        if frame is None:
            frame = b"id: %s\nevent: %s\ndata: %s\n\n" % (
                entry.place.encode(),
                entry.kind.encode(),
                entry.data,
            )
            self._frames[entry.seq] = frame
            if len(self._frames) > FRAMES_KEPT:
                self._frames.popitem(last=False)
        return frame


def _place(place: str) -> bytes:
    return b"id: %s\n\n" % place.encode()
