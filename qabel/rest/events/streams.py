"""Streams of server-sent events, each as fast as its client reads."""

from collections import OrderedDict
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.contract.reply import Headers, Reply
from qabel.core.errors import Gone
from qabel.core.journal.follower import Follower
from qabel.core.journal.journal import Entry, Journal
from qabel.deferreds import in_batches
from qabel.host.http_server.flow import Flow
from qabel.rest.http.replies import begin
from qabel.rest.http.request import ApiRequest

CONTENT_TYPE = b"text/event-stream"

HEARTBEAT = 15.0
"""Seconds between two comments, which show both ends that the connection is alive."""

BATCH = 50
"""The most entries written at once, and so the most in the buffer of a slow client."""

FRAMES_KEPT = 256
"""The most entries whose encoded events are cached for other clients."""

COMMENT = b": \n\n"

HEADERS: Headers = (
    (b"Content-Type", CONTENT_TYPE),
    (b"Cache-Control", b"no-store, no-cache, no-transform"),
    # nginx would hold back events until it has some kilobytes of them.
    (b"X-Accel-Buffering", b"no"),
)
"""The headers of a stream."""

_LINE_ENDS = {
    each.encode(): b"\\u%04x" % ord(each) for each in ("\N{NEXT LINE}", "\u2028", "\u2029")
}
"""What JSON has unescaped, and some clients take for the end of a line."""

_log = Logger()


@define(eq=False)
class _Stream:
    """The stream to one client. Nothing is written while the connection is paused."""

    request: ApiRequest
    follower: Follower
    flow: Flow

    def write(self, data: bytes) -> None:
        """Write to the client."""
        self.request.write(data)

    def beat(self, now: float) -> None:
        """Write a comment; disconnect a client that has read nothing for a whole interval.

        A client whose token was revoked is disconnected too.

        """
        paused_since = self.flow.paused_since
        decision = self.request.site.access_control.decide(self.request)
        if decision.access is None:
            self.request.abort()
        elif paused_since is None:
            self.request.write(COMMENT)
        elif now - paused_since >= HEARTBEAT:
            self.request.abort()


@define(eq=False, repr=False)
class Streams:
    """All streams, with one timer for their comments.

    One loop writes new entries to all streams that are up to date. A stream whose connection is
    paused leaves the loop, and catches up in a coroutine of its own.

    Args:
        journal: the event log.
        reactor: the clock.

    """

    _journal: Journal
    _reactor: Any
    _streams: set[_Stream] = field(factory=set, init=False)
    _up_to_date: "dict[_Stream, Deferred[None]]" = field(factory=dict, init=False)
    """The streams in the loop, each with what fires when it leaves."""
    _is_looping: bool = field(default=False, init=False)
    _news: "Deferred[None] | None" = field(default=None, init=False)
    """What the loop waits for."""
    _frames: OrderedDict[int, bytes] = field(factory=OrderedDict, init=False)
    """Encoded events by the number of their entry, oldest first."""
    _heart: LoopingCall = field(init=False)

    @_heart.default
    def _heart_of_all(self) -> LoopingCall:
        heart = LoopingCall(self._beat)
        heart.clock = self._reactor
        return heart

    async def serve(self, request: ApiRequest, follower: Follower) -> None:
        """Write what a follower returns until it ends or the client disconnects."""
        begin(request, Reply(content_type=None, headers=HEADERS))
        stream = _Stream(request, follower, Flow(request, self._reactor))
        self._begin(stream)
        try:
            # From now on a client that is disconnected knows where to resume.
            stream.write(b"id: %s\n\n" % follower.cursor.encode())
            await self._feed(stream)
        except Gone:
            # The client was too slow for too long. It gets a 410 when it reconnects.
            return
        finally:
            follower.close()
            self._end(stream)

    async def _feed(self, stream: _Stream) -> None:
        """Write to one client until its follower is closed."""
        while True:
            await stream.flow.ready()
            entries = stream.follower.take(BATCH)
            if entries is None:
                entries = await stream.follower.next(BATCH)
                if not entries:
                    return
                # A comment may have paused the connection meanwhile.
                await stream.flow.ready()
            if entries:
                stream.write(self._encode(entries))
            else:
                await self._wait_in_loop(stream)

    def _wait_in_loop(self, stream: _Stream) -> "Deferred[None]":
        """Add a stream to the loop.

        Returns:
            Fires when the stream has to catch up alone, or fails.

        """

        def leave(_: object) -> None:
            self._up_to_date.pop(stream, None)

        left: Deferred[None] = Deferred(leave)
        self._up_to_date[stream] = left
        if not self._is_looping:
            self._is_looping = True
            Deferred.fromCoroutine(self._write_to_all()).addErrback(self._loop_failed)
        return left

    async def _write_to_all(self) -> None:
        try:
            while self._up_to_date:
                upto = self._journal.held
                await in_batches(list(self._up_to_date), self._write_news, self._reactor)
                if self._journal.held == upto:
                    self._news = self._journal.more()
                    await self._news
        finally:
            self._is_looping, self._news = False, None

    def _write_news(self, stream: _Stream) -> None:
        if stream not in self._up_to_date:
            return
        entries: list[Entry] | None = []
        try:
            while not stream.flow.is_paused and (entries := stream.follower.take(BATCH)):
                stream.write(self._encode(entries))
        except Exception:  # noqa: BLE001 - a failure of this stream must not affect others
            self._up_to_date.pop(stream).errback(Failure())
            return
        if stream.flow.is_paused or entries is None:
            self._up_to_date.pop(stream).callback(None)

    def _loop_failed(self, failure: Failure) -> "Deferred[None]":
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
                lambda failure: _log.failure("the heartbeat of event streams has stopped", failure)
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
        except Exception:  # noqa: BLE001 - a failure of this stream must not affect others
            _log.failure("an event stream is closed: it cannot be written to")
            stream.request.abort()

    def _encode(self, entries: list[Entry]) -> bytes:
        return b"".join(map(self._frame, entries))

    def _frame(self, entry: Entry) -> bytes:
        """Return an entry as an event, encoded once for all streams."""
        frame = self._frames.get(entry.seq)
        if frame is None:
            data = entry.data
            if not data.isascii():
                for end, escaped in _LINE_ENDS.items():
                    data = data.replace(end, escaped)
            head = f"id: {entry.cursor}\nevent: {entry.kind}\n".encode()
            frame = head + b"data: %s\n\n" % data
            self._frames[entry.seq] = frame
            if len(self._frames) > FRAMES_KEPT:
                self._frames.popitem(last=False)
        return frame
