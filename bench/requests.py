"""Requests per second: the daemon with all its checks, and a bare Klein route of as many bytes."""

import contextlib
import selectors
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from attrs import define

from bench.measure import Row
from bench.world import bare_route, daemon

CONNECTIONS = 8


@define
class Load:
    """Requests to one server on persistent connections, as fast as it responds."""

    port: int
    request: bytes

    def rate(self, seconds: float) -> float:
        """Return the requests per second."""
        with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
            peers = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(CONNECTIONS)]
            size = 0
            for peer in peers:
                stack.enter_context(peer)
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                size = self._once(peer)
                selector.register(peer, selectors.EVENT_READ)
            for peer in peers:
                peer.sendall(self.request)
            return self._count(selector, size, seconds)

    def _once(self, peer: socket.socket) -> int:
        """Send one request, and return the size of the response."""
        peer.sendall(self.request)
        time.sleep(0.05)
        return len(peer.recv(1 << 20))

    def _count(self, selector: selectors.BaseSelector, size: int, seconds: float) -> float:
        responses, got = 0, {}
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            for key, _ in selector.select(1):
                peer = key.fileobj
                assert isinstance(peer, socket.socket)
                got[peer] = got.get(peer, 0) + len(peer.recv(1 << 20))
                if got[peer] >= size:
                    got[peer] = 0
                    responses += 1
                    peer.sendall(self.request)
        return responses / (time.perf_counter() - start)


def _request(method: str, path: str, token: str = "") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    return (head + (f"Authorization: Bearer {token}\r\n" if token else "") + "\r\n").encode()


def run(*, small: bool) -> Iterator[Row]:
    """Measure each kind of request in turns with its bare peer."""
    seconds, rounds = (0.2, 1) if small else (1.0, 7)
    with tempfile.TemporaryDirectory() as name, daemon(Path(name), "me", "--no-push") as me:
        token, port = me.api.token, me.api.port
        assert port is not None
        for method, path in (("GET", "/settings"), ("HEAD", "/drop"), ("GET", "/drop")):
            reply = me.api.ask(method, path)
            size = int(reply.headers.get("content-length", 0)) if method == "GET" else 0
            ours = Load(port, _request(method, path, token))
            with bare_route(reply.status, size) as bare:
                theirs = Load(bare, _request("GET", "/bare"))
                rates = [(ours.rate(seconds), theirs.rate(seconds)) for _ in range(rounds)]
            ratio = statistics.median(mine / other for mine, other in rates)
            best = max(mine for mine, _ in rates)
            yield Row(
                f"{method} {path}" + (" with nothing new" if path == "/drop" else ""),
                "a bare Klein route that returns as many bytes",
                ratio,
                ">= 0.85",
                f"{best:.0f} a second",
            )
