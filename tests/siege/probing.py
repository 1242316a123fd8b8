"""How long somebody waits who has nothing to do with anything: ``python -m tests.siege.probing``.

It is a process of its own, so that nothing counts but the time that the server takes.
"""

import asyncio
import json
import sys
import time

from attrs import define, field

from tests.siege.http import Answer, Client, Unanswered
from tests.siege.people import SIZE


@define(eq=False)
class Prober:
    """Measures how long posts and polls take somebody who has nothing to do with anything."""

    client: Client
    seconds: list[float] = field(factory=list, init=False)
    failures: int = field(default=0, init=False)
    _cursor: str = field(default="0", init=False)
    _count: int = field(default=0, init=False)

    async def run(self, duration: float) -> None:
        """Ask some 40 times a second, by turns."""
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
        path = "/" + "P" * 43
        if self._count % 4 == 0:
            return await self.client.ask("POST", path, bytes(SIZE))
        # By a cursor, as daemons do: who asks for all of a drop waits for as long as it is.
        headers = {"X-Qabel-New-Since": self._cursor}
        answer = await self.client.ask("GET", path, headers=headers)
        self._cursor = answer.headers.get("x-qabel-latest", self._cursor)
        return answer

    @property
    def slowest(self) -> float:
        """The 99th percentile, in seconds."""
        return sorted(self.seconds)[len(self.seconds) * 99 // 100] if self.seconds else 0.0


async def probe(duration: float, ports: list[int]) -> None:
    """Ask for a while, and print the 99th percentile, in seconds, and how often it was refused."""
    prober = Prober(Client(ports, "127.5.0.1"))
    await prober.run(duration)
    print(json.dumps([prober.slowest, prober.failures]))


if __name__ == "__main__":
    asyncio.run(probe(float(sys.argv[1]), [int(each) for each in sys.argv[2:]]))
