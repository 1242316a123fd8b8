"""A drop full of other people's messages: how fast it is read, and who notices."""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Row, seconds
from bench.world import Connection, Daemon, daemon, drop_server, fill
from qabel.crypto import PrivateKey
from qabel.drop.transport import MESSAGE_SIZE, Opener


def foreign(count: int) -> list[bytes]:
    """Make what looks like other people's messages, and costs as much to tell so."""
    return [b"\0" + os.urandom(MESSAGE_SIZE - 1) for _ in range(count)]


def run(*, small: bool) -> Iterator[Row]:
    """Measure one reading of the whole drop."""
    count = 1000 if small else 100_000
    messages = foreign(count)
    opener = Opener([PrivateKey.generate()])
    sample = messages[: min(count, 5000)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with daemon(folder, "me", "--no-push", timed=True) as me:
            port = me.api.port
            assert port is not None
            me.api.good("PUT", "/settings", {"key": "poll_interval", "value": 86400})
            client = Connection(port, me.api.token)
            idle = sorted(client.get("/settings") for _ in range(200 if small else 2000))
            before = me.memory()
            alone = seconds(lambda: opener.open_all(sample)) * count / len(sample)
            me.forget_turns()
            taken, latencies = _receive(folder, me, client, messages)
            alone = (alone + seconds(lambda: opener.open_all(sample)) * count / len(sample)) / 2
            client.close()
            turn = me.longest_turn() * 1000
            grown = me.peak_memory() - before
    yield Row(
        f"a drop of {count} foreign messages, fetched, opened, hashes stored",
        "opening alone, one thread",
        taken / alone,
        "<= 1.5",
        f"{taken:.1f} s, {count / taken:.0f} messages a second",
    )
    yield Row("its memory, in MB more", "one", grown, "<= 64")
    yield Row(
        "99th percentile of GET /settings meanwhile",
        "idle",
        _p99(latencies) / _p99(idle),
        "<= 3",
        f"{_p99(latencies) * 1000:.1f} ms, idle {_p99(idle) * 1000:.1f} ms; "
        f"median {statistics.median(latencies) * 1000:.1f} ms",
    )
    yield Row("the same, in ms", "one", _p99(latencies) * 1000, "<= 50")
    yield Row("the longest turn of the reactor meanwhile, in ms", "one", turn, "<= 10")


def _receive(
    folder: Path, me: Daemon, client: Connection, messages: list[bytes]
) -> tuple[float, list[float]]:
    """Have the drop read; gives the seconds that it took, and the times of requests meanwhile."""
    drop_id = "A" * 43
    fill(folder, drop_id, messages)
    latencies = []
    with drop_server(folder) as server:
        start = time.perf_counter()
        me.api.good("POST", "/identities", {"alias": "me", "drops": [f"{server}/{drop_id}"]})
        looked = start
        while True:
            latencies.append(client.get("/settings"))
            now = time.perf_counter()
            if now - looked > 0.2:
                looked = now
                server_status = me.api.good("GET", "/status")["drop_servers"]
                if server_status and server_status[0]["last_success"] is not None:
                    return now - start, sorted(latencies)
            time.sleep(0.002)


def _p99(times: list[float]) -> float:
    return times[int(len(times) * 0.99)]
