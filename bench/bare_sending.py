"""The minimum of durable sending, as a peer: ``python -m bench.bare_sending URL DATABASE``.

A bare Klein route takes the same body, seals the message, stores it with one commit in an encrypted
database on a thread of its own, posts it with treq over a fresh connection, responds, and records
the outcome. It checks nothing, and has no contacts, outbox, events or retries.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import treq
from klein import Klein
from sqlcipher3 import dbapi2 as sqlcipher
from twisted.internet import endpoints, reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from twisted.web.client import HTTPConnectionPool
from twisted.web.server import Site

from bench.bare_posting import HEADERS
from qabel.crypto import PrivateKey, PublicKey
from qabel.drop.transport import seal_message


class Boxes:
    """An encrypted table of boxes, on a thread of its own."""

    def __init__(self, path: str) -> None:
        self._pool = ThreadPool(1, 1)
        self._pool.start()
        reactor.addSystemEventTrigger("during", "shutdown", self._pool.stop)  # type: ignore[attr-defined]
        self._connection: Any = None
        self._run(self._open, path)

    def add(self, box: bytes) -> "Deferred[int]":
        """Store a box; fires with its number."""
        return self._run(self._add, box)

    def posted(self, number: int) -> "Deferred[None]":
        """Record that a box was posted."""
        sql = "UPDATE boxes SET state = 'posted', box = NULL WHERE id = ?"
        return self._run(lambda: self._connection.execute(sql, (number,)) and None)

    def _run(self, work: Callable[..., Any], *args: object) -> "Deferred[Any]":
        return deferToThreadPool(reactor, self._pool, work, *args)  # type: ignore[arg-type]

    def _open(self, path: str) -> None:
        self._connection = sqlcipher.connect(path, isolation_level=None)
        self._connection.execute(f"PRAGMA key = \"x'{bytes(32).hex()}'\"")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(
            "CREATE TABLE boxes (id INTEGER PRIMARY KEY, box BLOB, state TEXT)"
        )

    def _add(self, box: bytes) -> int:
        sql = "INSERT INTO boxes (box, state) VALUES (?, 'queued')"
        number: int = self._connection.execute(sql, (box,)).lastrowid
        return number


def main(url: str, path: str) -> None:
    """Serve the route, and print its port."""
    app = Klein()
    boxes = Boxes(path)
    pool = HTTPConnectionPool(reactor, persistent=False)
    me, recipient = PrivateKey.generate(), PublicKey(bytes(31) + b"\x40")

    @app.route("/drop", methods=["POST"])
    async def send(request: Any) -> bytes:
        message = json.loads(request.content.read())["drop_message"]
        box = seal_message(me, recipient, json.dumps(message).encode())
        number = await boxes.add(box)
        response = await treq.post(url, box, headers=HEADERS, pool=pool)
        await response.content()
        boxes.posted(number)
        request.setResponseCode(201)
        return b'{"id":%d}' % number

    listening = endpoints.serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(
        Site(app.resource())
    )
    listening.addCallback(lambda port: print(port.getHost().port, flush=True))
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(*sys.argv[1:])
