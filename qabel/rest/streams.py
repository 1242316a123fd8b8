"""Streams of server-sent events: each as fast as its client reads, none held up by another."""

from collections import OrderedDict
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from zope.interface import implementer

from qabel.core.errors import Gone
from qabel.core.log import Entry, Follower
from qabel.rest.answers import Reply
from qabel.rest.request import ApiRequest

CONTENT_TYPE = b"text/event-stream"

HEARTBEAT = 15.0
"""Seconds between two comments, which show both ends that the other is there."""

BATCH = 50
"""Entries written at once: a slow client's buffer holds no more."""

FRAMES_KEPT = 256
"""Entries whose frames are kept for other clients."""

COMMENT = b": \n\n"

_log = Logger()


@implementer(IPushProducer)
@define(eq=False)
class _Stream:
    """One client. It is written to only while what was written before has been taken."""

    request: ApiRequest
    paused: bool = False
    late: bool = False
    """Whether it was paused at the last heartbeat already."""
    _drained: "Deferred[None] | None" = field(default=None)

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

    def drained(self) -> "Deferred[None]":
        """Give a Deferred that fires once all that was written was taken."""
        self._drained = Deferred(self._forget)
        return self._drained

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
        self._streams: set[_Stream] = set()
        self._frames: OrderedDict[int, bytes] = OrderedDict()
        self._heart = LoopingCall(self._beat)
        self._heart.clock = reactor

    async def serve(self, request: ApiRequest, follower: Follower) -> None:
        """Write what the follower gives, until it ends or the client is gone."""
        Reply(content_type=None).begin(request)
        request.setHeader(b"Content-Type", CONTENT_TYPE)
        stream = _Stream(request)
        self._begin(stream)
        try:
            # From here on a client that is cut off knows where to go on.
            request.write(_place(follower.place))
            while entries := await follower.next(BATCH):
                request.write(b"".join(map(self._frame, entries)))
                if stream.paused:
                    await stream.drained()
        except Gone:
            # It was too slow for too long; when it comes again, it is told.
            return
        finally:
            follower.close()
            self._end(stream)

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
            if self._heart.running:
                self._heart.stop()

    def _beat(self) -> None:
        for stream in list(self._streams):
            stream.beat()

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
