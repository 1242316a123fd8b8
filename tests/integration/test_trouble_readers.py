"""Readers that crash, stall or ask for what is gone; and the daemon crashing under them."""

import contextlib
import random
import select
import socket
import statistics
import threading
import time
from pathlib import Path
from typing import Any

from tests.integration.bad_servers import BadServer, Box
from tests.integration.daemons import Daemon, Pen, eventually, inside, move

DAY = 24 * 3600


class Reader:
    """A reader that keeps the place together with what it has read, as one value."""

    def __init__(self, daemon: Daemon, seed: int) -> None:
        self.daemon = daemon
        self.kept: tuple[str, list[Any]] = ("0", [])
        self.crashes = 0
        self.problems: list[str] = []
        self._random = random.Random(seed)  # noqa: S311 - it is to be repeatable
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._over.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(OSError):
                self._read()
            self._over.wait(0.01)

    def _read(self) -> None:
        place, work = self.kept
        limit = self._random.randint(1, 20)
        reply = self.daemon.api.ask(
            "GET", f"/drop?wait=0.2&limit={limit}", headers={"X-Qabel-New-Since": place}, timeout=5
        )
        if reply.status not in (200, 204, 503):
            self.problems.append(f"{reply.status}: {reply.body}")
        if reply.status == 200 and self._random.random() < 0.3:
            # It dies after reading, before its own work is kept.
            self.crashes += 1
        elif reply.status in (200, 204):
            new = [each["data"]["msg"] for each in reply.body or ()]
            self.kept = (reply.headers["x-qabel-latest"], work + new)


def test_a_reader_sees_everything_once_over_crashes_of_either_side(tmp_path: Path) -> None:
    """A reader that keeps the value with its work gets each message once, in order."""
    box, bob = Box(), Pen()
    with BadServer(box.serve) as server, Daemon(tmp_path, "alice").up() as alice:
        contact = alice.live(server.url, 0.05)
        url, key = contact["drop_urls"][0], contact["public_key"]
        reader = Reader(alice, seed=5)
        count = 0
        for _ in range(3):
            for _ in range(15):
                box.put(url, *(bob.seal(key, count + each) for each in range(5)))
                count += 5
                time.sleep(0.01)
            alice.process.kill()
            alice.again()
        eventually(lambda: len(reader.kept[1]) >= count, lambda: str(reader.kept))
        reader.stop()
        assert reader.kept[1] == list(range(count))
        assert reader.problems == []
        assert reader.crashes


def test_a_reader_that_asks_to_hold_loses_nothing(tmp_path: Path) -> None:
    """With ``hold``, messages stay new until they are acknowledged, whichever side dies."""
    box, bob = Box(), Pen()

    def new(daemon: Daemon) -> list[Any]:
        reply = daemon.api.ask("GET", "/drop?hold=1")
        assert reply.status == 200, reply.body
        return [each["data"]["msg"] for each in reply.body]

    with BadServer(box.serve) as server, Daemon(tmp_path, "alice").up() as alice:
        contact = alice.live(server.url)
        sealed = [bob.seal(contact["public_key"], number, padding=900) for number in range(20)]
        box.put(contact["drop_urls"][0], *sealed)
        alice.hears(list(range(20)))
        with stalled(alice, "/drop?hold=1") as connection:
            connection.recv(2048)
        assert new(alice) == list(range(20))
        alice.process.kill()
        alice.again()
        assert new(alice) == list(range(20))
        upto = alice.api.ask("GET", "/drop?hold=1&limit=5").headers["x-qabel-latest"]
        assert alice.api.ask("POST", "/drop/ack", {"upto": upto}).status == 204
        alice.process.kill()
        alice.again()
        assert new(alice) == list(range(5, 20))


def stalled(daemon: Daemon, path: str) -> socket.socket:
    """Ask for something, and never read the answer."""
    connection = socket.socket(socket.AF_UNIX)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(str(daemon.directory / "rest.sock"))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return connection


def is_hung_up(connection: socket.socket) -> bool:
    """Return whether the other side has closed a Unix socket, without reading from it."""
    poll = select.poll()
    poll.register(connection, select.POLLHUP)
    return bool(poll.poll(0))


