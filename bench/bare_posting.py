"""One SQLite commit and one POST with treq: ``python -m bench.bare_posting URL DATABASE``.

Each POST goes over a fresh connection. Each line on standard input is a number of messages to send;
the seconds that it takes are printed.
"""

import sqlite3
import sys
import time

import treq
from twisted.internet import reactor, stdio
from twisted.internet.defer import Deferred
from twisted.protocols.basic import LineReceiver
from twisted.web.client import HTTPConnectionPool

from qabel.drop.transport import MESSAGE_SIZE

HEADERS = {"Authorization": "Client Qabel", "Content-Type": "application/octet-stream"}


class Posting(LineReceiver):
    """Sends as many boxes as each line says, one after another."""

    delimiter = b"\n"

    def __init__(self, url: str, connection: sqlite3.Connection) -> None:
        self._url = url
        self._database = connection
        self._pool = HTTPConnectionPool(reactor, persistent=False)

    def lineReceived(self, line: bytes) -> None:
        Deferred.fromCoroutine(self._send(int(line)))

    async def _send(self, count: int) -> None:
        box = bytes(MESSAGE_SIZE)
        start = time.perf_counter()
        for _ in range(count):
            self._database.execute("INSERT INTO boxes VALUES (?)", (box,))
            response = await treq.post(self._url, box, headers=HEADERS, pool=self._pool)
            await response.content()
        print(time.perf_counter() - start, flush=True)


def main(url: str, path: str) -> None:
    """Wait for numbers of messages to send."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE boxes (box BLOB)")
    stdio.StandardIO(Posting(url, connection))
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(*sys.argv[1:])
