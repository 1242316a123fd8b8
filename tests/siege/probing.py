"""How long somebody waits who has nothing to do with anything: ``python -m tests.siege.probing``.

It is a process of its own, so that nothing counts but the time that the server takes.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence

from attrs import define, field

from tests.siege.http import Answer, Client, Unanswered
from tests.siege.people import SIZE


@define(eq=False)
class Prober:
    """Measures how long posts and polls take somebody who has nothing to do with anything.

    Args:
        clients: they take turns, each with a drop of its own, so that none leaves more than its
            share.

    """

    clients: Sequence[Client]
    seconds: list[float] = field(factory=list, init=False)
    failures: int = field(default=0, init=False)
    _cursors: dict[str, str] = field(factory=dict, init=False)
    _count: int = field(default=0, init=False)

    async def run(self, duration: float) -> None:
        """Ask some 40 times a second: every fourth time a post."""
        end = time.monotonic() + duration
        while (begin := time.monotonic()) < end:
            self._count += 1
            try:
                self.failures += (await self._ask()).status not in (200, 204, 304)
            except Unanswered:
                self.failures += 1
            self.seconds.append(time.monotonic() - begin)
            await asyncio.sleep(0.025)

    async def _ask(self) -> Answer:
        number = self._count // 4 % len(self.clients)
        client, path = self.clients[number], f"/{number:04}{'P' * 39}"
        if self._count % 4 == 0:
            return await client.ask("POST", path, bytes(SIZE))
        # By a cursor, as daemons do: who asks for all of a drop waits for as long as it is.
        headers = {"X-Qabel-New-Since": self._cursors.get(path, "0")}
        answer = await client.ask("GET", path, headers=headers)
        self._cursors[path] = answer.headers.get("x-qabel-latest", "0")
        return answer

    @property
    def slowest(self) -> float:
        """The 99th percentile, in seconds."""
        return sorted(self.seconds)[len(self.seconds) * 99 // 100] if self.seconds else 0.0


async def probe(duration: float, count: int, ports: list[int]) -> None:
    """Ask for a while, and print the 99th percentile, in seconds, and how often it was refused."""
    prober = Prober([Client(ports, f"127.5.{number}.1") for number in range(count)])
    await prober.run(duration)
    print(json.dumps([prober.slowest, prober.failures]))


if __name__ == "__main__":
    asyncio.run(probe(float(sys.argv[1]), int(sys.argv[2]), [int(each) for each in sys.argv[3:]]))