def test_readers_that_stop_reading_cost_little_and_are_cut_off(tmp_path: Path) -> None:
    """Thousands of messages go by readers that stand still; these are ended, and others served."""
    box, bob = Box(), Pen()
    with (
        BadServer(box.serve) as server,
        Daemon(tmp_path, "alice", env=inside(heartbeat=0.3)).up() as alice,
    ):
        contact = alice.live(server.url)
        url, key = contact["drop_urls"][0], contact["public_key"]
        box.put(url, *(bob.seal(key, number, padding=900) for number in range(1000)))
        eventually(lambda: alice.status()["inbox"]["messages"] == 1000)
        before = alice.memory()
        readers = [stalled(alice, "/events?since=0") for _ in range(20)]
        readers += [stalled(alice, "/drop?since=0&limit=1000") for _ in range(5)]
        began = time.monotonic()
        box.put(url, *(bob.seal(key, number, padding=900) for number in range(1000, 2500)))
        eventually(lambda: alice.status()["inbox"]["messages"] == 2500)
        assert time.monotonic() - began < 30
        assert alice.memory("VmHWM") - before < 64
        for each in readers[:20]:
            # One that is read from before it was cut off would be a good reader again.
            eventually(lambda each=each: is_hung_up(each))
        for each in readers:
            each.close()
        reply = alice.api.ask("GET", "/drop?since=0&limit=10000")
        assert [each["data"]["msg"] for each in reply.body] == list(range(2500))


def times(daemon: Daemon, count: int) -> list[float]:
    """Make small requests, and give how long each took, in seconds."""
    found = []
    for _ in range(count):
        began = time.perf_counter()
        assert daemon.api.ask("GET", "/drop").status == 204
        found.append(time.perf_counter() - began)
    return found


def test_a_stalled_reader_delays_nobody(tmp_path: Path) -> None:
    """Beside a client that stopped reading, another's requests take as long as without it."""
    box, bob = Box(), Pen()
    with BadServer(box.serve) as server, Daemon(tmp_path, "alice").up() as alice:
        contact = alice.live(server.url)
        url, key = contact["drop_urls"][0], contact["public_key"]
        box.put(url, *(bob.seal(key, number, padding=900) for number in range(1000)))
        eventually(lambda: alice.status()["inbox"]["messages"] == 1000)
        alice.api.good("PUT", "/settings", {"key": "poll_interval", "value": 3600})
        assert alice.api.ask("GET", "/drop").status == 200
        times(alice, 100)
        alone: list[float] = []
        beside: list[float] = []
        # By turns: what the machine does otherwise hits both alike.
        for _ in range(8):
            alone += times(alice, 75)
            with stalled(alice, "/events?since=0"), stalled(alice, "/drop?since=0&limit=1000"):
                beside += times(alice, 75)
        assert statistics.median(beside) < 1.5 * statistics.median(alone) + 0.005
        assert statistics.quantiles(beside, n=100)[98] < 2


def test_places_that_are_not_there(tmp_path: Path) -> None:
    """A place of another database, of the future, or past retention gets 410 at once."""
    clock = tmp_path / "clock"
    with (
        Daemon(tmp_path, "alice", env=inside(clock=clock)).up() as alice,
        Daemon(tmp_path, "bob").up() as bob,
    ):
        foreign = bob.api.ask("GET", "/drop").headers["x-qabel-latest"]
        own = alice.api.ask("GET", "/drop").headers["x-qabel-latest"]
        future = own.rsplit(".", 1)[0] + ".1000000"
        for place in (foreign, future, "rubbish", "1", own + "x", "-1", f"{own}.1"):
            began = time.monotonic()
            for path in ("/drop?wait=60&", "/events?"):
                reply = alice.api.ask("GET", f"{path}since={place}", timeout=5)
                assert reply.status == 410, (place, reply)
                assert reply.body["oldest"] == "0"
                assert reply.headers["x-qabel-oldest"] == "0"
            assert time.monotonic() - began < 30
        assert alice.api.ask("HEAD", f"/drop?since={foreign}").status == 410
        alice.api.good("PUT", "/settings", {"key": "poll_interval", "value": 9})
        latest = alice.api.ask("GET", "/drop").headers["x-qabel-latest"]
        alice.api.good("PUT", "/settings", {"key": "poll_interval", "value": 8})
        alice.stop()
        move(clock, 30 * DAY)
        alice.again()
        # What is past retention is cleared just after the start.
        eventually(lambda: alice.api.ask("HEAD", f"/events?since={latest}").status == 410)
        oldest = alice.api.ask("HEAD", f"/events?since={latest}").headers["x-qabel-oldest"]
        resumed = alice.api.ask("HEAD", "/events", headers={"Last-Event-ID": oldest})
        assert resumed.status == 200
        # Messages are kept until they are deleted: reading these has no gap.
        assert alice.api.ask("GET", f"/drop?since={latest}").status == 204


def test_clients_that_go_away_are_forgotten(tmp_path: Path) -> None:
    """Hundreds of clients that hang up while they wait leave no memory and no connections."""
    with Daemon(tmp_path, "alice").up() as alice:
        alice.health()
        before = alice.memory()
        for path in ["/drop?wait=60", "/events"] * 10:
            # Fewer than may wait in line to be let in.
            peers = [stalled(alice, path) for _ in range(25)]
            for each in peers:
                each.close()
            assert alice.health().status == 200
        assert alice.memory() - before < 16
        descriptors = Path(f"/proc/{alice.process.process.pid}/fd")
        eventually(lambda: len(list(descriptors.iterdir())) < 40)
