"""The drop server for many: posts, polls, listeners, long drops, and several front ends."""

import resource
import socket
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from os import urandom
from pathlib import Path

from bench.drop_load import CONNECTIONS, poll
from bench.drop_servers import IS_DATABASE_THERE, Servers, client, file_server, front_ends
from bench.measure import Row, paired, seconds
from bench.world import bare_process, fill, memory, process_at_port
from qabel.drop.transport import MESSAGE_SIZE
from qabel.drop.url import new_drop_id
from qabel.dropserver.message_values import hash_drop_id
from qabel.host.file_limit import raise_file_limit

RESOURCE = "a bare Twisted resource"


def run(*, small: bool) -> Iterator[Row]:
    """Measure each beside its peer."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with file_server(folder) as servers:
            yield from _requests(servers, "SQLite", 0.5, small=small)
        if IS_DATABASE_THERE:
            with front_ends(folder, 2) as servers:
                yield from _requests(servers, "PostgreSQL", 0.4, small=small)
                yield _two_front_ends(servers, small=small)
        else:
            print("PostgreSQL is not measured: it is not installed", file=sys.stderr)
        yield from _listeners(folder, 50 if small else 10_000)
        yield from _listeners(folder, 20 if small else 2_000, tls=True)
        yield _long_drop(folder, small=small)


def _requests(servers: Servers, engine: str, least: float, *, small: bool) -> Iterator[Row]:
    """Compare posts and polls with those of a bare resource, in turns."""
    time, rounds = (0.2, 1) if small else (2.0, 9)
    first = servers.ports[0]
    for kind, what, bound in (
        ("posts", f"durable posts, {engine}", least),
        ("polls", f"polls with nothing new, {engine}", 0.6),
    ):
        with (
            bare_process("bench.bare_resource") as bare,
            client("bench.drop_load", kind, first, first) as ours,
            client("bench.drop_load", kind, first, bare) as theirs,
        ):
            ours(time)
            theirs(time)
            rates = [(int(ours(time)) / time, int(theirs(time)) / time) for _ in range(rounds)]
        yield Row(
            what,
            RESOURCE,
            statistics.median(mine / other for mine, other in rates),
            f">= {bound}",
            f"{statistics.median(mine for mine, _ in rates):.0f} a second of {CONNECTIONS} clients"
            f" (bare {statistics.median(other for _, other in rates):.0f})",
        )


def _two_front_ends(servers: Servers, *, small: bool) -> Row:
    """Compare the CPU time of a post by two front ends with that by one, database included."""
    time, rounds = (0.2, 1) if small else (2.0, 7)
    one, two = servers.ports

    def cost(load: Callable[[object], str]) -> float:
        before = servers.cpu()
        count = int(load(time))
        return (servers.cpu() - before) / count

    with (
        client("bench.drop_load", "posts", one, one) as alone,
        client("bench.drop_load", "posts", one, one, two) as both,
    ):
        cost(alone)
        cost(both)
        costs = [(cost(both), cost(alone)) for _ in range(rounds)]
    least = statistics.median(one for _, one in costs) * 1e6
    return Row(
        "CPU time of a post with two front ends, with the database's",
        "with one",
        statistics.median(mine / other for mine, other in costs),
        "<= 1.15",
        f"{least:.0f} µs with one",
    )


def _listeners(folder: Path, wanted: int, *, tls: bool = False) -> Iterator[Row]:
    """Measure the memory that listeners need, and how long a message takes to one of them."""
    raise_file_limit()
    count = min(wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
    file = [str(folder / "certificate")] if tls else []
    directory = str(folder / f"roomy{len(file)}")
    with process_at_port("bench.roomy_drops", directory, str(count), *file) as (pid, port):
        with client("bench.drop_listeners", port, 10, *file) as few:
            few(10)
        before = memory(pid)
        with client("bench.drop_listeners", port, count, *file) as ask:
            each = (memory(pid) - before) / count
            times = [float(taken) * 1000 for taken in ask(100).split()]
    who = f"{count:,} listeners{' over TLS' if tls else ''}"
    fewer = "" if count == wanted else f"the system does not allow {wanted:,}"
    yield Row(f"memory of each of {who}, in kB", "one", each, f"<= {40 if tls else 10}", fewer)
    yield Row(
        f"a message to one of {who}, median",
        "20 ms",
        statistics.median(times) / 20,
        "<= 1",
        f"{statistics.median(times):.1f} ms, the longest {max(times):.0f}",
    )


def _long_drop(folder: Path, *, small: bool) -> Row:
    """Compare the time that it takes to get a long drop with that of reading it from the file."""
    count, rounds = (1000, 1) if small else (100_000, 5)
    drop = new_drop_id()
    fill(folder, drop, [urandom(MESSAGE_SIZE) for _ in range(count)])
    with file_server(folder, "drops") as servers:
        request, port = poll(drop), servers.ports[0]
        ratio = paired(
            lambda: _get(port, request),
            lambda: _read(folder / "drops" / "drops.sqlite", drop, count),
            rounds,
        )
        taken = min(seconds(lambda: _get(port, request)) for _ in range(2))
    size = count * MESSAGE_SIZE / 1e6
    return Row(
        f"a drop of {count:,} messages, streamed",
        "reading it with plain sqlite3",
        ratio,
        ">= 0.5",
        f"{size / taken:.0f} MB a second",
    )


def _get(port: int, request: bytes) -> None:
    """Get all of a drop."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        peer.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        buffer = bytearray(1 << 18)
        got = 0
        while more := peer.recv_into(buffer):
            got += more
    assert got > 1_000_000, "this is no drop"


def _read(path: Path, drop: str, count: int) -> None:
    """Read all messages of a drop."""
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "SELECT stamp, body FROM message WHERE place = ? ORDER BY stamp", (hash_drop_id(drop),)
    )
    assert sum(1 for _ in rows) == count
    connection.close()
