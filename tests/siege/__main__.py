"""Drop servers used by many while strangers attack them and all is killed: ``make siege``.

Honest people write, poll and listen, each from an address of their own. Every attack is measured by
what it does to somebody else's requests. In the end, nothing that a server said was stored may be
lost, nothing may be there twice, and no reader may have skipped anything.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from contextlib import ExitStack
from pathlib import Path

from attrs import define, field

from tests.dropserver.postgresql.cluster import Cluster, find_programs
from tests.integration.processes import ROOT
from tests.siege.attacks import ATTACKS
from tests.siege.http import Client
from tests.siege.ledger import Ledger
from tests.siege.people import Listener, Poller, Writer, name_of, parts_of
from tests.siege.servers import BALANCERS, Servers

WRITERS = 20
DROPS = 12

OWN_SHARE = 1000
"""Messages that each of them leaves at most: of some 130 sources, each may have 1,300 of the quota.

Whoever has more than the share loses what is newest to floods, as is promised.
"""

POSTS = 10
"""Posts a second of those whose requests are measured."""

SHOWN = 20
"""How many broken promises are printed."""

FACTOR, LEAST = 3.0, 0.05
"""How much slower others may be during an attack, or how many seconds in any case."""


@define(eq=False)
class Siege:
    """One run.

    Args:
        servers: what is besieged.
        each: seconds of each attack, and without any.
        kills: how much is killed.
        seed: decides what is killed.

    """

    servers: Servers
    each: float
    kills: int
    seed: int
    ledger: Ledger = field(factory=Ledger, init=False)
    slowest: dict[str, float] = field(factory=dict, init=False)
    failures: dict[str, int] = field(factory=dict, init=False)
    _is_over: bool = field(default=False, init=False)

    async def run(self) -> list[str]:
        """Run; return what was broken."""
        drops = [f"{number:02}" + "d" * 41 for number in range(DROPS)]
        ports = self.servers.entries
        pollers = [
            Poller(
                f"{kind} {number}",
                drop,
                Client(ports, f"127.3.{number}.{place}"),
                self.ledger,
            )
            for place, kind in enumerate(("poller", "listener"), 1)
            for number, drop in enumerate(drops)
        ]
        listeners = [
            Listener(each, Client(ports, f"127.4.{number}.1"))
            for number, each in enumerate(pollers[DROPS:])
        ]
        pause = max(0.4, self._length / OWN_SHARE)
        writers = [
            Writer(n, drops, Client(ports, f"127.2.{n}.1"), self.ledger, self._over, pause)
            for n in range(WRITERS)
        ]
        reading = [asyncio.create_task(each.run(self._over, 0.5)) for each in pollers[:DROPS]]
        reading += [asyncio.create_task(each.run(self._over)) for each in listeners]
        writing = [asyncio.create_task(each.run()) for each in writers]
        await self._probe("nothing")
        for name in ATTACKS:
            await self._attack(name, drops[0])
        await self._kill()
        self._is_over = True
        await asyncio.gather(*writing, *reading)
        for each in pollers:
            while not await each.poll():
                pass
        there = {drop: await self._read(drop) for drop in drops}
        return [*self.ledger.broken(there), *self._too_slow()]

    @property
    def _length(self) -> float:
        """How many seconds it takes, about."""
        return (len(ATTACKS) + 1) * self.each + 6 * self.kills

    def _over(self) -> bool:
        return self._is_over

    async def _probe(self, name: str) -> None:
        ports = map(str, self.servers.entries)
        prober = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.siege.probing",
            str(self.each),
            str(1 + int(POSTS * self._length / OWN_SHARE)),
            *ports,
            cwd=ROOT,
            stdout=PIPE,
        )
        said, _ = await prober.communicate()
        self.slowest[name], self.failures[name] = json.loads(said)
        print(f"{name}: 99th percentile {1000 * self.slowest[name]:.0f} ms", flush=True)

    async def _attack(self, name: str, known: str) -> None:
        ports = map(str, self.servers.entries)
        attackers = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.siege.attacks", name, known, *ports, cwd=ROOT
        )
        try:
            await asyncio.sleep(min(3, self.each / 2))
            await self._probe(name)
        finally:
            attackers.kill()
        await attackers.wait()

    async def _kill(self) -> None:
        chance = random.Random(self.seed)  # noqa: S311 - it decides what is killed
        for _ in range(self.kills):
            await asyncio.sleep(chance.uniform(2, 5))
            print(await asyncio.to_thread(self.servers.strike, chance), flush=True)
        await asyncio.sleep(3)

    async def _read(self, drop: str) -> list[bytes]:
        client = Client(self.servers.entries, "127.6.0.1")
        answer = await client.ask("GET", f"/{drop}")
        client.close()
        return [name_of(each) for each in parts_of(answer)] if answer.status == 200 else []

    def _too_slow(self) -> list[str]:
        bound = max(FACTOR * self.slowest["nothing"], LEAST)
        return [
            f"slow: {1000 * seconds:.0f} ms during {name}, at most {1000 * bound:.0f} ms wanted"
            for name, seconds in self.slowest.items()
            if seconds > bound
        ] + [f"refused: {count} during {name}" for name, count in self.failures.items() if count]


def main() -> int:
    """Run it; status 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.siege", description=__doc__)
    parser.add_argument("--database", action="store_true", help="two servers with one PostgreSQL")
    parser.add_argument("--balancer", choices=BALANCERS, help="what clients of these go through")
    parser.add_argument("--seconds", type=float, default=20, help="of each attack [default: 20]")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    given = parser.parse_args()
    if given.balancer and not given.database:
        parser.error("--balancer is for servers with --database")
    # Whoever ends it does not want what it started to go on.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with ExitStack() as stack:
        cluster = None
        if given.database:
            programs = find_programs()
            if programs is None:
                parser.error("postgresql is not installed")
            cluster = stack.enter_context(Cluster(programs))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qabel-siege-")))
        servers = Servers(folder, cluster, 2 if given.database else 1, given.balancer)
        stack.callback(servers.end)
        servers.start()
        siege = Siege(servers, given.seconds, given.kills, given.seed)
        broken = asyncio.run(siege.run())
    figures = {
        "stored": len(siege.ledger.stored),
        "seen": sum(map(len, siege.ledger.seen.values())),
        "milliseconds": {name: round(1000 * each, 1) for name, each in siege.slowest.items()},
    }
    print(json.dumps(figures, indent=2))
    if given.json:
        given.json.write_text(json.dumps({**figures, "broken": broken}))
    for each in broken[:SHOWN]:
        print(f"BROKEN: {each}")
    if len(broken) > SHOWN:
        print(f"and {len(broken) - SHOWN} more are broken")
    if broken:
        print(f"Repeat with: --kills {given.kills} --seed {given.seed}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
