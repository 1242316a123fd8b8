"""Bare treq GETs, each URL on a pool of its own: ``python -m bench.bare_polling SERVER COUNT``.

Each line on standard input is a number of rounds of one GET of each URL; the seconds of CPU time
are printed.
"""

import itertools
import sys
import time
from collections.abc import Iterator

from treq.client import HTTPClient
from twisted.internet import reactor, stdio
from twisted.internet.defer import Deferred, gatherResults
from twisted.protocols.basic import LineReceiver
from twisted.web.client import Agent, HTTPConnectionPool

from qabel.drop.url import new_drop_id

AT_ONCE = 4
"""As the daemon has it."""


class Polling(LineReceiver):
    """Gets each URL as many times as each line says."""

    delimiter = b"\n"

    def __init__(self, server: str, count: int) -> None:
        self._clients = [
            (HTTPClient(Agent(reactor, pool=HTTPConnectionPool(reactor))), f"{server}/{drop}")
            for drop in (new_drop_id() for _ in range(count))
        ]

    def lineReceived(self, line: bytes) -> None:
        Deferred.fromCoroutine(self._work(int(line)))

    async def _work(self, rounds: int) -> None:
        before = time.process_time()
        turns = itertools.chain.from_iterable(itertools.repeat(self._clients, rounds))
        await gatherResults([Deferred.fromCoroutine(self._get(turns)) for _ in range(AT_ONCE)])
        print(time.process_time() - before, flush=True)

    async def _get(self, turns: Iterator[tuple[HTTPClient, str]]) -> None:
        for client, url in turns:
            response = await client.get(url)
            await response.content()


def main(server: str, count: str) -> None:
    """Wait for numbers of rounds."""
    stdio.StandardIO(Polling(server, int(count)))
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(*sys.argv[1:])
