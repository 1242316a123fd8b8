"""Many listeners of drops, in one process: ``python -m bench.drop_listeners PORT COUNT [FILE]``.

With FILE, which has the certificate, they use TLS. Once all of them listen, "ready" is printed.
Each line on standard input is a number of messages: each is posted to the drop of another listener,
and the seconds until it arrives there are printed.
"""

import select
import socket
import ssl
import sys
import time
from functools import partial
from itertools import cycle

from bench.drop_load import is_whole, post
from qabel.drop.url import new_drop_id
from qabel.host.file_limit import raise_file_limit

HANDSHAKE = (
    "GET /{drop}/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)

PING = b"\x89\x00"

PONG = b"\x8a\x80" + bytes(4)

_MESSAGE = 0x82
"""The first byte of a frame with a message."""


class Listeners:
    """Connections that listen to a drop each, and one that posts."""

    def __init__(self, port: int, count: int, context: ssl.SSLContext | None) -> None:
        self._connect = partial(_connect, port, context)
        self._polling = select.epoll()
        self._peers: dict[int, tuple[socket.socket, str]] = {}
        """By the number of the socket's file."""
        for _ in range(count):
            drop = new_drop_id()
            peer = self._connect()
            peer.sendall(HANDSHAKE.format(drop=drop).encode())
            response = peer.recv(4096)
            assert response.startswith(b"HTTP/1.1 101"), response
            peer.setblocking(False)
            self._peers[peer.fileno()] = peer, drop
            self._polling.register(peer, select.EPOLLIN)
            self._answer_pings(0)
        self._turns = cycle(self._peers.items())

    def _answer_pings(self, wait: float) -> list[int]:
        """Read what has arrived; return the numbers of those that got a message."""
        reached = []
        for number, _ in self._polling.poll(wait):
            peer, _ = self._peers[number]
            try:
                data = peer.recv(65536)
            except ssl.SSLWantReadError:
                continue  # a ticket for another session, and no data
            assert data, "the server closed a connection"
            if data.startswith(PING):
                peer.send(PONG)
                data = data.removeprefix(PING)
            if data and data[0] == _MESSAGE:
                reached.append(number)
        return reached

    def post_to_one(self) -> float:
        """Post a message to one of the drops; return the seconds until it is pushed."""
        number, (_, drop) = next(self._turns)
        request = post(drop)
        with self._connect() as poster:
            start = time.perf_counter()
            poster.sendall(request)
            while number not in self._answer_pings(5):
                pass
            taken = time.perf_counter() - start
            assert is_whole(poster.recv(65536))
        return taken


def _connect(port: int, context: ssl.SSLContext | None) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", port), timeout=60)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain if context is None else context.wrap_socket(plain, server_hostname="127.0.0.1")


def main(port: str, count: str, file: str = "") -> None:
    """Wait for numbers of messages."""
    raise_file_limit()
    context = ssl.create_default_context(cafile=file) if file else None
    listeners = Listeners(int(port), int(count), context)
    print("ready", flush=True)
    for line in sys.stdin:
        print(*(listeners.post_to_one() for _ in range(int(line))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
