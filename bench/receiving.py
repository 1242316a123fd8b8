"""A drop full of other people's messages: how fast it is read, and how that affects requests."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from attrs import frozen

from bench.measure import Row, seconds
from bench.world import Connection, Daemon, bare_route, daemon, drop_server, fill
from qabel.crypto import PrivateKey
from qabel.drop.transport import MESSAGE_SIZE, Opener


@frozen
class Reading:
    """One reading of the whole drop. Times in seconds, memory in MB."""

    taken: float
    alone: float
    """Opening alone, in one thread."""
    grown: float
    turn: float
    """The longest turn of the reactor."""
    idle: list[float]
    """Requests of ``GET /settings`` while nothing is read, sorted."""
    ours: list[float]
    """The same requests during the reading."""
    bare: list[float]
    """Requests during the reading to a bare Klein route, in a process that does nothing else."""


def foreign(count: int) -> list[bytes]:
    """Return messages that cost as much to open in vain as those of other people."""
    return [b"\0" + os.urandom(MESSAGE_SIZE - 1) for _ in range(count)]


def run(*, small: bool) -> Iterator[Row]:
    """Measure several readings of the whole drop."""
    count, rounds = (1000, 1) if small else (100_000, 5)
    messages = foreign(count)
    readings = [_read(messages, idle=200 if small else 2000) for _ in range(rounds)]
    taken = _middle(readings, lambda each: each.taken)
    yield Row(
        f"a drop of {count} foreign messages: fetched, opened, hashes stored",
        "opening alone, one thread",
        _middle(readings, lambda each: each.taken / each.alone),
        "<= 1.5",
        f"{taken:.1f} s, {count / taken:.0f} messages a second",
    )
    yield Row("the additional memory, in MB", "one", max(each.grown for each in readings), "<= 64")
    yield from _waits(readings)
    turn = _middle(readings, lambda each: each.turn) * 1000
    detail = f"longest of all {max(each.turn for each in readings) * 1000:.0f} ms"
    yield Row("the reactor's longest turn meanwhile, in ms", "one", turn, "<= 10", detail)


def _waits(readings: list[Reading]) -> Iterator[Row]:
    what = "99th percentile of GET /settings meanwhile"
    slowest = _middle(readings, lambda each: _p99(each.ours)) * 1000
    idle = _middle(readings, lambda each: _p99(each.idle)) * 1000
    bare = _middle(readings, lambda each: _p99(each.bare)) * 1000
    middle = _middle(readings, lambda each: statistics.median(each.ours)) * 1000
    yield Row(
        what,
        "idle",
        _middle(readings, lambda each: _p99(each.ours) / _p99(each.idle)),
        "<= 3",
        f"{slowest:.1f} ms, idle {idle:.1f} ms; median {middle:.1f} ms",
    )
    yield Row(
        what,
        "that of a bare Klein route, requested in turns",
        _middle(readings, lambda each: _p99(each.ours) / _p99(each.bare)),
        "<= 3",
        f"its own {bare:.1f} ms",
    )
    yield Row("the same, in ms", "one", slowest, "<= 50")


def _middle(readings: list[Reading], figure: Callable[[Reading], float]) -> float:
    """Return the median of a figure over all readings."""
    return statistics.median(map(figure, readings))


def _read(messages: list[bytes], *, idle: int) -> Reading:
    """Measure a new daemon that reads the drop once."""
    opener = Opener([PrivateKey.generate()])
    sample = messages[:5000]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with daemon(folder, "me", "--no-push", timed=True) as me, bare_route(200, 100) as bare:
            port = me.api.port
            assert port is not None
            me.api.good("PUT", "/settings", {"key": "poll_interval", "value": 86400})
            ours, theirs = Connection(port, me.api.token), Connection(bare)
            quiet = sorted(ours.get("/settings") for _ in range(idle))
            before = me.memory()
            alone = seconds(lambda: opener.open_all(sample))
            me.forget_turns()
            taken, mine, others = _receive(folder, me, (ours, theirs), messages)
            alone += seconds(lambda: opener.open_all(sample))
            ours.close()
            theirs.close()
            return Reading(
                taken=taken,
                alone=alone / 2 * len(messages) / len(sample),
                grown=me.peak_memory() - before,
                turn=me.longest_turn(),
                idle=quiet,
                ours=mine,
                bare=others,
            )


def _receive(
    folder: Path, me: Daemon, clients: tuple[Connection, Connection], messages: list[bytes]
) -> tuple[float, list[float], list[float]]:
    """Wait until the drop is read. Return the seconds, and the times of requests meanwhile."""
    ours, theirs = clients
    drop_id = "A" * 43
    fill(folder, drop_id, messages)
    mine, others = [], []
    with drop_server(folder) as server:
        start = time.perf_counter()
        me.api.good("POST", "/identities", {"alias": "me", "drops": [f"{server}/{drop_id}"]})
        checked = start
        while True:
            mine.append(ours.get("/settings"))
            others.append(theirs.get("/bare"))
            now = time.perf_counter()
            if now - checked > 0.2:
                checked = now
                server_status = me.api.good("GET", "/status")["drop_servers"]
                if server_status and server_status[0]["last_success"] is not None:
                    return now - start, sorted(mine), sorted(others)
            time.sleep(0.002)


def _p99(times: list[float]) -> float:
    return times[int(len(times) * 0.99)]
