"""Kill everything again and again, and count the messages: ``make torture``.

Two daemons and a drop server, real processes; messages pour both ways with rubbish between. At
random moments one of the processes is killed, or stopped for a while as if it hung. In the end
every message that was accepted must have arrived exactly once, in the order of its sender, at a
reader that keeps its place with what it read; every one that asked for it must be acknowledged;
and the databases must be whole.

Run it by itself with ``python -m tests.integration.torture --kills 100 --seed 7``.
"""

import argparse
import contextlib
import json
import random
import signal
import socket
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from attrs import define, field
from sqlcipher3 import dbapi2 as sqlcipher

from tests.integration.client import Api
from tests.integration.processes import Twistd

PAUSE = 0.02
"""Seconds between two attempts of anything."""

SETTLE = 180.0
"""Seconds in which everything must have arrived after the last kill."""

ACKNOWLEDGED_EACH = 5
"""Every so many messages ask for an acknowledgement."""


class Lost(AssertionError):
    """Something is missing, doubled, or out of order."""


@define
class Process:
    """A process that is started again whenever it was killed."""

    name: str
    directory: Path
    arguments: list[str]
    running: Twistd | None = None
    kills: int = 0

    def start(self) -> None:
        """Start it, or start it again."""
        self.running = Twistd(self.directory, *self.arguments)

    def kill(self) -> None:
        """End it with no warning, and start it again."""
        assert self.running is not None
        self.running.kill()
        self.kills += 1
        self.start()

    def hang(self, seconds: float) -> None:
        """Have it do nothing for a while, with its connections open."""
        assert self.running is not None
        self.running.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.running.process.send_signal(signal.SIGCONT)


@define(eq=False)
class Person:
    """Somebody who writes without end, and reads everything."""

    api: Api
    process: Process
    sent: int = 0
    accepted: dict[int, int] = field(factory=dict)
    """The status with which each message was accepted."""
    sends: dict[int, int] = field(factory=dict)
    heard: list[int] = field(factory=list)
    place: str = "0"
    problems: list[str] = field(factory=list)

    def write(self, stop: threading.Event, drop_pause: float) -> None:
        """Send numbered messages, each until it is accepted."""
        contact: dict[str, Any] | None = None
        pending = False
        # What may have been accepted is asked for until that is known.
        while pending or not stop.is_set():
            with contextlib.suppress(OSError, AssertionError):
                contact = contact or self.api.good("GET", "/contacts")[0]
                pending = True
                self._send(contact, self.sent)
                pending = False
                self.sent += 1
                time.sleep(drop_pause)
                continue
            time.sleep(PAUSE)

    def _send(self, contact: dict[str, Any], number: int) -> None:
        message = {"model_object": "chat", "data": {"number": number}}
        if number % ACKNOWLEDGED_EACH == 0:
            message["acknowledge_id"] = f"ack-{number}"
        body = {
            "sender": contact["identity_id"],
            "recipients": [contact["id"]],
            "drop_message": message,
        }
        reply = self.api.ask("POST", "/drop", body, {"Idempotency-Key": f"message-{number}"})
        if reply.status not in (201, 202):
            if reply.status not in (503, 507):
                self.problems.append(f"message {number}: {reply.status} {reply.body}")
            raise ConnectionError
        self.accepted[number] = reply.status
        self.sends[number] = reply.body["id"]

    def read(self, stop: threading.Event) -> None:
        """Read from the place that is kept with what was read."""
        while not stop.is_set():
            with contextlib.suppress(OSError):
                reply = self.api.ask(
                    "GET", "/drop?wait=1&limit=50", headers={"X-Qabel-New-Since": self.place}
                )
                if reply.status == 200:
                    self.heard += [message["data"]["number"] for message in reply.body]
                if reply.status in (200, 204):
                    self.place = reply.headers["x-qabel-latest"]
                    continue
                if reply.status != 503:
                    self.problems.append(f"reading: {reply.status} {reply.body}")
            time.sleep(PAUSE)


