"""Many readers that wait with ``GET /drop?wait=``, and one message: how long others are blocked."""

import selectors
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Row
from bench.world import Connection, Daemon, daemon, drop_server

HELD = 0.5
"""Seconds after the last connection by which the daemon is waiting with all requests."""


def run(*, small: bool) -> Iterator[Row]:
    """Wake the readers with a message, in several rounds."""
    count, rounds = (20, 1) if small else (900, 7)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            drop_server(folder) as server,
            daemon(folder, "alice") as alice,
            daemon(folder, "bob", timed=True) as bob,
        ):
            cards = [each.api.meet("x", server) for each in (alice, bob)]
            alice.api.good("POST", "/contacts/import", cards[1])
            contact = alice.api.good("GET", "/contacts")[0]
            readings = [_read(alice, bob, contact["id"], count) for _ in range(rounds)]
    turns = [turn * 1000 for turn, _ in readings]
    taken = statistics.median(taken for _, taken in readings) * 1000
    yield Row(
        f"the reactor's longest turn while {count} waiting readers are woken, in ms",
        "one",
        statistics.median(turns),
        "<= 10",
        f"longest of all {max(turns):.0f} ms; {taken:.0f} ms until the last was woken",
    )


def _read(alice: Daemon, bob: Daemon, contact: int, count: int) -> tuple[float, float]:
    """Return the reactor's longest turn, and the seconds until the last reader was woken."""
    assert alice.api.port is not None
    peers = [_waiting(bob, number) for number in range(count)]
    time.sleep(HELD)
    sender = Connection(alice.api.port, alice.api.token)
    message = {"model_object": "chat", "data": {"msg": "x" * 100}}
    bob.forget_turns()
    start = time.perf_counter()
    assert (
        sender.post("/drop", {"sender": 1, "recipients": [contact], "drop_message": message}) == 201
    )
    with selectors.DefaultSelector() as selector:
        for peer in peers:
            selector.register(peer, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(60):
                selector.unregister(key.fileobj)
    taken, turn = time.perf_counter() - start, bob.longest_turn()
    # They end all at once, which is not part of the measurement.
    for peer in peers:
        assert b" 200 " in peer.recv(65536)[:20]
        peer.close()
    sender.close()
    return turn, taken


def _waiting(bob: Daemon, number: int) -> socket.socket:
    peer = socket.create_connection(("127.0.0.1", bob.api.port), timeout=60)
    peer.sendall(
        f"GET /drop?wait=60&consumer=c{number} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {bob.api.token}\r\n\r\n".encode()
    )
    return peer
