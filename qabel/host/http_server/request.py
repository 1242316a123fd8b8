"""A request whose body is kept in memory, up to a limit."""

from functools import partial
from io import BytesIO

from twisted.web.server import Request

from qabel.host.http_server.channel import BoundedChannel


class BoundedRequest(Request):
    """A request; a body of more than ``body_limit`` bytes is refused before all of it arrives."""

    body_limit: int
    too_large: bytes
    """The whole response that refuses such a body."""

    channel: BoundedChannel
    content: BytesIO
    is_trusted = False
    """Whether it is from a known client; if so, its connection is not closed for another one's."""

    _size = 0

    def head_received(self, method: bytes, target: bytes, version: bytes) -> bytes:
        """Look at the head, before any of the body has arrived; return the target to handle."""
        return target

    def gotLength(self, length: int | None) -> None:
        """Refuse a body that is too large, as soon as the headers have arrived."""
        # In memory, never in a file: what is sent may be a secret.
        self.content = BytesIO()
        if length is not None and length > self.body_limit:
            self._refuse_body()

    def handleContentChunk(self, data: bytes) -> None:
        """Take a part of the body."""
        self._size += len(data)
        if self._size > self.body_limit:
            self._refuse_body()
        else:
            self.keep(data)

    def keep(self, data: bytes) -> None:
        """Keep a part of the body."""
        self.content.write(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Handle the request, once the client has taken the responses to those before it."""
        handle = partial(super().requestReceived, command, path, version)
        if self.channel.is_full:
            self.channel.hold(handle)
        else:
            handle()

    def finish(self) -> None:
        """End the response. On a connection that is lost, it counts as not sent.

        Then ``notifyFinish`` fails, as soon as Twisted has noticed.
        """
        if self._disconnected or self.is_connected:
            super().finish()

    @property
    def is_connected(self) -> bool:
        """Whether a response can still be written."""
        channel = getattr(self, "channel", None)
        return channel is not None and not channel.is_lost

    def abort(self) -> None:
        """Close the connection immediately, so that nobody takes the response for complete."""
        if self.is_connected:
            self.channel.abort()

    def refuse(self, response: bytes) -> None:
        """Send a whole response before the body has arrived, and end the connection."""
        self.content = BytesIO()
        # Nothing may follow the response, not even "100 Continue".
        self.requestHeaders.removeHeader(b"Expect")
        self.channel.refuse(response)

    def _refuse_body(self) -> None:
        self._size = self.body_limit + 1
        self.refuse(self.too_large)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
