"""A large inbox: the cost of starting with it, checking it for new messages, and reading it."""

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from bench.measure import Row
from bench.world import LISTEN, Connection, Daemon, daemon
from tests.integration.full_inbox import INSERT, fill, row
from tests.integration.processes import Twistd

KIND = "chat"
DATA = '{"msg":"' + "x" * 100 + '"}'


def run(*, small: bool) -> Iterator[Row]:
    """Compare a daemon with a million messages to one without any."""
    count, rounds = (2000, 3) if small else (1_000_000, 200)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        for each in ("full", "empty"):
            with daemon(folder, each, "--no-push"):
                pass
        fill(folder / "full", count, KIND, DATA)
        starts = [
            (_start(folder, "full"), _start(folder, "empty")) for _ in range(1 if small else 7)
        ]
        yield _row("start-up", "", [mine / other for mine, other in starts])
        full, empty = (
            stack.enter_context(daemon(folder, each, "--no-push")) for each in ("full", "empty")
        )
        yield from _checks(full, empty, rounds)
        yield _page(full, folder, 1000, 3 if small else 15)


def _row(what: str, detail: str, ratios: list[float]) -> Row:
    what = f"inbox of 1,000,000 messages: {what}"
    return Row(what, "an empty one", statistics.median(ratios), "<= 1.2", detail)


def _start(folder: Path, name: str) -> float:
    start = time.perf_counter()
    arguments = ["qabel-rest", "--data-dir", str(folder / name), "--listen", LISTEN]
    with Twistd(folder / "timed.log", *arguments) as process:
        process.port("qabel-rest")
        return time.perf_counter() - start


def _checks(full: Daemon, empty: Daemon, rounds: int) -> Iterator[Row]:
    connections = [Connection(each.api.port or 0, each.api.token) for each in (full, empty)]
    cursors = [each.api.good("GET", "/status")["inbox"]["latest"] for each in (full, empty)]
    for method, what in (("HEAD", "HEAD from the newest cursor"), ("GET", "GET from there")):
        ratios = []
        for _ in range(rounds):
            mine, other = (
                min(connection.get(f"/drop?since={cursor}", method) for _ in range(5))
                for connection, cursor in zip(connections, cursors, strict=True)
            )
            ratios.append(mine / other)
        yield _row(what, "", ratios)
    for connection in connections:
        connection.close()


def _page(full: Daemon, folder: Path, limit: int, rounds: int) -> Row:
    """Compare reading a page with reading the same rows from plain SQLite."""
    plain = sqlite3.connect(folder / "plain.db")
    plain.execute(
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, version INT, time_stamp INT, "
        "acknowledge_id TEXT, sender BLOB, receiver BLOB, model_object TEXT, data TEXT, "
        "received INT, identity_id INT, contact_id INT)"
    )
    plain.executemany(INSERT, (row(number, KIND, DATA) for number in range(limit)))
    plain.commit()
    connection = Connection(full.api.port or 0, full.api.token)
    path = f"/drop?since=0&limit={limit}"
    ratios = [_timed(lambda: _plain(plain, limit)) / connection.get(path) for _ in range(rounds)]
    connection.close()
    return Row(
        f"GET /drop?limit={limit}",
        "reading and encoding as many rows in plain sqlite3 and msgspec",
        statistics.median(ratios),
        ">= 0.5",
    )


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _plain(connection: sqlite3.Connection, limit: int) -> bytes:
    rows = connection.execute("SELECT * FROM messages ORDER BY id LIMIT ?", (limit,))
    return msgspec.json.encode([_message(row) for row in rows])


def _message(row: tuple[Any, ...]) -> dict[str, Any]:
    return {
        "version": row[1],
        "time_stamp": row[2],
        "acknowledge_id": row[3],
        "sender": row[4].hex(),
        "receiver": row[5].hex(),
        "model_object": row[6],
        "data": msgspec.json.decode(row[7]),
        "id": row[0],
        "received": row[8],
        "identity_id": row[9],
        "contact_id": row[10],
    }
