"""A thousand listeners of ``/events`` and one event, compared with bare writes to as many."""

import contextlib
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.measure import Row
from bench.world import daemon

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n:\n\n"
EVENT = b"id: 0123456789abcdef.1\nevent: settings\ndata: {}\n\n"


class Listeners:
    """Connections that wait for an event."""

    def __init__(self, port: int, count: int, request: bytes) -> None:
        self.selector = selectors.DefaultSelector()
        self.peers = []
        for _ in range(count):
            peer = socket.create_connection(("127.0.0.1", port))
            peer.sendall(request)
            self.peers.append(peer)
        for peer in self.peers:
            while b"\r\n\r\n" not in (got := peer.recv(65536)):
                assert got, "the server closed a connection"
            self.selector.register(peer, selectors.EVENT_READ)
        self._drain()

    def _drain(self) -> None:
        """Discard what still arrives of the start of the streams."""
        while self.selector.select(0.3):
            for key, _ in self.selector.select(0):
                key.fileobj.recv(65536)  # type: ignore[union-attr]

    def reached_after(self, send: Callable[[], object]) -> float:
        """Return the seconds from the end of ``send`` until the event has reached the last one."""
        send()
        start = time.perf_counter()
        waiting = set(self.peers)
        while waiting:
            for key, _ in self.selector.select(5):
                if b"event:" in key.fileobj.recv(65536):  # type: ignore[union-attr]
                    waiting.discard(key.fileobj)  # type: ignore[arg-type]
        return time.perf_counter() - start

    def close(self) -> None:
        """Close all connections."""
        for peer in self.peers:
            peer.close()


def run(*, small: bool) -> Iterator[Row]:
    """Send events to both in turns."""
    count, rounds = (20, 2) if small else (1000, 41)
    with (
        tempfile.TemporaryDirectory() as name,
        daemon(Path(name), "me", "--no-push", timed=True) as me,
    ):
        head = "GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        request = f"{head}Authorization: Bearer {me.api.token}\r\n\r\n".encode()
        assert me.api.port is not None
        ours = Listeners(me.api.port, count, request)
        command = [sys.executable, "-m", "bench.listeners"]
        with (
            contextlib.closing(ours),
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as bare,
        ):
            assert bare.stdin is not None
            assert bare.stdout is not None
            theirs = Listeners(int(bare.stdout.readline()), count, b"GET / HTTP/1.1\r\n\r\n")

            def write() -> None:
                bare.stdin.write(b"x")  # type: ignore[union-attr]
                bare.stdin.flush()  # type: ignore[union-attr]

            me.forget_turns()
            pairs = []
            for number in range(rounds):
                body = {"key": "module_data.bench", "value": {"number": number}}
                mine = ours.reached_after(lambda body=body: me.api.good("PUT", "/settings", body))
                pairs.append((mine, theirs.reached_after(write)))
            turn = me.longest_turn() * 1000
            theirs.close()
            bare.terminate()
    yield Row(
        f"{count} listeners of /events, one event",
        "bare writes to as many",
        statistics.median(mine / other for mine, other in pairs),
        "<= 2",
        f"{statistics.median(mine for mine, _ in pairs) * 1000:.0f} ms until the last was reached",
    )
    yield Row("the reactor's longest turn meanwhile, in ms", "one", turn, "<= 10")


def bare_writes() -> None:
    """Write the same bytes to every connection for each byte on standard input."""
    from twisted.internet import endpoints, reactor
    from twisted.internet.protocol import Factory, Protocol
    from twisted.internet.stdio import StandardIO

    peers: list[Protocol] = []

    class Peer(Protocol):
        def dataReceived(self, data: bytes) -> None:
            self.transport.write(HEAD)  # type: ignore[union-attr]
            peers.append(self)

    class Input(Protocol):
        def dataReceived(self, data: bytes) -> None:
            for peer in peers:
                peer.transport.write(EVENT)  # type: ignore[union-attr]

    listening = endpoints.serverFromString(
        reactor, "tcp:0:interface=127.0.0.1:backlog=1024"
    ).listen(Factory.forProtocol(Peer))
    listening.addCallback(lambda port: print(port.getHost().port, flush=True))
    StandardIO(Input())
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    bare_writes()
