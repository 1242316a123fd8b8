"""The opening handshake of WebSocket push (RFC 6455, section 4.2)."""

import re

from twisted.web.http_headers import Headers
from wsproto.utilities import generate_accept_token

_KEY = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==")


class BadHandshake(Exception):
    """The request is not a WebSocket handshake; ``status`` and ``text`` are for the response."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def accept_handshake(headers: Headers, subprotocol: bytes) -> bytes:
    """Return the response to a WebSocket handshake, which confirms a subprotocol if it is offered.

    Raises BadHandshake.
    """
    if b"websocket" not in _tokens(headers, b"Upgrade", lower=True):
        raise BadHandshake(400, "Not a WebSocket handshake")
    if b"upgrade" not in _tokens(headers, b"Connection", lower=True):
        raise BadHandshake(400, "Missing Connection: Upgrade header")
    if _tokens(headers, b"Sec-WebSocket-Version") != [b"13"]:
        raise BadHandshake(426, "Only WebSocket version 13")
    keys = headers.getRawHeaders(b"Sec-WebSocket-Key", [])
    if len(keys) != 1 or _KEY.fullmatch(keys[0]) is None:
        raise BadHandshake(400, "Missing Sec-WebSocket-Key header")
    response = [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: WebSocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + generate_accept_token(keys[0]),
    ]
    if subprotocol in _tokens(headers, b"Sec-WebSocket-Protocol"):
        response.append(b"Sec-WebSocket-Protocol: " + subprotocol)
    return b"\r\n".join([*response, b"", b""])


def _tokens(headers: Headers, name: bytes, *, lower: bool = False) -> list[bytes]:
    """Return the comma-separated tokens of a header."""
    values = b",".join(headers.getRawHeaders(name, []))
    return [(token.lower() if lower else token).strip() for token in values.split(b",")]
