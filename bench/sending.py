"""Sending: a durable POST /drop, against the same box posted with treq and one SQLite commit."""

import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Row
from bench.world import Connection, daemon, drop_server


def run(*, small: bool) -> Iterator[Row]:
    """Send one after another, each when the one before was answered."""
    count, rounds = (5, 1) if small else (100, 7)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with drop_server(folder) as server, daemon(folder, "me", "--no-push") as me:
            card = me.api.meet("me", server)
            contact = {**card["contacts"][0], "public_key": "de" * 32, "alias": "other"}
            me.api.good("POST", "/contacts/import", contact)
            url = contact["drop_urls"][0]
            port = me.api.port
            assert port is not None
            client = Connection(port, me.api.token)
            known = me.api.good("GET", "/contacts")[0]
            body = {
                "sender": known["identity_id"],
                "recipients": [known["id"]],
                "drop_message": {"model_object": "chat", "data": {"msg": "x" * 100}},
            }

            def ours() -> float:
                start = time.perf_counter()
                for _ in range(count):
                    assert client.post("/drop", body) == 201
                return time.perf_counter() - start

            ratios, times = [], []
            for _ in range(rounds):
                mine = ours()
                times.append(mine / count)
                ratios.append(_theirs(folder, url, count) / mine)
            client.close()
    yield Row(
        "POST /drop to one recipient, durable",
        "the same box posted with treq, and one SQLite commit",
        statistics.median(ratios),
        ">= 0.6",
        f"{statistics.median(times) * 1000:.1f} ms each",
    )


def _theirs(folder: Path, url: str, count: int) -> float:
    command = [sys.executable, "-m", "bench.sending", url, str(count), str(folder / "peer.db")]
    return float(subprocess.run(command, check=True, capture_output=True).stdout)


def post_and_commit(url: str, count: int, path: str) -> None:
    """Do no more than must be done: one commit, one POST; prints the seconds."""
    import treq
    from twisted.internet import reactor, task

    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS boxes (body BLOB)")
    box = b"\0" * 2149
    headers = {"Authorization": "Client Qabel", "Content-Type": "application/octet-stream"}

    async def send() -> None:
        connection.execute("INSERT INTO boxes VALUES (?)", (box,))
        answer = await treq.post(url, box, headers=headers)
        await answer.content()

    async def work(_: object) -> None:
        await send()
        start = time.perf_counter()
        for _ in range(count):
            await send()
        print(time.perf_counter() - start)

    task.react(work, _reactor=reactor)


if __name__ == "__main__":
    post_and_commit(sys.argv[1], int(sys.argv[2]), sys.argv[3])
