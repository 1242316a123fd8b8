"""A request whose body is kept in memory, up to a limit."""

from io import BytesIO
from typing import ClassVar

from twisted.web.server import Request

from qabel.host.http_server.channel import BoundedChannel


class BoundedRequest(Request):
    """A request; a body of more than ``body_limit`` bytes is refused before all of it has come."""

    body_limit: ClassVar[int]
    too_large: ClassVar[bytes]
    """The whole response that refuses such a body."""

    channel: BoundedChannel
    content: BytesIO
    is_trusted = False
    """Whether it is from somebody who is known: then its connection is not ended for another's."""

    _size = 0

    def gotLength(self, length: int | None) -> None:
        """Refuse a body that is too large. Its headers are here."""
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
        """Handle what has arrived, unless it was refused before."""
        if self._size <= self.body_limit:
            super().requestReceived(command, path, version)

    @property
    def is_connected(self) -> bool:
        """Whether there is somebody to respond to."""
        return not self._disconnected

    def abort(self) -> None:
        """Close the connection at once: what was sent cannot be taken as the whole response."""
        if self.channel is not None:
            self.channel.abort()

    def _refuse_body(self) -> None:
        self._size = self.body_limit + 1
        self.content = BytesIO()
        # Nothing is to follow the response, such as leave to send the body.
        self.requestHeaders.removeHeader(b"Expect")
        self.channel.refuse(self.too_large)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
