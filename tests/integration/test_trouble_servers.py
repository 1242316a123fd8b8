"""Drop servers that do all that can go wrong: the daemon says so, goes on, and gets it all."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import bad_servers
from tests.integration.bad_servers import BadServer, Behaviour, Box, Peer, Request
from tests.integration.daemons import Daemon, Pen, eventually, inside

SHORT = {"silence": 0.4, "time": 0.8, "size": 1 << 20}

MEBIBYTES = 64
"""How much more memory trouble may take."""


class Scene:
    """A daemon with a drop on a server that misbehaves, and one on a server that never does."""

    def __init__(self, folder: Path, bad: BadServer, good: BadServer) -> None:
        self.bad, self.good = bad, good
        self.bad_box, self.good_box = Box(), Box()
        self.pen = Pen()
        self.sent = 0
        self.expected: list[int] = []
        good.behave, bad.behave = self.good_box.serve, self.bad_box.serve
        self.daemon = Daemon(folder, "alice", "--stale-after=1", env=inside(limits=SHORT)).up()
        self.good_contact = self.daemon.live(good.url, 0.05)
        self.bad_contact = self.daemon.live(bad.url, 0.05)
        self.memory = self.daemon.memory()

    def write(self, box: Box, contact: dict[str, Any]) -> None:
        """Leave a message in the daemon's drop, and see that it comes."""
        box.put(contact["drop_urls"][0], self.pen.seal(contact["public_key"], self.sent))
        self.expected.append(self.sent)
        self.sent += 1
        self.daemon.hears(self.expected)

    def error(self) -> str:
        """Return what the daemon says of the bad server."""
        servers = {each["server"]: each for each in self.daemon.status()["drop_servers"]}
        return str(servers[self.bad.url]["last_error"])


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Return a daemon that lives through all the trouble of this module."""
    folder = tmp_path_factory.mktemp("trouble")
    with BadServer(bad_servers.hang) as bad, BadServer(bad_servers.hang) as good:
        made = Scene(folder, bad, good)
        with made.daemon:
            yield made
            assert "Traceback" not in made.daemon.process.log
            made.daemon.stop()


@pytest.mark.parametrize(
    ("behave", "error"),
    [
        (bad_servers.hang, "did not respond in time"),
        (bad_servers.hang_in_body, "sent its response too slowly"),
        (bad_servers.drip, "sent its response too slowly"),
        (bad_servers.drip_headers, "did not respond in time"),
        (bad_servers.endless_parts, "sent a response of more than|too slowly"),
        (bad_servers.endless_part, "sent a response of more than"),
        (
            bad_servers.endless_error,
            "rejected the request with status 500|sent a response of more than",
        ),
        (bad_servers.huge_headers, "sent too many headers"),
        (bad_servers.huge_header, "sent an invalid HTTP response|sent too many headers"),
        (bad_servers.gzip_bomb, "compressed its response although that was not requested"),
        (bad_servers.torn, "closed the connection before it responded"),
        (bad_servers.reset, "broke off in the middle of its response"),
        (bad_servers.wrong_length, "broke off in the middle of its response"),
        (bad_servers.no_multipart, "sent an invalid response"),
        (bad_servers.wrong_boundary, "sent an invalid response|broke off"),
        (bad_servers.no_boundary, "sent an invalid response"),
        (bad_servers.no_http, "sent an invalid HTTP response"),
        (bad_servers.fails, "rejected the request with status 500"),
        (bad_servers.redirect_to("http://127.0.0.1:1"), "responded with a redirect"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_server_misbehaves(scene: Scene, behave: Behaviour, error: str) -> None:
    """Trouble with one server is told, delays no other, and ends when the server mends its ways."""
    scene.bad.behave = behave
    eventually(lambda: re.search(error, scene.error()), scene.error)
    scene.write(scene.good_box, scene.good_contact)
    assert re.search(error, scene.daemon.troubles())
    scene.bad.behave = scene.bad_box.serve
    scene.bad.wake()
    scene.write(scene.bad_box, scene.bad_contact)
    eventually(lambda: scene.error() == "None", scene.error)
    assert scene.daemon.memory("VmHWM") - scene.memory < MEBIBYTES


def test_connections_of_the_impatient_are_closed(scene: Scene) -> None:
    """A server that hangs is not left with ever more open connections."""
    scene.bad.behave = bad_servers.hang
    before = len(scene.bad.requests)
    eventually(lambda: len(scene.bad.requests) > before + 2)
    assert scene.bad.open <= 2
    scene.bad.behave = scene.bad_box.serve
    scene.bad.wake()


def test_no_one_is_followed_elsewhere(scene: Scene) -> None:
    """A server that redirects does not have the daemon ask anybody else."""
    with BadServer(bad_servers.fails) as elsewhere:
        scene.bad.behave = bad_servers.redirect_to(elsewhere.url)
        eventually(lambda: "redirect" in scene.error(), scene.error)
        assert elsewhere.requests == []
    scene.bad.behave = scene.bad_box.serve


def test_whole_messages_of_a_torn_answer_are_kept(scene: Scene) -> None:
    """What came whole before a break is there at once, and comes no second time."""
    contact = scene.bad_contact
    first, second = (
        scene.pen.seal(contact["public_key"], number) for number in (scene.sent, scene.sent + 1)
    )

    def tear(peer: Peer, request: Request) -> None:
        peer.begin_parts("X-Qabel-Latest: 1000")
        peer.say(bad_servers.part(first), bad_servers.part(second)[:2000])

    scene.bad.behave = tear
    scene.expected.append(scene.sent)
    scene.daemon.hears(scene.expected)
    assert "broke off" in scene.error()
    scene.bad_box.put(contact["drop_urls"][0], first, second)
    scene.bad.behave = scene.bad_box.serve
    scene.expected.append(scene.sent + 1)
    scene.sent += 2
    scene.daemon.hears(scene.expected)


def test_a_server_without_end_takes_no_memory(tmp_path: Path) -> None:
    """With the limits as they are, seconds of an endless answer leave memory as it was."""
    with BadServer(bad_servers.endless_parts) as server, Daemon(tmp_path, "alice").up() as alice:
        before = alice.memory()
        alice.live(server.url)
        eventually(lambda: server.requests)
        time.sleep(1.5)
        assert alice.memory("VmHWM") - before < MEBIBYTES
        assert alice.health().status == 200
        assert alice.stop() < 5


class Liar(Box):
    """A server that serves what it has, but lies about how far that goes."""

    how = "always the same"

    def serve(self, peer: Peer, request: Request) -> None:
        """Answer with everything, or with nothing, and a cursor that means nothing."""
        drop = self.drops[request.path]
        since = request.headers.get("x-qabel-new-since")
        if self.how == "from the future" and since is not None:
            peer.answer("304 Not Modified")
            return
        latest = {
            "always the same": "X-Qabel-Latest: 1",
            "from the future": "X-Qabel-Latest: 99999999999.9",
            "none": "X-Nothing: at all",
            "back and forth": f"X-Qabel-Latest: {-len(self.drops) + time.monotonic() % 1}",
            "two of them": "X-Qabel-Latest: 1\r\nX-Qabel-Latest: 2",
            "much too long": f"X-Qabel-Latest: {'9' * 5_000}",
            "not even text": "X-Qabel-Latest: \x00\xff\x80",
        }[self.how]
        peer.answer_parts(drop, latest)


def test_a_server_lies_about_its_cursor(tmp_path: Path) -> None:
    """Whatever a server says that the place is, each message comes once, and none is missed."""
    liar, pen = Liar(), Pen()
    with BadServer(liar.serve) as server:
        daemon = Daemon(tmp_path, "alice", "--full-read-interval=0.1")
        with daemon.up() as alice:
            contact = alice.live(server.url, 0.05)
            expected: list[str] = []
            for how in (
                "always the same",
                "from the future",
                "none",
                "back and forth",
                "two of them",
                "much too long",
                "not even text",
            ):
                liar.how = how
                for round_ in ("first", "second"):
                    text = f"{how}, {round_}"
                    liar.put(contact["drop_urls"][0], pen.seal(contact["public_key"], text))
                    expected.append(text)
                    alice.hears(expected)
            asked = len(server.requests)
            eventually(lambda: len(server.requests) > asked + 5)
            assert alice.heard() == expected


def test_a_name_that_cannot_be_looked_up(tmp_path: Path) -> None:
    """Names that do not resolve are told of, for one's own drop server and for a contact's."""
    with Daemon(tmp_path, "alice", "--stale-after=0.5").up() as alice:
        alice.live("http://drop.invalid")
        eventually(lambda: alice.status()["drop_servers"][0]["last_error"])
        assert "Could not resolve host name drop.invalid" in alice.troubles()
        bob = Pen()
        alice.knows("bob", bob.public, f"https://other.invalid/{'b' * 43}")
        reply = alice.api.say("hello")
        assert reply.status == 202
        [recipient] = reply.body["recipients"]
        assert recipient["state"] == "queued"
        assert "Could not resolve host name other.invalid" in recipient["reason"]
        assert "Sending to https://other.invalid failed" in alice.troubles()
        eventually(lambda: alice.health().status == 503)


def test_a_server_that_the_user_has_to_allow(tmp_path: Path) -> None:
    """A message for a server in the local net waits, says why, and goes once that is allowed."""
    box, bob = Box(), Pen()
    with (
        BadServer(Box().serve) as home,
        BadServer(box.serve) as away,
        Daemon(tmp_path, "alice").up() as alice,
    ):
        alice.live(home.url)
        alice.knows("bob", bob.public, f"{away.url}/{'b' * 43}")
        reply = alice.api.say("hello")
        assert reply.status == 202
        assert reply.body["recipients"][0]["state"] == "queued"
        assert (
            "list of drop servers. Add it to the list to allow it"
            in (reply.body["recipients"][0]["reason"])
        )
        assert away.requests == []
        servers = [{"url": each.url, "auth": "", "active": True} for each in (home, away)]
        alice.api.good("PUT", "/synced", {"key": "drop_servers", "value": servers})
        began = time.monotonic()
        eventually(lambda: alice.status()["outbox"]["sent"] == 1)
        assert time.monotonic() - began < 5
        assert len(box.drops["/" + "b" * 43]) == 1


def test_a_server_is_out_of_order_for_long(tmp_path: Path) -> None:
    """While a server fails, health says so and nothing is lost; both end when it works again."""
    box = Box()
    with (
        BadServer(box.serve) as server,
        Daemon(tmp_path, "alice", "--stale-after=0.5").up() as alice,
    ):
        contact, bob = alice.live(server.url), Pen()
        alice.knows("bob", bob.public, f"{server.url}/{'b' * 43}")
        eventually(lambda: alice.health().status == 200)
        server.behave = bad_servers.fails
        assert alice.api.say("hello").status == 202
        eventually(lambda: alice.health().status == 503)
        health = alice.health().body
        assert "could not be read for" in health["detail"]
        assert "127.0.0.1" not in health["detail"]
        status = alice.status()
        assert not status["healthy"]
        assert "rejected the request with status 500" in status["troubles"][0]
        assert status["drop_servers"][0]["failures"] >= 2
        assert status["outbox"]["queued"] == 1
        assert status["outbox"]["oldest_waiting"] >= 0
        assert alice.api.ask("GET", "/health?live=1").status == 200
        box.put(contact["drop_urls"][0], bob.seal(contact["public_key"], "you too"))
        server.behave = box.serve
        alice.hears(["you too"])
        eventually(lambda: alice.health().status == 200)
        eventually(lambda: len(box.drops["/" + "b" * 43]) == 1)
        eventually(lambda: alice.status()["troubles"] == [])
        assert alice.status()["outbox"]["sent"] == 1


def test_a_server_that_hangs_and_then_is_gone(tmp_path: Path) -> None:
    """A server that never answered is told of, and so is one where nobody listens any more."""
    with Daemon(tmp_path, "alice", "--stale-after=0.5").up() as alice:
        with BadServer(bad_servers.hang) as server:
            alice.live(server.url)
            eventually(lambda: alice.health().status == 503)
            assert "could not be read for" in alice.health().body["detail"]
            assert alice.status()["drop_servers"][0]["last_success"] is None
        eventually(lambda: "refused" in alice.troubles(), alice.troubles)
