"""What strangers do to a drop server: ``python -m tests.siege.attacks NAME DROP PORT…``.

Together they send at most a thousand requests a second. They would be on other machines, so they
must not take the processor from what is measured: they get what is left of it.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable, Mapping

from attrs import frozen

from tests.siege.http import Client, Unanswered
from tests.siege.people import HANDSHAKE, SIZE

RATE = 1000
"""Requests a second of all attackers together."""


@frozen
class Attacker:
    """One of them, at one address."""

    number: int
    of: int
    client: Client
    known: str
    """A drop that others use."""

    async def beat(self) -> None:
        """Wait for the next turn."""
        await asyncio.sleep(self.of / RATE)


def made_up() -> str:
    """Return the id of a drop that nobody uses."""
    return os.urandom(22).hex()[:43]


async def flood_made_up_drops(attacker: Attacker) -> None:
    """Post to drops that nobody uses."""
    while True:
        with contextlib.suppress(Unanswered):
            await attacker.client.ask("POST", f"/{made_up()}", os.urandom(SIZE))
        await attacker.beat()


async def flood_a_drop(attacker: Attacker) -> None:
    """Post single bytes to a drop that others use."""
    while True:
        with contextlib.suppress(Unanswered):
            await attacker.client.ask("POST", f"/{attacker.known}", b"x")
        await attacker.beat()


async def half_requests(attacker: Attacker) -> None:
    """Open connections, and send a byte of a request now and then."""
    writers: list[asyncio.StreamWriter] = []
    request = f"POST /{made_up()} HTTP/1.1\r\nHost: x\r\nX-Long: ".encode() + b"x" * 60_000
    try:
        for _ in range(max(1, 1024 // attacker.of)):
            with contextlib.suppress(OSError):
                _, writer = await attacker.client.connected()
                writers.append(writer)
                attacker.client._streams = None
            await attacker.beat()
        for byte in request:
            writers = [each for each in writers if not each.is_closing()]
            for each in writers:
                each.write(bytes((byte,)))
            await asyncio.sleep(1)
    finally:
        for each in writers:
            each.close()


async def empty_frames(attacker: Attacker) -> None:
    """Send empty WebSocket frames and pings, as many as go."""
    frames = (b"\x82\x80\0\0\0\0" + b"\x89\x80\0\0\0\0") * 50
    while True:
        with contextlib.suppress(Unanswered, OSError):
            answer = await attacker.client.ask("GET", f"/{made_up()}/ws", headers=HANDSHAKE)
            if answer.status == 101:
                _, writer = await attacker.client.connected()
                for _ in range(1000):
                    writer.write(frames)
                    await writer.drain()
                    await attacker.beat()
        attacker.client.close()
        await attacker.beat()


async def post_without_end(attacker: Attacker) -> None:
    """Post as fast as answers come, from few addresses."""
    while True:
        with contextlib.suppress(Unanswered):
            await attacker.client.ask("POST", f"/{made_up()}", os.urandom(SIZE))
        await attacker.beat()


ATTACKS: Mapping[str, tuple[int, Callable[[Attacker], Awaitable[None]]]] = {
    "posts to made-up drops": (64, flood_made_up_drops),
    "posts into a known drop": (64, flood_a_drop),
    "half requests": (2, half_requests),
    "empty frames and pings": (20, empty_frames),
    "posting without end": (2, post_without_end),
}
"""From how many addresses, and what is done there."""


async def attack(name: str, known: str, ports: list[int]) -> None:
    """Attack until the process is ended."""
    count, act = ATTACKS[name]
    attackers = [Attacker(n, count, Client(ports, f"127.1.{n}.1"), known) for n in range(count)]
    await asyncio.gather(*map(act, attackers))


if __name__ == "__main__":
    os.nice(15)
    asyncio.run(attack(sys.argv[1], sys.argv[2], [int(each) for each in sys.argv[3:]]))
