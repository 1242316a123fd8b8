"""The world of the torture: two people with a daemon each, a drop server, and their programs."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, field

from tests.integration.client import Api
from tests.ports import free_port
from tests.torture.disks import Disk
from tests.torture.reader import KINDS
from tests.torture.victim import Victim, script, twistd

Result = TypeVar("Result")

LOSER = "bob-cursor"
"""The reader that loses a message in the self-check."""

LOSES = 5
"""The number of that message."""


def again(work: Callable[[], Result], seconds: float = 30.0) -> Result:
    """Do something until it works."""
    ends = time.monotonic() + seconds
    while True:
        try:
            return work()
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.1)


@define(eq=False)
class Person:
    """Somebody with a daemon, and the programs that use it."""

    name: str
    api: Api
    daemon: Victim
    disk: Disk
    readers: dict[str, Victim]
    receiver: Victim
    receiver_port: int
    sender: Victim
    folder: Path

    def notes(self, what: str) -> Path:
        """Return the file of notes of one of the programs."""
        return self.folder / f"{self.name}-{what}.notes"

    @property
    def programs(self) -> list[Victim]:
        """All programs but the daemon."""
        return [*self.readers.values(), self.receiver, self.sender]


@define(eq=False)
class World:
    """Everybody, and everything.

    Args:
        folder: for all files.
        seed: of what the programs do at random.
        megabytes: of each disk.
        loses: whether a reader loses a message on purpose.

    """

    folder: Path
    seed: int
    megabytes: int
    loses: bool = False
    url: str = field(init=False)
    server: Victim = field(init=False)
    server_disk: Disk = field(init=False)
    people: list[Person] = field(factory=list, init=False)
    drop_urls: list[str] = field(factory=list, init=False)

    @property
    def stop_file(self) -> Path:
        """The file that tells senders to stop."""
        return self.folder / "stop"

    @property
    def victims(self) -> list[Victim]:
        """All processes."""
        programs = [each for person in self.people for each in (person.daemon, *person.programs)]
        return [self.server, *programs]

    def disk_of(self, victim: Victim) -> Disk | None:
        """Return the disk with the data of a victim."""
        if victim is self.server:
            return self.server_disk
        return next((each.disk for each in self.people if each.daemon is victim), None)

    def begin(self) -> None:
        """Create all, and start it but for the programs."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.server_disk = Disk(self.folder / "server", self.megabytes)
        self.server_disk.prepare()
        listen = f"--listen=tcp:{port}:interface=127.0.0.1"
        command = twistd("qabel-drop", f"--data-dir={self.server_disk.path / 'data'}", listen)
        self.server = Victim("server", "server", command, self.folder / "server.log")
        self.server.start()
        for name in ("alice", "bob"):
            person = self._person(name)
            person.disk.prepare()
            person.daemon.start()
            self.people.append(person)
        self._introduce()

    def _person(self, name: str) -> Person:
        disk = Disk(self.folder / name, self.megabytes)
        directory = disk.path / "data"
        port = free_port()
        daemon = twistd(
            "qabel-rest",
            f"--data-dir={directory}",
            "--listen=tcp:0:interface=127.0.0.1",
            "--full-read-interval=3",
        )
        readers = {
            kind: self._program(name, kind, "reader", "reader", kind, directory) for kind in KINDS
        }
        if self.loses and f"{name}-cursor" == LOSER:
            readers["cursor"].command += ["--lose", str(LOSES)]
        sender = self._program(name, "sender", "sender", "sender", directory)
        sender.command += [str(self.stop_file), f"{self.seed}-{name}"]
        receiver = self._program(name, "receiver", "receiver", "receiver", port)
        receiver.command += [f"{self.seed}-{name}"]
        return Person(
            name,
            Api(directory),
            Victim(name, "daemon", daemon, self.folder / f"{name}.log"),
            disk,
            readers,
            receiver,
            port,
            sender,
            self.folder,
        )

    def _program(self, person: str, what: str, kind: str, module: str, *arguments: Any) -> Victim:
        notes = self.folder / f"{person}-{what}.notes"
        log = self.folder / f"{person}-{what}.log"
        return Victim(f"{person}-{what}", kind, script(module, *arguments, notes), log)

    def _introduce(self) -> None:
        alice, bob = self.people
        for each in self.people:
            again(lambda each=each: each.api.good("GET", "/status"))  # type: ignore[misc]
        cards = [
            again(lambda each=each: each.api.meet(each.name, self.url)) for each in (alice, bob)
        ]  # type: ignore[misc]
        for me, card in ((alice, cards[1]), (bob, cards[0])):
            me.api.good("POST", "/contacts/import", card)
            me.api.good("PUT", "/settings", {"key": "poll_interval", "value": 0.3})
            hook = {"url": f"http://127.0.0.1:{me.receiver_port}/", "kinds": ["drop"]}
            me.api.good("POST", "/webhooks", hook)
        self.drop_urls = [card["contacts"][0]["drop_urls"][0] for card in cards]

    def end(self) -> None:
        """Kill all, and unmount the disks."""
        for victim in self.victims:
            victim.is_finished = True
            victim.end()
        for disk in (self.server_disk, *(each.disk for each in self.people)):
            disk.remove()
