"""Drop servers that tear long responses, hold too much, or go back: all messages come."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from typing import Any

from attrs import define, field

from tests.integration.bad_servers import BOUNDARY, END, BadServer, Peer, Request
from tests.integration.daemons import Daemon, Pen, eventually, inside

FIRST = 1_790_000_000


@define
class Dated:
    """A drop server whose messages arrive a second after each other, and which goes by dates."""

    stored: list[tuple[int, bytes]] = field(factory=list)
    torn_after: int | None = None
    """After how many messages a response tears that begins at the start."""
    torn: int = 0
    sent: int = 0

    def put(self, message: bytes) -> None:
        """Leave a message."""
        self.stored.append((FIRST + len(self.stored), message))

    def serve(self, peer: Peer, request: Request) -> None:
        """Respond to a request."""
        since = request.headers.get("x-qabel-new-since")
        after = request.headers.get("if-modified-since")
        if since is not None:
            newer = self.stored[int(since) :]
        elif after is not None:
            moment = parsedate_to_datetime(after).timestamp()
            newer = [each for each in self.stored if each[0] > moment]
        else:
            newer = list(self.stored)
        if request.path.endswith("/ws"):
            peer.answer("404 Not Found")
        elif not newer:
            peer.answer("304 Not Modified")
        else:
            peer.begin_parts(f"X-Qabel-Latest: {len(self.stored)}")
            whole = since is not None or after is not None or self.torn_after is None
            for date, message in newer if whole else newer[: self.torn_after]:
                head = f"--{BOUNDARY}\r\nDate: {formatdate(date, usegmt=True)}\r\n\r\n"
                peer.say(head, message, "\r\n")
                self.sent += len(message)
            self.torn += not whole
            if whole:
                peer.say(END.removeprefix(b"\r\n"))


@define
class Scene:
    """A daemon with a drop on such a server, and somebody who writes to it."""

    daemon: Daemon
    server: BadServer
    box: Dated
    contact: dict[str, Any]
    pen: Pen = field(factory=Pen)
    count: int = 0

    def put(self, count: int = 1) -> None:
        """Leave messages."""
        for _ in range(count):
            self.box.put(self.pen.seal(self.contact["public_key"], self.count))
            self.count += 1

    def reading(self) -> dict[str, Any]:
        """Return what the status says of full readings."""
        view: dict[str, Any] = self.daemon.status()["drop_servers"][0]["full_reading"]
        return view


@contextmanager
def scene(folder: Path, *options: str, size: int = 1 << 30) -> Iterator[Scene]:
    """Provide one; of a response, the daemon takes at most ``size`` bytes."""
    box, env = Dated(), inside(limits={"size": size})
    with BadServer(box.serve) as server, Daemon(folder, "alice", *options, env=env).up() as alice:
        yield Scene(alice, server, box, alice.live(server.url))


def test_a_proxy_that_tears_full_readings(tmp_path: Path) -> None:
    """New messages come at once while full readings fail, which is said until they succeed."""
    with scene(tmp_path, "--full-read-interval=0.5") as made:
        made.put(20)
        made.daemon.hears(list(range(20)))
        made.box.torn_after = 0
        eventually(lambda: made.box.torn)
        for _ in range(3):
            began = time.monotonic()
            made.put()
            made.daemon.hears(list(range(made.count)))
            assert time.monotonic() - began < 2
        eventually(lambda: made.reading()["failed"])
        assert "could not be read in full" in made.daemon.troubles()
        assert made.daemon.health().status == 200
        made.box.torn_after = None
        eventually(lambda: made.reading()["failed"] is None)
        assert made.daemon.troubles() == ""


def test_more_than_a_response_may_have(tmp_path: Path) -> None:
    """A drop with more than is taken of one response is read to its end, over several rounds."""
    with scene(tmp_path, size=20_000) as made:
        made.server.behave = lambda peer, _: peer.answer("503 Busy")
        made.put(40)
        made.server.behave = made.box.serve
        made.daemon.hears(list(range(40)))
        made.put()
        made.daemon.hears(list(range(41)))


def test_more_than_an_hour_may_take(tmp_path: Path) -> None:
    """What came whole is kept over a kill, not fetched again, and the drop then waits."""
    with scene(tmp_path, "--drop-bandwidth=0.05") as made:
        url, made.box.torn_after = made.server.url, None
        made.server.behave = lambda peer, _: peer.answer("503 Busy")
        made.put(40)
        made.server.behave = made.box.serve
        eventually(lambda: "bandwidth" in made.daemon.troubles())
        heard = len(made.daemon.heard())
        assert 15 <= heard < 25
        made.daemon.process.kill()
        made.daemon.again()
        eventually(lambda: "bandwidth" in made.daemon.troubles())
        assert url in made.daemon.troubles()
        # What the sockets hold counts as sent: it was requested once.
        assert made.box.sent <= 40 * 2149
        assert made.daemon.health().status == 200


def test_a_server_that_was_restored(tmp_path: Path) -> None:
    """Messages that the cursor does not show come with ``no-cache``, and the server is named."""
    with scene(tmp_path) as made:
        made.put(10)
        made.daemon.hears(list(range(10)))
        del made.box.stored[5:]
        made.put(3)
        time.sleep(0.5)
        assert len(made.daemon.heard()) == 10
        made.daemon.api.ask("GET", "/drop?hold=1", headers={"Cache-Control": "no-cache"})
        made.daemon.hears(list(range(13)))
        assert made.daemon.status()["drop_servers"][0]["went_back"] is not None
        assert f"{made.server.url} has fewer messages than before" in made.daemon.troubles()
        made.put()
        made.daemon.hears(list(range(14)))
