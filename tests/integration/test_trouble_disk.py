"""The disk is full: the daemon says so, loses nothing, and goes on when there is room."""

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.integration.bad_servers import BadServer, Box, Peer, Request
from tests.integration.daemons import Daemon, Pen, eventually
from tests.mounts import mount_memory, unmount
from tests.small_files import no_file_over

BOX = "b" * 43


class Disk(Protocol):
    """Where a daemon keeps its data, and how there comes to be no room there."""

    path: Path

    def fill(self, daemon: Daemon) -> None:
        """Have no room for anything more."""

    def make_room(self, daemon: Daemon) -> None:
        """Have room again."""


class Limited:
    """A limit on the size of files, as service managers set it; it needs no privilege."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self, daemon: Daemon) -> None:
        """Let no file grow past where the write-ahead log ends now: all is written there first."""
        self._limit(daemon, (daemon.directory / "qabel.db-wal").stat().st_size)

    def make_room(self, daemon: Daemon) -> None:
        """Let files grow."""
        self._limit(daemon, resource.RLIM_INFINITY)

    def _limit(self, daemon: Daemon, size: int) -> None:
        pid = daemon.process.process.pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


class Small:
    """A file system of its own in memory, which really has no more room."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self, daemon: Daemon) -> None:
        """Write until nothing more goes in."""
        with self._ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def make_room(self, daemon: Daemon) -> None:
        """Take it away again."""
        self._ballast.unlink()


@pytest.fixture(params=[Limited, Small])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """Return a disk that can be filled."""
    if request.param is Limited:
        yield Limited(tmp_path)
        return
    path = tmp_path / "disk"
    path.mkdir()
    if not mount_memory(path, 16):
        pytest.skip("a file system of a few megabytes cannot be mounted here")
    try:
        yield Small(path)
    finally:
        unmount(path)


def test_a_full_disk_is_told_and_got_over(disk: Disk, tmp_path: Path) -> None:
    """Sending answers 507, health and status say why; with room all goes on, with nothing lost."""
    box, bob = Box(), Pen()
    with BadServer(box.serve) as server, Daemon(disk.path, "alice").up() as alice:
        contact = alice.live(server.url)
        alice.knows("bob", bob.public, f"{server.url}/{BOX}")
        box.put(contact["drop_urls"][0], bob.seal(contact["public_key"], "before"))
        alice.hears(["before"])
        assert alice.api.say("before").status == 201
        disk.fill(alice)

        eventually(lambda: alice.api.say("x" * 900).status == 507, "sending never failed")
        assert "No space left on the disk" in alice.api.say("x" * 900).body["detail"]
        assert alice.status()["disk"]["full"]
        assert "The disk has been full" in alice.troubles()
        health = alice.health()
        assert health.status == 503
        assert "The disk is full" in health.body["detail"]
        posted = len(box.drops["/" + BOX])
        box.put(
            contact["drop_urls"][0],
            *(bob.seal(contact["public_key"], number, padding=900) for number in range(600)),
        )
        eventually(lambda: "No space left" in alice.troubles(), alice.troubles)
        # The disk is to blame, not the server.
        [drop_server] = alice.status()["drop_servers"]
        assert (drop_server["failures"], drop_server["last_error"]) == (0, None)
        assert "No space left" in drop_server["not_stored"]
        assert alice.heard()[0] == "before"
        setting = {"key": "module_data.x.y", "value": "x" * 50_000}
        assert alice.api.ask("PUT", "/settings", setting).status == 507
        assert "x" not in alice.api.good("GET", "/settings")["module_data"]

        disk.make_room(alice)
        eventually(lambda: alice.health().status == 200, alice.troubles)
        alice.hears(["before", *range(600)])
        # What was accepted just before the disk was full goes at a time that is drawn.
        eventually(lambda: alice.status()["outbox"]["queued"] == 0)
        assert alice.api.say("after").status == 201
        assert not alice.status()["disk"]["full"]
        # A file system of a few megabytes is always said to be nearly full.
        assert {each["kind"] for each in alice.status()["trouble_details"]} <= {"disk_low"}
        assert alice.status()["outbox"] == {
            "queued": 0,
            "sent": posted + 1,
            "failed": 0,
            "oldest_waiting": None,
        }
        assert len(box.drops["/" + BOX]) == posted + 1
        assert "Traceback" not in alice.process.log
        assert alice.stop() < 5


def test_what_was_posted_is_kept_once_there_is_room(tmp_path: Path) -> None:
    """A server takes a message while the disk is full: it is not sent again, and noted later."""
    box, bob, disk = Box(), Pen(), Limited(tmp_path)

    def slowly(peer: Peer, request: Request) -> None:
        if request.method == "POST":
            peer.wait()
        box.serve(peer, request)

    with BadServer(slowly) as server, Daemon(tmp_path, "alice").up() as alice:
        alice.live(server.url)
        alice.knows("bob", bob.public, f"{server.url}/{BOX}")
        contact = alice.api.good("GET", "/contacts")[0]
        server.behave = slowly
        alice.api.good("PUT", "/settings", {"key": "poll_interval", "value": 60})
        body = {
            "sender": contact["identity_id"],
            "recipients": [contact["id"]],
            "drop_message": {"model_object": "chat", "data": {"msg": "hello"}},
        }
        # A client that does not wait for the answer.
        with contextlib.suppress(OSError):
            alice.api.ask("POST", "/drop", body, timeout=0.3)
        eventually(lambda: any(each.method == "POST" for each in server.requests))
        # The log is the longest file then, and cannot be merged into the other one.
        alice.api.good("PUT", "/settings", {"key": "module_data.x.y", "value": "x" * 900_000})
        disk.fill(alice)
        server.wake()
        eventually(lambda: "could not be stored: no disk space" in alice.troubles(), alice.troubles)
        assert alice.health().status == 503
        disk.make_room(alice)
        eventually(lambda: alice.status()["outbox"]["sent"] == 1)
        assert alice.health().status == 200
        assert len(box.drops["/" + BOX]) == 1


def test_a_first_start_without_room_is_one_line(tmp_path: Path) -> None:
    """With no room for a database it ends with one line, and starts once there is room."""
    with no_file_over(20_000):
        daemon = Daemon(tmp_path, "alice")
    with daemon:
        assert daemon.process.ended() == 1
        assert daemon.process.errors.startswith("qabel-rest: No space left on the disk")
        assert daemon.process.errors.count("\n") == 1
    with daemon.again():
        assert daemon.health().status == 200


def test_a_backup_without_room_leaves_nothing_behind(tmp_path: Path) -> None:
    """A backup that does not fit is answered with 507, and there is no half of one."""
    with Daemon(tmp_path, "alice").up() as alice:
        disk = Limited(tmp_path)
        alice.api.good("PUT", "/settings", {"key": "module_data.x.y", "value": "x" * 100})
        resource.prlimit(alice.process.process.pid, resource.RLIMIT_FSIZE, (50_000, -1))
        assert alice.api.ask("POST", "/backup", {"name": "one"}).status == 507
        assert list((alice.directory / "backups").iterdir()) == []
        disk.make_room(alice)
        assert alice.api.ask("POST", "/backup", {"name": "one"}).status == 201
