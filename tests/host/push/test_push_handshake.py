"""The WebSocket handshake of push, in memory."""

import pytest
from twisted.web.http_headers import Headers

from qabel.host.push.push_handshake import BadHandshake, accept_handshake

GOOD = {
    "Upgrade": "websocket",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


def accept(**changes: str) -> bytes:
    """Return the response to a valid handshake with some headers changed."""
    changed = {name.replace("_", "-"): value for name, value in changes.items()}
    headers = Headers({name: [value] for name, value in (GOOD | changed).items()})
    return accept_handshake(headers, b"v0.ws.drop.qabel.de")


def test_accepted() -> None:
    """The response is that of the example in RFC 6455, with the deployed server's headers."""
    assert accept() == (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    )


def test_tokens() -> None:
    """Upgrade and Connection may be lists, in any case."""
    assert accept(Upgrade="h2c, WebSocket", Connection="UPGRADE,keep-alive") == accept()


def test_subprotocol() -> None:
    """Our subprotocol is confirmed if it was offered; others are ignored."""
    confirmed = b"\r\nSec-WebSocket-Protocol: v0.ws.drop.qabel.de\r\n"
    assert confirmed in accept(Sec_WebSocket_Protocol="other, v0.ws.drop.qabel.de")
    assert accept(Sec_WebSocket_Protocol="other") == accept()


@pytest.mark.parametrize(
    ("changes", "status", "text"),
    [
        ({"Upgrade": "h2c"}, 400, "Not a WebSocket handshake"),
        ({"Connection": "close"}, 400, "Missing Connection: Upgrade header"),
        ({"Sec_WebSocket_Key": ""}, 400, "Missing Sec-WebSocket-Key header"),
        ({"Sec_WebSocket_Key": "short"}, 400, "Missing Sec-WebSocket-Key header"),
        ({"Sec_WebSocket_Version": "8"}, 426, "Only WebSocket version 13"),
    ],
)
def test_rejected(changes: dict[str, str], status: int, text: str) -> None:
    """Each part of the handshake is required."""
    with pytest.raises(BadHandshake) as caught:
        accept(**changes)
    assert (caught.value.status, caught.value.text) == (status, text)