class Torture:
    """The whole run."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random = random.Random(seed)  # noqa: S311 - it is to be repeatable
        port = _free_port()
        self.server = f"http://127.0.0.1:{port}"
        self.drops = Process(
            "drop server",
            folder / "drops.log",
            ["qabel-drop", "--data-dir", str(folder / "drops"), "--listen", _endpoint(port)],
        )
        self.people = [self._person("alice"), self._person("bob")]
        self.processes = [self.drops, *(each.process for each in self.people)]
        self.urls: list[str] = []

    def _person(self, name: str) -> Person:
        directory = self.folder / name
        arguments = ["qabel-rest", "--data-dir", str(directory), "--listen", _endpoint(0)]
        arguments += ["--full-read-interval", "3"]
        return Person(Api(directory), Process(name, self.folder / f"{name}.log", arguments))

    def run(self, kills: int) -> dict[str, Any]:
        """Do it all; return the figures. Raises Lost."""
        for process in self.processes:
            process.start()
        try:
            self._introduce()
            self._pour(kills)
            self._wait_for_everything()
            return self._judge()
        finally:
            for process in self.processes:
                if process.running is not None:
                    process.running.kill()

    def _introduce(self) -> None:
        alice, bob = self.people
        cards = [
            _again(lambda each=each: each.api.meet(each.process.name, self.server))
            for each in (alice, bob)
        ]
        for me, card in ((alice, cards[1]), (bob, cards[0])):
            me.api.good("POST", "/contacts/import", card)
            me.api.good("PUT", "/settings", {"key": "poll_interval", "value": 0.3})
        self.urls = [card["contacts"][0]["drop_urls"][0] for card in cards]

    def _pour(self, kills: int) -> None:
        stop, quiet = threading.Event(), threading.Event()
        self.quiet = quiet
        writers = [
            threading.Thread(target=each.write, args=(stop, 0.01), daemon=True)
            for each in self.people
        ]
        writers.append(threading.Thread(target=self._rubbish, args=(stop,), daemon=True))
        self.readers = [
            threading.Thread(target=each.read, args=(quiet,), daemon=True) for each in self.people
        ]
        for thread in [*writers, *self.readers]:
            thread.start()
        for _ in range(kills):
            time.sleep(self.random.uniform(0.05, 1.5))
            process = self.random.choice(self.processes)
            if self.random.random() < 0.2:
                process.hang(self.random.uniform(0.1, 1.0))
            process.kill()
        time.sleep(1)
        stop.set()
        for thread in writers:
            thread.join(60)

    def _rubbish(self, stop: threading.Event) -> None:
        host, port = self.server.removeprefix("http://").split(":")
        while not stop.is_set():
            size = self.random.choice([1, 100, 2149, 2149, 2573])
            body = b"\0" + self.random.randbytes(size - 1)
            path = "/" + self.random.choice(self.urls).rsplit("/", 1)[1]
            with contextlib.suppress(OSError), socket.create_connection((host, int(port))) as peer:
                head = (
                    f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Client Qabel\r\n"
                    f"Content-Length: {size}\r\nConnection: close\r\n\r\n"
                )
                # Now and then the connection is cut in the middle of it.
                whole = head.encode() + body
                peer.sendall(whole[: len(whole) // 2] if self.random.random() < 0.2 else whole)
                peer.settimeout(2)
                peer.recv(100)
            time.sleep(0.02)

    def _wait_for_everything(self) -> None:
        ends = time.monotonic() + SETTLE
        alice, bob = self.people
        while time.monotonic() < ends:
            if len(bob.heard) >= alice.sent and len(alice.heard) >= bob.sent:
                # A moment more: what comes twice comes late.
                time.sleep(5)
                if all(self._unacknowledged(each) == 0 for each in self.people):
                    break
            time.sleep(0.2)
        self.quiet.set()
        for thread in self.readers:
            thread.join(10)

    def _unacknowledged(self, person: Person) -> int:
        missing = 0
        for number, send_id in person.sends.items():
            if number % ACKNOWLEDGED_EACH == 0:
                with contextlib.suppress(OSError):
                    sent = person.api.good("GET", f"/outbox/{send_id}")["recipients"][0]
                    missing += sent["acknowledged"] is None or sent["state"] != "sent"
        return missing

    def _judge(self) -> dict[str, Any]:
        alice, bob = self.people
        for sender, reader in ((alice, bob), (bob, alice)):
            name = sender.process.name
            problems = sender.problems + reader.problems
            if problems:
                raise Lost(f"{name}: {problems[:5]}")
            if reader.heard != list(range(sender.sent)):
                raise Lost(f"{name}: {_difference(reader.heard, sender.sent)}")
            if missing := self._unacknowledged(sender):
                raise Lost(f"{name}: {missing} acknowledgements are missing")
            queued = sender.api.good("GET", "/status")["outbox"]["queued"]
            if queued:
                raise Lost(f"{name}: {queued} deliveries are queued still")
        for each in self.people:
            assert each.process.running is not None
            each.process.running.stop()
            _check_database(each.api.directory)
        return {
            "kills": {process.name: process.kills for process in self.processes},
            "messages": {each.process.name: each.sent for each in self.people},
            "accepted with 201": sum(
                status == 201 for each in self.people for status in each.accepted.values()
            ),
            "accepted with 202": sum(
                status == 202 for each in self.people for status in each.accepted.values()
            ),
        }


def _difference(heard: list[int], sent: int) -> str:
    missing = sorted(set(range(sent)) - set(heard))
    doubled = sorted({number for number in heard if heard.count(number) > 1})
    disorder = [number for number, after in pairwise(heard) if after < number]
    return (
        f"{sent} were sent, {len(heard)} came; missing {missing[:10]}, doubled {doubled[:10]}, "
        f"out of order after {disorder[:10]}"
    )


def _check_database(directory: Path) -> None:
    key = (directory / "database-key").read_text().splitlines()[0]
    connection = sqlcipher.connect(directory / "qabel.db")
    connection.execute(f"PRAGMA key = \"x'{key}'\"")
    found = connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    if found != [("ok",)]:
        raise Lost(f"{directory.name}: the database is damaged: {found[:3]}")


def _again(work: Any) -> Any:
    ends = time.monotonic() + 30
    while True:
        try:
            return work()
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.1)


def _endpoint(port: int) -> str:
    return f"tcp:{port}:interface=127.0.0.1"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def main() -> int:
    """Run it; status 1 if anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.integration.torture")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", type=Path, help="keep everything in this directory")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            figures = Torture(folder, options.seed).run(options.kills)
        except Lost as lost:
            print(f"LOST: {lost}")
            return 1
    print(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
