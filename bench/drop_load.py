"""Requests as fast as drop servers respond: ``python -m bench.drop_load KIND FIRST PORT…``.

KIND is ``posts`` or ``polls``. Each line on standard input is a number of seconds; how many
responses there were in that time is printed. The requests are prepared, and each connection has one
under way, so that this takes a tenth of the time of a server.

What is polled is posted first to the drop server at the port FIRST: cursors are a real server's.
"""

import os
import re
import select
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import cycle

from qabel.drop.transport import MESSAGE_SIZE
from qabel.drop.url import new_drop_id

CONNECTIONS = 256

DROPS = 1024

POLLED = 128

HEAD = "{method} /{drop} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Client Qabel\r\n{more}\r\n"


def post(drop: str, body: bytes | None = None) -> bytes:
    """Return a request that posts a message, by default one that was never posted before."""
    body = body or os.urandom(MESSAGE_SIZE)
    more = f"Content-Length: {len(body)}\r\n"
    return HEAD.format(method="POST", drop=drop, more=more).encode() + body


def poll(drop: str, latest: str = "") -> bytes:
    """Return a request for what is newer than a cursor."""
    more = f"X-Qabel-New-Since: {latest}\r\n" if latest else ""
    return HEAD.format(method="GET", drop=drop, more=more).encode()


def exchange(port: int, requests: Sequence[bytes]) -> Iterator[bytes]:
    """Send requests one after another; yield the responses, which are small."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for each in requests:
            peer.sendall(each)
            response = b""
            while not is_whole(response):
                data = peer.recv(1 << 20)
                assert data, response
                response += data
            yield response


def is_whole(response: bytes) -> bool:
    """Return whether all of a response has arrived."""
    end = response.find(b"\r\n\r\n") + 4
    if end < 4:
        return False
    length = re.search(rb"\r\nContent-Length: (\d+)\r\n", response[:end], re.IGNORECASE)
    return len(response) >= end + (int(length[1]) if length else 0)


class Load:
    """Connections to servers, each with one request after another.

    Args:
        ports: of the servers, which get as many connections each.
        requests: are sent in turns.

    """

    def __init__(self, ports: Sequence[int], requests: Sequence[bytes]) -> None:
        self._requests = cycle(requests)
        self._polling = select.epoll()
        self._peers: dict[int, socket.socket] = {}
        for port, _ in zip(cycle(ports), range(CONNECTIONS), strict=False):
            peer = socket.create_connection(("127.0.0.1", port))
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peers[peer.fileno()] = peer
            self._polling.register(peer, select.EPOLLIN)

    def count(self, seconds: float) -> int:
        """Send requests for so long; return how many were answered well meanwhile."""
        done, waiting = 0, len(self._peers)
        until = time.perf_counter() + seconds
        for peer in self._peers.values():
            peer.send(next(self._requests))
        while waiting:
            is_over = time.perf_counter() >= until
            for number, _ in self._polling.poll():
                peer = self._peers[number]
                response = peer.recv(65536)
                # Responses are small, and arrive in whole.
                assert response[9:12] in (b"200", b"304"), response
                if is_over:
                    waiting -= 1
                else:
                    done += 1
                    peer.send(next(self._requests))
        return done


def polls(port: int) -> list[bytes]:
    """Post a message to each of some drops; return what asks for newer ones."""
    drops = [new_drop_id() for _ in range(POLLED)]
    assert all(b" 200 " in each for each in exchange(port, [post(drop) for drop in drops]))
    responses = exchange(port, [poll(drop) for drop in drops])
    latest = [re.search(rb"X-Qabel-Latest: ([0-9.]+)", each) for each in responses]
    return [
        poll(drop, "0" if found is None else found[1].decode())
        for drop, found in zip(drops, latest, strict=True)
    ]


def main(kind: str, first: str, *ports: str) -> None:
    """Wait for numbers of seconds."""
    posts = [post(new_drop_id()) for _ in range(DROPS)]
    load = Load([int(each) for each in ports], posts if kind == "posts" else polls(int(first)))
    print("ready", flush=True)
    for line in sys.stdin:
        print(load.count(float(line)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
