"""One run: messages at random, a server that provokes, and outages."""

import http.client
import os
import random
import time
from collections.abc import Iterator

from attrs import define, field, frozen

from tests.anonymity.recorder import CLOSED, KINDS, REFUSED
from tests.anonymity.recording import Material, Provocation, View
from tests.anonymity.victims import Victims
from tests.anonymity.world import Identity, World, call, now, senders_of, sleep_until

FLOOD = 100
"""Messages at once to one contact."""

FLOOD_SECONDS = 60.0

RATE = 0.2
"""Messages of each daemon in a poll interval."""


@frozen
class Plan:
    """How long everything takes. Times in seconds."""

    traffic: float
    commands: float
    window: float
    """Of a provocation, and before it."""
    provocations: int
    down: float
    """Of an outage."""
    up: float
    """After an outage."""
    outages: int

    @classmethod
    def of(cls, seconds: float, interval: float) -> "Plan":
        """Return the plan of a run that takes so long in all."""
        window, down, up = 6 * interval, 5 * interval, 15 * interval
        return cls(
            traffic=0.25 * seconds,
            commands=0.1 * seconds,
            window=window,
            provocations=max(1, int(0.37 * seconds / (2.4 * window))),
            down=down,
            up=up,
            outages=max(1, int(0.28 * seconds / (down + up))),
        )


@define(eq=False)
class Run:
    """A run, with push or without."""

    world: World
    plan: Plan
    push: bool
    _rng: random.Random
    _provocations: list[Provocation] = field(factory=list, init=False)
    _outages: list[tuple[float, float]] = field(factory=list, init=False)
    _started: tuple[float, float] | None = field(default=None, init=False)
    _flood: tuple[str, str, float, float] | None = field(default=None, init=False)

    def restart(self) -> None:
        """Start all daemons anew, with or without push."""
        start = now()
        self.world.start(push=self.push)
        self._settle()
        self._started = start, now()

    def work(self) -> Material:
        """Do everything, and return what was seen."""
        if self._started is None:
            self._settle()
        traffic = self._traffic()
        commands = self._commands()
        self._begin_flood()
        for number in range(self.plan.provocations):
            self._provoke(number)
        for _ in range(self.plan.outages):
            self._outage()
        self._end_flood()
        world = self.world
        daemon_of = {each.drop: each.daemon for each in world.identities}
        view = View.of(world.recorder.exchanges, daemon_of)
        return Material(
            view=view,
            posted=tuple(senders_of(view.postings, world.identities)),
            daemon_of=daemon_of,
            traffic=traffic,
            commands=commands,
            provocations=tuple(self._provocations),
            outages=tuple(self._outages),
            started=self._started,
            flood=self._flood,
        )

    def _settle(self) -> None:
        """Wait until all that begins with the start has happened."""
        time.sleep(6 * self.world.interval)

    def _traffic(self) -> tuple[float, float]:
        """Send messages at random times."""
        start = now()
        end = start + self.plan.traffic
        for due in self._times(start, end, self._spread(self.world.count) / RATE):
            sleep_until(due)
            sender = self._rng.choice(self.world.identities)
            self.world.say(sender, self._rng.choice(sender.contacts))
        sleep_until(end)
        return start, end

    def _commands(self) -> tuple[float, float]:
        """Have programs use the daemons at random times, each in one of several ways."""
        start = now()
        end = start + self.plan.commands
        for number, due in enumerate(self._times(start, end, 2 * self._spread(self.world.count))):
            sleep_until(due)
            self.world.command(self._rng.randrange(self.world.count), number)
        sleep_until(end)
        return start, end

    def _spread(self, count: int) -> float:
        """Return the seconds between things that each of so many has in a poll interval."""
        return self.world.interval / count

    def _times(self, start: float, end: float, mean: float) -> Iterator[float]:
        while (start := start + self._rng.expovariate(1 / mean)) < end:
            yield start

    def _begin_flood(self) -> None:
        sender = self._rng.choice(self.world.identities)
        contact = self._rng.choice(sender.contacts)
        self._flood = sender.drop, contact.drop, now(), now() + FLOOD_SECONDS
        for _ in range(FLOOD):
            self.world.say(sender, contact)

    def _end_flood(self) -> None:
        assert self._flood is not None
        sender, recipient, start, end = self._flood
        self._flood = sender, recipient, start, min(end, now())

    def _provoke(self, number: int) -> None:
        """Treat some drops badly, for as long as everything was quiet before."""
        kinds = [each for each in KINDS if self.push or each != CLOSED]
        victims = Victims.choose(self.world.drops_of, kinds, number, self._rng)
        senders = [each for each in self.world.identities if each.drop in victims.senders]
        refused = {each.contacts[0].drop: REFUSED for each in senders}
        start = now() + self.plan.window
        self._poke_until(start)
        call(self._set_provoked, refused | victims.reading)
        for each in senders:
            self.world.say(each, each.contacts[0])
        self._poke_until(start + self.plan.window)
        call(self._set_provoked, {})
        end = now()
        flooded = self._flood[:2] if self._flood else ()
        self._provocations += victims.provocations(start, end, flooded)
        self._poke_until(end + 0.4 * self.plan.window)

    async def _set_provoked(self, drops: dict[str, str]) -> None:
        self.world.recorder.provoke(drops)

    def _poke_until(self, end: float) -> None:
        """With push, have something arrive in all drops at random, so that they are read."""
        if self.push:
            mean = 1.5 * self._spread(len(self.world.identities))
            for due in self._times(now(), end, mean):
                sleep_until(due)
                self._poke(self._rng.choice(self.world.identities))
        sleep_until(end)

    def _poke(self, identity: Identity) -> None:
        """Post what nobody can open, by a way that is not recorded."""
        connection = http.client.HTTPConnection("127.0.0.1", self.world.recorder.upstream)
        headers = {"Authorization": "Client Qabel", "Content-Type": "application/octet-stream"}
        connection.request("POST", f"/{identity.drop}", b"\0" + os.urandom(2148), headers)
        connection.getresponse().read()
        connection.close()

    def _outage(self) -> None:
        """Have the server be away for a while, while everybody sends a message."""
        port = call(self.world.recorder.go_away)
        due = now() + self.plan.down
        for sender in self._rng.sample(self.world.identities, len(self.world.identities)):
            self.world.say(sender, self._rng.choice(sender.contacts))
        sleep_until(due)
        call(self.world.recorder.listen, port)
        back = now()
        sleep_until(back + self.plan.up)
        self._outages.append((back, now()))
