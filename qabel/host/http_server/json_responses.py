"""Requests that are answered with little: a status, a short body, an error as JSON."""

import json
import math

from qabel.host.http_server.channel import Refusals
from qabel.host.http_server.request import BoundedRequest


def refusal(status: bytes, error: bytes, *headers: bytes) -> bytes:
    """Return a whole response with an error, after which the connection is closed."""
    body = b'{"error": "%s"}' % error
    lines = (
        b"HTTP/1.1 " + status,
        b"Connection: close",
        *headers,
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
    )
    return b"\r\n".join((*lines, b"", body))


REFUSALS = Refusals(
    malformed=refusal(b"400 Bad Request", b"Bad request"),
    too_slow=refusal(b"408 Request Timeout", b"Request timeout"),
    full=refusal(b"503 Service Unavailable", b"Unavailable", b"Retry-After: 60"),
)


class JsonRequest(BoundedRequest):
    """A request whose errors are JSON."""

    defaultContentType = None

    def respond(self, status: int, body: bytes = b"", reason: bytes | None = None) -> None:
        """Send a whole response, unless the connection is lost; headers about it may be set.

        Args:
            status: of the response.
            body: empty for none.
            reason: what the status line says; None for what it usually says.

        """
        if not self.is_connected:
            return
        self.setResponseCode(status, reason)
        if status not in (204, 304):
            self.responseHeaders.setRawHeaders(b"Content-Length", [b"%d" % len(body)])
        if body and self.method != b"HEAD":
            self.write(body)
        self.finish()

    def respond_json(self, status: int, value: object, reason: bytes | None = None) -> None:
        """Send a whole response with JSON."""
        self.responseHeaders.setRawHeaders(b"Content-Type", [b"application/json"])
        self.respond(status, json.dumps(value).encode("ascii"), reason)

    def reject(self, status: int, text: str) -> None:
        """Respond with an error."""
        self.respond_json(status, {"error": text})

    def reject_method(self, allowed: bytes) -> None:
        """Respond that only some methods are allowed."""
        self.responseHeaders.setRawHeaders(b"Allow", [allowed])
        self.reject(405, "Method not allowed")

    def reject_handshake(self, status: int, text: str) -> None:
        """Respond to a request for a WebSocket that is not one as it should be."""
        self.responseHeaders.setRawHeaders(b"Upgrade", [b"websocket"])
        self.responseHeaders.setRawHeaders(b"Sec-WebSocket-Version", [b"13"])
        self.reject(status, text)

    def put_off(self, status: int, text: str, seconds: float) -> None:
        """Respond with an error, and have the client come back after some seconds."""
        self.responseHeaders.setRawHeaders(b"Retry-After", [b"%d" % math.ceil(seconds)])
        self.reject(status, text)
