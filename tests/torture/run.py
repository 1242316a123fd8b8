"""One run of the torture: messages flow, processes are hit, and all is counted."""

import contextlib
import random
import shutil
import socket
import threading
import time
from collections import Counter
from typing import Any

from attrs import define, field

from tests.torture.blows import Blow
from tests.torture.damage import damage_and_rescue, find_damage
from tests.torture.judge import JUDGES, Violation, judge_sender, numbers_of
from tests.torture.notes import read_notes
from tests.torture.sender import asks
from tests.torture.victim import Victim
from tests.torture.world import LOSER, Person, World, again

SETTLE = 140.0
"""Seconds after the last blow in which something more must have arrived, until all has."""

LATE = 5.0
"""Seconds in which what comes twice would have come."""

CALM = 10.0
"""Seconds after a disk was full in which a daemon may still end for that."""

RUBBISH_EACH = 0.05
"""Seconds between two posts of rubbish."""


@define(eq=False)
class Run:
    """A run in a world that has begun."""

    world: World
    blows: list[Blow]
    violations: list[Violation] = field(factory=list, init=False)
    timeline: list[str] = field(factory=list, init=False)
    counts: Counter[str] = field(factory=Counter, init=False)
    """What was done, by kind."""
    _began: float = field(factory=time.monotonic, init=False)
    _over: threading.Event = field(factory=threading.Event, init=False)
    _full_until: dict[str, float] = field(factory=dict, init=False)
    """By the name of a victim: until when its disk is the reason if it ends."""

    def run(self) -> dict[str, Any]:
        """Do it all, and return the figures; ``violations`` has what is wrong."""
        for person in self.world.people:
            for victim in person.programs:
                victim.start()
        work = (self._post_rubbish, self._revive)
        threads = [threading.Thread(target=each, daemon=True) for each in work]
        for thread in threads:
            thread.start()
        for blow in self.blows:
            time.sleep(blow.pause)
            self._strike(blow)
        time.sleep(1)
        self.world.stop_file.touch()
        self._note("the senders are told to stop")
        self._settle()
        self._over.set()
        for thread in threads:
            thread.join(10)
        return self._judge()

    def _note(self, text: str) -> None:
        self.timeline.append(f"{time.monotonic() - self._began:8.3f} {text}")

    def _strike(self, blow: Blow) -> None:
        victims = [each for each in self.world.victims if each.kind == blow.kind]
        victim = victims[blow.which % len(victims)]
        if blow.freeze:
            self._note(f"{victim.name} freezes for {blow.freeze:.2f} s")
            self.counts["freezes"] += 1
            victim.freeze(blow.freeze)
        disk = self.world.disk_of(victim) if blow.fill else None
        if disk is not None:
            self._note(f"the disk of {victim.name} is full for {blow.fill:.2f} s")
            self.counts["full disks"] += 1
            self._full_until[victim.name] = time.monotonic() + blow.fill + CALM
            disk.fill(victim)
            time.sleep(blow.fill / 2)
        self._note(f"{victim.name} is killed")
        self.counts[f"kills of a {victim.kind}"] += 1
        victim.kill(lambda: self._copy(victim, blow))
        if disk is not None:
            time.sleep(blow.fill / 2)
            disk.free(victim)
            self._note(f"the disk of {victim.name} is free again")
        if blow.damage is not None:
            self._rescue(victim, blow.damage)

    def _copy(self, victim: Victim, blow: Blow) -> None:
        person = next((each for each in self.world.people if each.daemon is victim), None)
        if blow.damage is not None and person is not None:
            copy = self.world.folder / f"damage-{blow.damage}"
            files = shutil.ignore_patterns("rest.sock", "lock")
            shutil.copytree(person.api.directory, copy / "old", ignore=files)

    def _rescue(self, victim: Victim, seed: int) -> None:
        copy = self.world.folder / f"damage-{seed}"
        rescue = damage_and_rescue(copy / "old", copy / "new", seed)
        self._note(f"a copy of {victim.name} is damaged and rescued: {rescue}")
        self.counts["damages"] += 1
        self.counts["messages lost by damage, and listed"] += rescue.lost
        if rescue.violation:
            self.violations.append(Violation(f"salvage of {victim.name}", rescue.violation))
        else:
            shutil.rmtree(copy)

    def _revive(self) -> None:
        while not self._over.wait(0.2):
            for victim in self.world.victims:
                status = victim.revive()
                if status is None:
                    continue
                self._note(f"{victim.name} has ended with status {status}, and is started again")
                if time.monotonic() > self._full_until.get(victim.name, 0.0):
                    text = f"ended by itself with status {status}; see {victim.log}"
                    self.violations.append(Violation(victim.name, text))

    def _post_rubbish(self) -> None:
        dice = random.Random(self.world.seed)  # noqa: S311
        host, port = self.world.url.removeprefix("http://").split(":")
        while not self._over.wait(RUBBISH_EACH):
            size = dice.choice([1, 100, 2149, 2149, 2573])
            path = "/" + dice.choice(self.world.drop_urls).rsplit("/", 1)[1]
            head = (
                f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Client Qabel\r\n"
                f"Content-Length: {size}\r\nConnection: close\r\n\r\n"
            )
            whole = head.encode() + b"\0" + dice.randbytes(size - 1)
            # Now and then the connection is cut in the middle of it.
            part = whole[: len(whole) // 2] if dice.random() < 0.2 else whole
            with contextlib.suppress(OSError), socket.create_connection((host, int(port))) as peer:
                peer.settimeout(2)
                peer.sendall(part)
                peer.recv(100)

    def _settle(self) -> None:
        """Wait until all has arrived, and a moment more: what comes twice comes late."""
        ends, before = time.monotonic() + SETTLE, -1
        while (late := self._late()) and time.monotonic() < ends:
            # Webhooks get one message after another, and pause after each answer that was lost.
            if (missing := sum(late.values())) != before:
                ends, before = time.monotonic() + SETTLE, missing
            time.sleep(1)
        self._note(f"still late: {', '.join(late) or 'nothing'}")
        time.sleep(LATE)
        while time.monotonic() < ends and any(map(self._unacknowledged, self.world.people)):
            time.sleep(0.5)

    def _pairs(self) -> list[tuple[Person, Person]]:
        alice, bob = self.world.people
        return [(alice, bob), (bob, alice)]

    def _late(self) -> dict[str, int]:
        """Return the programs that are not done, and how many messages each lacks."""
        late = {each.sender.name: 1 for each in self.world.people if not each.sender.is_finished}
        for sender, reader in self._pairs():
            sent = self._sent(sender)
            for what in ("cursor", "stream", "hold", "receiver"):
                name = f"{reader.name}-{what}"
                got = set(numbers_of(read_notes(reader.notes(what))))
                missing = sent - (self.world.loses and name == LOSER) - len(got)
                if missing > 0:
                    late[name] = missing
        return late

    def _sent(self, person: Person) -> int:
        notes = read_notes(person.notes("sender"))
        return sum("wanted" in line for line in notes)

    def _unacknowledged(self, person: Person) -> int:
        missing = 0
        for line in read_notes(person.notes("sender")):
            if asks(line.get("answered", 1)):
                path = f"/outbox/{line['id']}"
                [recipient] = again(lambda path=path: person.api.good("GET", path))["recipients"]  # type: ignore[misc]
                missing += recipient["acknowledged"] is None or recipient["state"] != "sent"
        return missing

    def _judge(self) -> dict[str, Any]:
        figures: dict[str, Any] = {"seconds": round(time.monotonic() - self._began)}
        for sender, reader in self._pairs():
            journal = read_notes(sender.notes("sender"))
            sent = self._sent(sender)
            figures[f"messages of {sender.name}"] = sent
            self.violations += judge_sender(f"{sender.name}-sender", journal).violations
            self._judge_outbox(sender, sent)
            for what, judge in JUDGES.items():
                who = f"{reader.name}-{what}"
                verdict = judge(who, read_notes(reader.notes(what)), sent)
                self.violations += verdict.violations
                if verdict.doubles or verdict.losses:
                    figures[who] = {"doubles": verdict.doubles, "losses": verdict.losses}
        for person in self.world.people:
            person.daemon.stop()
            if damage := find_damage(person.api.directory):
                self.violations.append(Violation(person.name, f"damaged database: {damage}"))
        return figures | dict(sorted(self.counts.items()))

    def _judge_outbox(self, person: Person, sent: int) -> None:
        status = again(lambda: person.api.good("GET", "/status"))["outbox"]
        if status["queued"]:
            self.violations.append(Violation(person.name, f"{status['queued']} still queued"))
        if status["sent"] != sent:
            text = f"{sent} keys led to {status['sent']} messages in the outbox"
            self.violations.append(Violation(person.name, text))
        if missing := self._unacknowledged(person):
            self.violations.append(Violation(person.name, f"{missing} never acknowledged"))
