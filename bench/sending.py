"""Sending: a durable POST /drop, against the same box posted with treq and one SQLite commit."""

import contextlib
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.measure import Row
from bench.world import Connection, daemon, drop_server


def run(*, small: bool) -> Iterator[Row]:
    """Send one after another, each when the one before was answered, in turns with the peer."""
    count, rounds = (5, 1) if small else (25, 41)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with drop_server(folder) as server, daemon(folder, "me", "--no-push") as me:
            card = me.api.meet("me", server)
            contact = {**card["contacts"][0], "public_key": "de" * 32, "alias": "other"}
            me.api.good("POST", "/contacts/import", contact)
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
                return (time.perf_counter() - start) / count

            with _peer(folder, contact["drop_urls"][0]) as theirs:
                ours()
                theirs(count)
                pairs = [(ours(), theirs(count)) for _ in range(rounds)]
            client.close()
    yield Row(
        "POST /drop to one recipient, durable",
        "the same box posted with treq, and one SQLite commit",
        statistics.median(other / mine for mine, other in pairs),
        ">= 0.6",
        f"{statistics.median(mine for mine, _ in pairs) * 1000:.1f} ms each",
    )


@contextlib.contextmanager
def _peer(folder: Path, url: str) -> Iterator[Callable[[int], float]]:
    """Run the peer; gives what has it send so many, and tells the seconds that each took."""
    command = [sys.executable, "-m", "bench.sending", url, str(folder / "peer.db")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        given, told = process.stdin, process.stdout

        def send(count: int) -> float:
            given.write(f"{count}\n")
            given.flush()
            return float(told.readline()) / count

        yield send
        process.terminate()


def post_and_commit(url: str, path: str) -> None:
    """Do no more than must be done, as often as each line asks: one commit, one POST."""
    import treq
    from twisted.internet import reactor, stdio
    from twisted.internet.defer import Deferred
    from twisted.protocols.basic import LineReceiver

    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS boxes (body BLOB)")
    box = b"\0" * 2149
    headers = {"Authorization": "Client Qabel", "Content-Type": "application/octet-stream"}

    async def send(count: int) -> None:
        start = time.perf_counter()
        for _ in range(count):
            connection.execute("INSERT INTO boxes VALUES (?)", (box,))
            answer = await treq.post(url, box, headers=headers)
            await answer.content()
        print(time.perf_counter() - start, flush=True)

    class Asked(LineReceiver):
        delimiter = b"\n"

        def lineReceived(self, line: bytes) -> None:
            Deferred.fromCoroutine(send(int(line)))

    stdio.StandardIO(Asked())
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    post_and_commit(sys.argv[1], sys.argv[2])
