"""The HTTP server of a block server: its limits, and requests whose bodies go to the storage.

What is requested names whose files they are, so nothing here logs a request or a client.
"""

from typing import Protocol, cast

from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.http import datetimeToString
from twisted.web.resource import IResource

from qabel.blockserver.block_values import BlockRefused
from qabel.blockserver.index_thread import IndexUnavailable
from qabel.blockserver.refusals import refusal_of
from qabel.blockserver.upload import Upload
from qabel.host.http_server.json_responses import REFUSALS, JsonRequest, refusal
from qabel.host.http_server.site import BoundedSite, SourceLimit
from qabel.host.http_server.sources import Sources

REQUEST_TIME = 30.0
"""Seconds within which a head must arrive, and that a connection may be without a request."""

SILENCE = 60.0
"""Seconds in which some of a body must arrive. However long it is, it may take its time."""

SMALL = 2**20
"""Bytes of a body that are read and discarded, so that the connection stays after a refusal."""

_BODY_OF_OTHERS = 64 * 1024


class Uploads(Protocol):
    """Takes uploads."""

    max_body: int
    """Bytes that one may have."""

    def begin_upload(self, request: "BlockRequest", target: bytes, size: int) -> Upload | None:
        """Return the upload that a POST is, before any of it has arrived; None if it is none.

        Raises an exception that ``refusals`` knows if it is one that is refused.
        """


class BlockRequest(JsonRequest):
    """A request. The body of an upload is passed on; others have none to speak of."""

    body_limit = _BODY_OF_OTHERS
    too_large = refusal(b"400 Bad Request", b"Body too large")
    upload: Upload | None = None
    refusal: Exception | None = None
    """Why it was refused, if all of it is to arrive before that is said."""
    _target = b""
    _is_post = False
    _is_refused = False
    _announced: int | None = None
    """Bytes that the body has, if the client has said it."""

    def head_received(self, method: bytes, target: bytes, version: bytes) -> bytes:
        """Note what is requested."""
        self._target, self._is_post = target, method == b"POST"
        return target

    def gotLength(self, length: int | None) -> None:
        """Begin an upload, if it is one that may have so many bytes."""
        self._announced = length
        uploads = cast("Uploads", self.channel.site.resource)  # type: ignore[attr-defined]
        try:
            upload = self._is_post and uploads.begin_upload(self, self._target, length or 0)
        except (BlockRefused, IndexUnavailable) as error:
            if not self._is_small:
                self._refuse_now(error)
                return
            upload, self.refusal, self.body_limit = None, error, SMALL
        if upload:
            self.body_limit = uploads.max_body
        super().gotLength(length)
        if upload and (length is None or length <= self.body_limit):
            self.upload = upload
            # Now that it is wanted, it may take longer than a head, and makes no room for others.
            self.channel.site.busy(self.channel)
            upload.begin(self._refused)

    @property
    def _is_small(self) -> bool:
        return self._announced is not None and self._announced <= SMALL

    def pause(self) -> None:
        """Let nothing more of the body arrive for now."""
        if self.is_connected:
            self.channel.setTimeout(None)
            self.channel.transport.pauseProducing()

    def resume(self) -> None:
        """Let more of the body arrive."""
        if self.is_connected:
            self.channel.setTimeout(SILENCE)
            self.channel.transport.resumeProducing()

    def keep(self, data: bytes) -> None:
        """Take a part of the body. What is no upload, or is refused, is discarded."""
        if self.upload is not None and not self._is_refused:
            self.channel.setTimeout(SILENCE)
            self.upload.receive(data)

    def refuse(self, response: bytes) -> None:
        """Send a whole response before the body has arrived, and end the connection."""
        self._give_up()
        super().refuse(response)

    def connectionLost(self, reason: Failure) -> None:
        """Give up what has not arrived completely."""
        self._give_up()
        super().connectionLost(reason)

    def _give_up(self) -> None:
        upload, self.upload = self.upload, None
        if upload is not None:
            upload.abort()

    def _refused(self, error: Exception) -> None:
        """Respond to an upload that is refused before all of it has arrived."""
        if not self._is_small:
            self._refuse_now(error)
        elif self.is_connected:
            # When the rest has arrived, which may not take long, the upload says why it failed.
            self._is_refused = True
            self.channel.site.idle(self.channel)
            self.channel.setTimeout(REQUEST_TIME)
            self.channel.transport.resumeProducing()

    def _refuse_now(self, error: Exception) -> None:
        found = refusal_of(error)
        text = found.text.encode("ascii")
        lines = (("Date", datetimeToString().decode("ascii")), *found.headers)
        headers = (f"{name}: {value}".encode("ascii") for name, value in lines)
        self.refuse(refusal(b"%d %s" % (found.status, text), text, *headers))


def make_block_site(
    resource: IResource,
    reactor: IReactorTime,
    *,
    max_connections: int,
    sources: Sources,
    most_each: int,
) -> BoundedSite:
    """Return the HTTP server of a block server's resource.

    Args:
        resource: the resource, which takes uploads.
        reactor: measures all times.
        max_connections: connections that are served at the same time.
        sources: tells where connections come from.
        most_each: connections from one source.

    """
    return BoundedSite(
        resource,
        BlockRequest,
        REFUSALS,
        reactor=reactor,
        max_connections=max_connections,
        request_time=REQUEST_TIME,
        each=SourceLimit(sources.of_connection, most_each),
    )
