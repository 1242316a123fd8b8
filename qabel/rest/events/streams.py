"""Streams of server-sent events: each as fast as its client reads, none held up by another."""

from collections import OrderedDict
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.contract.reply import Reply
from qabel.core.errors import Gone
from qabel.core.journal.follower import Follower
from qabel.core.journal.journal import Entry, Journal
from qabel.deferreds import in_batches
from qabel.host.http_server.flow import Flow
from qabel.rest.http.replies import begin
from qabel.rest.http.request import ApiRequest

CONTENT_TYPE = b"text/event-stream"

HEARTBEAT = 15.0
"""Seconds between two comments, which show both ends that the other is there."""

BATCH = 50
"""Entries written at once: a slow client's buffer holds no more."""

FRAMES_KEPT = 256
"""Entries whose frames are kept for other clients."""

COMMENT = b": \n\n"

_log = Logger()


@define(eq=False)
class _Stream:
    """One client. It is written to only while what was written before has been taken."""

    request: ApiRequest
    follower: Follower
    flow: Flow

    def write(self, data: bytes) -> None:
        """Write to the client."""
        self.request.write(data)

    def beat(self, now: float) -> None:
        """Write a comment; cut off a client that has not read for a whole interval."""
        paused_since = self.flow.paused_since
        decision = self.request.site.access_control.decide(self.request)
        if decision.access is None:
            self.request.abort()
        elif paused_since is None:
            self.request.write(COMMENT)
        elif now - paused_since >= HEARTBEAT:
            self.request.abort()


class Streams:
    """All streams, with one clock for their comments.

    Those that have nothing left to catch up with are told from one place, without a coroutine
    each; whoever is paused leaves it, and catches up alone.
    """

    def __init__(self, journal: Journal, reactor: Any) -> None:
        self._journal = journal
        self._reactor = reactor
        self._streams: set[_Stream] = set()
        self._up_to_date: dict[_Stream, Deferred[None]] = {}
        self._is_telling = False
        self._news: Deferred[None] | None = None
        """What telling waits for."""
        self._frames: OrderedDict[int, bytes] = OrderedDict()
        self._heart = LoopingCall(self._beat)
        self._heart.clock = reactor

    async def serve(self, request: ApiRequest, follower: Follower) -> None:
        """Write what the follower gives, until it ends or the client is gone."""
        begin(request, Reply(content_type=None))
        request.setHeader(b"Content-Type", CONTENT_TYPE)
        stream = _Stream(request, follower, Flow(request, self._reactor))
        self._begin(stream)
        try:
            # From here on a client that is cut off knows where to go on.
            stream.write(b"id: %s\n\n" % follower.cursor.encode())
            await self._feed(stream)
        except Gone:
            # It was too slow for too long; when it comes again, it is told.
            return
        finally:
            follower.close()
            self._end(stream)

    async def _feed(self, stream: _Stream) -> None:
        """Tell one client all there is, until its follower is closed."""
        while True:
            await stream.flow.ready()
            entries = stream.follower.take(BATCH)
            if entries is None:
                entries = await stream.follower.next(BATCH)
                if not entries:
                    return
                # A heartbeat may have been one piece too many meanwhile.
                await stream.flow.ready()
            if entries:
                stream.write(self._written(entries))
            else:
                await self._be_told(stream)

    def _be_told(self, stream: _Stream) -> "Deferred[None]":
        """Have a stream told what is new; fires when it has to catch up alone, or fails."""

        def leave(_: object) -> None:
            self._up_to_date.pop(stream, None)

        left: Deferred[None] = Deferred(leave)
        self._up_to_date[stream] = left
        if not self._is_telling:
            self._is_telling = True
            Deferred.fromCoroutine(self._tell_all()).addErrback(self._cannot_tell)
        return left

    async def _tell_all(self) -> None:
        try:
            while self._up_to_date:
                upto = self._journal.held
                await in_batches(list(self._up_to_date), self._tell, self._reactor)
                if self._journal.held == upto:
                    self._news = self._journal.more()
                    await self._news
        finally:
            self._is_telling, self._news = False, None

    def _tell(self, stream: _Stream) -> None:
        if stream not in self._up_to_date:
            return
        entries: list[Entry] | None = []
        try:
            while not stream.flow.is_paused and (entries := stream.follower.take(BATCH)):
                stream.write(self._written(entries))
        except Exception:  # noqa: BLE001 - it is this stream's, and holds up no other
            self._up_to_date.pop(stream).errback(Failure())
            return
        if stream.flow.is_paused or entries is None:
            self._up_to_date.pop(stream).callback(None)

    def _cannot_tell(self, failure: Failure) -> "Deferred[None]":
        def end(stream: _Stream) -> None:
            left = self._up_to_date.pop(stream, None)
            if left is not None:
                left.errback(failure)

        return Deferred.fromCoroutine(in_batches(list(self._up_to_date), end, self._reactor))

    def _begin(self, stream: _Stream) -> None:
        stream.flow.start()
        stream.request.channel.is_stream = True
        self._streams.add(stream)
        if not self._heart.running:
            self._heart.start(HEARTBEAT, now=False).addErrback(
                lambda failure: _log.failure("the heartbeat of event streams ended", failure)
            )

    def _end(self, stream: _Stream) -> None:
        self._streams.discard(stream)
        stream.flow.end()
        if stream.request.is_connected:
            stream.request.channel.is_stream = False
        if not self._streams:
            self._frames.clear()
            if self._news is not None:
                self._news.cancel()
            if self._heart.running:
                self._heart.stop()

    def _beat(self) -> None:
        work = in_batches(list(self._streams), self._beat_one, self._reactor)
        Deferred.fromCoroutine(work)

    def _beat_one(self, stream: _Stream) -> None:
        if stream not in self._streams:
            return
        try:
            stream.beat(self._reactor.seconds())
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
                entry.cursor.encode(),
                entry.kind.encode(),
                entry.data,
            )
            self._frames[entry.seq] = frame
            if len(self._frames) > FRAMES_KEPT:
                self._frames.popitem(last=False)
        return frame
