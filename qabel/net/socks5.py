"""The client's side of SOCKS5 (RFC 1928, 1929) without any I/O: bytes in, bytes out.

``Socks5Client`` asks a proxy for one connection. It offers to authenticate, and not to, and does
whichever the proxy chooses.
"""

from collections.abc import Callable
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

import attrs

Target: TypeAlias = IPv4Address | IPv6Address | str
"""What to connect to: an address, or a name in ASCII that the proxy resolves."""

MAX_NAME = 255
"""Bytes that a host name may have."""

_VERSION = 5
_PASSWORD_VERSION = 1
_NO_AUTHENTICATION, _PASSWORD, _NONE_ACCEPTABLE = 0, 2, 0xFF
_CONNECT = 1
_IPV4, _NAME, _IPV6 = 1, 3, 4
_ADDRESS_SIZES = {_IPV4: 4, _IPV6: 16}


class Blame(Enum):
    """Whose failure it is that there is no connection."""

    PROXY = "proxy"
    SERVER = "server"
    UNKNOWN = "unknown"
    """The proxy says only that it failed: it may be the server that cannot be reached."""


class Socks5Failed(Exception):
    """There is no connection.

    ``detail`` says why the proxy could not connect to the server if that is to blame; otherwise it
    continues "The proxy".
    """

    def __init__(self, detail: str, blame: Blame = Blame.PROXY) -> None:
        super().__init__(detail)
        self.detail = detail
        self.blame = blame


_REPLIES = {
    1: ("failed to connect, and gave no reason", Blame.UNKNOWN),
    2: ("not allowed by the rules of the proxy", Blame.SERVER),
    3: ("network unreachable", Blame.SERVER),
    4: ("host unreachable, or unknown host name", Blame.SERVER),
    5: ("connection refused", Blame.SERVER),
    6: ("no response in time", Blame.SERVER),
    7: ("does not support outgoing connections", Blame.PROXY),
    8: ("type of address not supported by the proxy", Blame.SERVER),
    # Tor's, with the flag ExtendedErrors of its SocksPort.
    0xF0: ("onion service not found", Blame.SERVER),
    0xF1: ("the descriptor of the onion service is not valid", Blame.SERVER),
    0xF2: ("the onion service did not accept the introduction", Blame.SERVER),
    0xF3: ("the onion service did not come to the rendezvous", Blame.SERVER),
    0xF4: ("the onion service requires client authorization", Blame.SERVER),
    0xF5: ("the onion service rejected the client authorization", Blame.SERVER),
    0xF6: ("not a valid onion address", Blame.SERVER),
    0xF7: ("the introduction to the onion service timed out", Blame.SERVER),
}


@attrs.define(eq=False, repr=False)
class Socks5Client:
    """Asks a proxy for a connection.

    Send ``greeting``, then whatever ``feed`` returns, until ``is_connected``: all that arrives
    after that comes from the server, ``rest`` first.

    Args:
        target: what to connect to.
        port: the port there.
        credentials: user name and password, of 1 to 255 bytes each.

    """

    _target: Target
    _port: int
    _credentials: tuple[bytes, bytes]
    is_greeted: bool = attrs.field(default=False, init=False)
    """Whether the proxy has responded, and speaks SOCKS5."""
    is_authenticated: bool = attrs.field(default=False, init=False)
    """Whether the proxy asked for the user name and password, and accepted them."""
    is_connected: bool = attrs.field(default=False, init=False)
    """Whether the proxy has connected to the target."""
    _buffer: bytes = attrs.field(default=b"", init=False)
    _next: Callable[[], bytes | None] = attrs.field(init=False)
    """Handles the next reply: returns what to send, or None if the reply is not complete."""

    def __attrs_post_init__(self) -> None:
        self._next = self._read_method

    @property
    def greeting(self) -> bytes:
        """The first bytes to send. Raises Socks5Failed if the proxy cannot be asked for the target.

        The user name and password come first, as some proxies take the first method that they know.
        """
        if isinstance(self._target, str) and not 1 <= len(self._target) <= MAX_NAME:
            raise Socks5Failed(f"host name longer than {MAX_NAME} bytes", Blame.SERVER)
        return bytes((_VERSION, 2, _PASSWORD, _NO_AUTHENTICATION))

    @property
    def rest(self) -> bytes:
        """What has arrived from the server already."""
        return self._buffer if self.is_connected else b""

    def feed(self, data: bytes) -> bytes:
        """Handle what the proxy sent and return what to send. Raises Socks5Failed."""
        self._buffer += data
        sent = b""
        while not self.is_connected:
            response = self._next()
            if response is None:
                break
            sent += response
        return sent

    def _read_method(self) -> bytes | None:
        if self._buffer[:1] not in (b"", bytes((_VERSION,))):
            raise Socks5Failed("does not speak SOCKS5")
        reply = self._take(2)
        if reply is None:
            return None
        self.is_greeted = True
        if reply[1] == _NO_AUTHENTICATION:
            return self._ask()
        if reply[1] == _PASSWORD:
            user, password = self._credentials
            self._next = self._read_authentication
            return b"".join(
                (bytes((_PASSWORD_VERSION, len(user))), user, bytes((len(password),)), password)
            )
        if reply[1] == _NONE_ACCEPTABLE:
            raise Socks5Failed("wants another kind of authentication than user name and password")
        raise Socks5Failed("chose an authentication method that was not offered")

    def _read_authentication(self) -> bytes | None:
        # RFC 1929 has version 1 here, but some proxies send another: the status is what counts.
        reply = self._take(2)
        if reply is None:
            return None
        if reply[1] != 0:
            raise Socks5Failed("rejected the user name and password")
        self.is_authenticated = True
        return self._ask()

    def _ask(self) -> bytes:
        self._next = self._read_reply
        request = bytes((_VERSION, _CONNECT, 0))
        return request + _encode(self._target) + self._port.to_bytes(2, "big")

    def _read_reply(self) -> bytes | None:
        """Read a reply; of a failure the first two bytes are enough, whatever follows them."""
        buffer = self._buffer
        if buffer[:1] not in (b"", bytes((_VERSION,))):
            raise Socks5Failed("sent an invalid reply")
        if len(buffer) >= 2 and buffer[1] != 0:
            unknown = (f"failed to connect, with code {buffer[1]}", Blame.UNKNOWN)
            raise Socks5Failed(*_REPLIES.get(buffer[1], unknown))
        if len(buffer) < 5:
            return None
        kind = buffer[3]
        size = 1 + buffer[4] if kind == _NAME else _ADDRESS_SIZES.get(kind)
        if size is None:
            raise Socks5Failed("sent an invalid reply")
        if self._take(4 + size + 2) is None:
            return None
        self.is_connected = True
        return b""

    def _take(self, count: int) -> bytes | None:
        """Remove bytes from the buffer and return them, or None if there are fewer."""
        if len(self._buffer) < count:
            return None
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken


def _encode(target: Target) -> bytes:
    if isinstance(target, IPv4Address):
        return bytes((_IPV4,)) + target.packed
    if isinstance(target, IPv6Address):
        return bytes((_IPV6,)) + target.packed
    name = target.encode("ascii")
    return bytes((_NAME, len(name))) + name
