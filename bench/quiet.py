"""Polling many drop URLs on one server with nothing new, compared with as many bare treq GETs."""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Row
from bench.world import daemon, drop_server
from qabel.drop.url import new_drop_id

DROPS = 50
"""How many drops each identity has."""


def run(*, small: bool) -> Iterator[Row]:
    """Compare the CPU time of both."""
    count = 50 if small else 10_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with drop_server(folder) as server, daemon(folder, "me", "--no-push") as me:
            me.api.good("PUT", "/settings", {"key": "poll_interval", "value": 86400})
            urls = [f"{server}/{new_drop_id()}" for _ in range(count)]
            for number in range(0, count, DROPS):
                body = {"alias": f"{number}", "drops": urls[number : number + DROPS]}
                me.api.good("POST", "/identities", body)
            me.api.ask("HEAD", "/drop", headers={"Cache-Control": "no-cache"}, timeout=300)
            before = me.cpu()
            start = time.perf_counter()
            me.api.ask("HEAD", "/drop", headers={"Cache-Control": "no-cache"}, timeout=300)
            taken, used = time.perf_counter() - start, me.cpu() - before
            command = [sys.executable, "-m", "bench.quiet", *urls[: min(count, 2000)]]
            done = subprocess.run(command, check=True, capture_output=True)
            bare = float(done.stdout) * count / min(count, 2000)
    yield Row(
        f"polling {count} drop URLs on one server, with nothing new",
        "the CPU time of as many bare treq GETs, with a pool for each identity",
        used / bare,
        "<= 1.3",
        f"{taken:.1f} s, {used:.1f} s of CPU",
    )


def bare_gets(urls: list[str]) -> None:
    """Get each once, four at a time, and print the seconds of CPU time."""
    from treq.client import HTTPClient
    from twisted.internet import reactor, task
    from twisted.web.client import Agent, HTTPConnectionPool

    pools = [HTTPConnectionPool(reactor) for _ in range(0, len(urls), DROPS)]
    clients = [HTTPClient(Agent(reactor, pool=pool)) for pool in pools]

    async def get(some: Iterator[tuple[int, str]]) -> None:
        for number, url in some:
            response = await clients[number % len(clients)].get(url)
            await response.content()

    async def work(_: object) -> None:
        from twisted.internet.defer import Deferred, gatherResults

        before = resource.getrusage(resource.RUSAGE_SELF)
        some = iter(enumerate(urls))
        await gatherResults([Deferred.fromCoroutine(get(some)) for _ in range(4)])
        after = resource.getrusage(resource.RUSAGE_SELF)
        print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        await gatherResults([pool.closeCachedConnections() for pool in pools])

    task.react(work, _reactor=reactor)


if __name__ == "__main__":
    bare_gets(sys.argv[1:])
