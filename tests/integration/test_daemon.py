"""``twistd qabel-rest`` as a process: how it starts, refuses to, exchanges messages, and stops."""

import contextlib
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import bad_servers
from tests.integration.bad_servers import BadServer, Box
from tests.integration.client import Api
from tests.integration.daemons import ANYWHERE, Daemon, Pen, eventually, serving_drops
from tests.integration.processes import Twistd

FAR = 3600
"""Seconds between two polls where nothing is to be found by polling."""


class Ear(contextlib.AbstractContextManager["Ear"]):
    """Somebody who follows ``/events``, and notes when each comes."""

    def __init__(self, daemon: Daemon, path: str = "/events") -> None:
        self.events: list[tuple[float, str, Any]] = []
        self.ended = threading.Event()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        self._socket.connect(str(daemon.directory / "rest.sock"))
        self._socket.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        self._file = self._socket.makefile("rb")
        assert b"200" in self._file.readline()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        kind = ""
        with contextlib.suppress(OSError, ValueError):
            for line in self._file:
                name, _, value = line.decode().strip().partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    self.events.append((time.monotonic(), kind, json.loads(value)))
        self.ended.set()

    def messages(self) -> list[tuple[float, Any]]:
        """Return the messages that came, each with the time at which it did."""
        return [(when, data["data"]["msg"]) for when, kind, data in self.events if kind == "drop"]

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def drops(tmp_path: Path) -> Iterator[str]:
    """Return the URL of a real drop server."""
    with serving_drops(tmp_path) as url:
        yield url


def introduce(one: Daemon, other: Daemon, server: str, interval: float = 0.1) -> None:
    """Have two people who know each other."""
    cards = [each.live(server, interval) for each in (one, other)]
    for me, card in ((one, cards[1]), (other, cards[0])):
        me.knows("the other", card["public_key"], *card["drop_urls"])


# Starting


BAD_OPTIONS = {
    "--frob": "option --frob not recognized (see --help)",
    "--listen=tcp:0": "tcp:0 is reachable from other hosts; use tcp:0:interface=127.0.0.1",
    "--listen=tcp:70000:interface=127.0.0.1": "tcp:70000",
    "--drop-id-bits=16": "the setting privacy.shared_drops says whether to follow them",
    "--data-dir=/dev/null/x": "the data directory /dev/null/x cannot be used",
}


@pytest.fixture(scope="module")
def misled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Twistd]]:
    """Return daemons with bad options, all started at the same time."""
    folder = tmp_path_factory.mktemp("options")
    started = {
        options: Daemon(folder, f"{number}", *options.split()).process
        for number, options in enumerate(BAD_OPTIONS)
    }
    yield started
    for each in started.values():
        each.kill()


@pytest.mark.parametrize("options", BAD_OPTIONS)
def test_bad_options(misled: dict[str, Twistd], options: str) -> None:
    """What is wrong with the command line is said in one line, with a status that is not 0."""
    process = misled[options]
    assert process.ended() == 1
    assert BAD_OPTIONS[options] in process.errors
    assert process.errors.startswith("qabel-rest: ")
    assert process.errors.count("\n") == 1
    assert "Traceback" not in process.log


@pytest.mark.parametrize("option", ["listen", "drop-server"])
def test_a_busy_port(tmp_path: Path, option: str) -> None:
    """A port that is in use, for REST or for the drop server beside it, is one line."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        place = f"tcp:{busy.getsockname()[1]}:interface=127.0.0.1"
        with Daemon(tmp_path, "alice", f"--{option}={place}") as alice:
            assert alice.process.ended() == 1
    assert f"cannot listen on {place}: Address already in use" in alice.process.errors
    assert alice.process.errors.count("\n") == 1
    assert "Traceback" not in alice.process.log


def test_a_second_daemon_on_the_same_directory(tmp_path: Path) -> None:
    """It ends at once with one line that names the first, which goes on undisturbed."""
    with Daemon(tmp_path, "alice").up() as first:
        with Daemon(tmp_path, "alice") as second:
            assert second.process.ended() == 1
        assert second.process.errors == (
            f"qabel-rest: the data directory {first.directory} is in use by another process"
            f" (process {first.process.process.pid})\n"
        )
        assert first.api.ask("GET", "/settings").status == 200


def test_a_directory_that_is_not_ours(tmp_path: Path) -> None:
    """A directory with other files, open to others, is refused and stays as it is."""
    directory = tmp_path / "alice"
    directory.mkdir(mode=0o755)
    (directory / "thesis").write_text("precious")
    with Daemon(tmp_path, "alice") as alice:
        assert alice.process.ended() == 1
    assert "contains other files and is accessible to other users" in alice.process.errors
    assert alice.process.errors.count("\n") == 1
    assert [each.name for each in directory.iterdir()] == ["thesis"]


def test_what_a_first_start_makes(tmp_path: Path) -> None:
    """All files are for their owner alone, and the port asks for the token that is among them."""
    with Daemon(tmp_path, "alice").up() as alice:
        port = alice.process.port("qabel-rest")
        modes = {each.name: each.stat().st_mode & 0o777 for each in alice.directory.iterdir()}
        assert set(modes) >= {"qabel.db", "database-key", "api-token", "rest.sock", "lock"}
        assert set(modes.values()) == {0o600}
        assert alice.directory.stat().st_mode & 0o777 == 0o700
        assert Api(alice.directory, port).ask("GET", "/settings").status == 200
        wrong = {"Authorization": "Bearer wrong"}
        assert Api(alice.directory, port).ask("GET", "/settings", headers=wrong).status == 401
        secrets = [(alice.directory / name).read_text() for name in ("api-token", "database-key")]
        alice.stop()
        assert not any(each.strip() in alice.process.log for each in secrets)


# Stopping


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_soon_whatever_is_under_way(tmp_path: Path, number: signal.Signals) -> None:
    """With readers waiting, streams open, a poll and a post hanging, it ends in under 5 seconds."""
    bob = Pen()
    with BadServer(bad_servers.hang) as server, Daemon(tmp_path, "alice", push=True).up() as alice:
        alice.live(server.url)
        alice.knows("bob", bob.public, f"{server.url}/{'b' * 43}")
        answers: list[Any] = []

        def ask(*request: Any) -> None:
            try:
                answers.append(alice.api.ask(*request).status)
            except OSError as error:
                answers.append(error)

        contact = alice.api.good("GET", "/contacts")[0]
        message = {"model_object": "chat", "data": {"msg": "hello"}}
        body = {
            "sender": contact["identity_id"],
            "recipients": [contact["id"]],
            "drop_message": message,
        }
        requests = [("GET", "/drop?wait=60"), ("POST", "/drop", body)]
        threads = [threading.Thread(target=ask, args=each, daemon=True) for each in requests]
        for each in threads:
            each.start()
        with Ear(alice) as ear:
            eventually(lambda: any(each.method == "POST" for each in server.requests))
            eventually(lambda: any(each.method == "GET" for each in server.requests))
            began = time.monotonic()
            alice.process.process.send_signal(number)
            alice.process.ended(5)
            assert time.monotonic() - began < 5
            assert ear.ended.wait(5)
        for each in threads:
            each.join(5)
        assert len(answers) == 2
        assert "Traceback" not in alice.process.log
        assert alice.process.errors == ""
        assert not (alice.directory / "rest.sock").exists()
        assert not (alice.directory / "qabel.db-wal").exists()
        server.behave = Box().serve
        alice.again()
        eventually(lambda: alice.status()["outbox"]["sent"] == 1)


def test_it_stops_before_it_is_up(tmp_path: Path) -> None:
    """A signal in the middle of starting ends it too, and the next start is as any other."""
    for pause in (0.35, 0.5):
        with Daemon(tmp_path, "alice") as alice:
            time.sleep(pause)
            alice.stop()
            assert "Traceback" not in alice.process.log + alice.process.errors
    with alice.again():
        assert alice.health().status == 200


# Exchanging


def test_two_people_with_a_drop_server_beside_the_daemon(tmp_path: Path) -> None:
    """With --drop-server, two people exchange messages both ways with no other server."""
    with Daemon(tmp_path, "alice", f"--drop-server={ANYWHERE}").up() as alice:
        server = f"http://127.0.0.1:{alice.process.port('qabel-drop')}"
        [configured] = alice.api.good("GET", "/synced")["drop_servers"]
        assert configured["url"] == server
        with Daemon(tmp_path, "bob").up() as bob:
            introduce(alice, bob, server)
            for number in range(3):
                assert alice.api.say(f"to bob {number}").status == 201
                assert bob.api.say(f"to alice {number}").status == 201
            bob.hears([f"to bob {number}" for number in range(3)])
            alice.hears([f"to alice {number}" for number in range(3)])


def test_an_acknowledgement_comes_back(tmp_path: Path, drops: str) -> None:
    """Who asks for an acknowledgement sees it in the outbox, and as an event."""
    with (
        Daemon(tmp_path, "alice").up() as alice,
        Daemon(tmp_path, "bob").up() as bob,
    ):
        introduce(alice, bob, drops)
        with Ear(alice, "/events?kinds=outbox") as ear:
            reply = alice.api.say("hello", acknowledge_id="auto")
            assert reply.status == 201
            eventually(
                lambda: alice.api.good("GET", f"/outbox/{reply.body['id']}")["recipients"][0][
                    "acknowledged"
                ]
            )
            eventually(lambda: "acknowledged" in str(ear.events))
        assert bob.heard() == ["hello"]
        assert alice.heard() == []


def test_push_brings_a_message_at_once(tmp_path: Path, drops: str) -> None:
    """What is posted is in the other's events well within a second, though nobody polls."""
    with (
        Daemon(tmp_path, "alice", push=True).up() as alice,
        Daemon(tmp_path, "bob", push=True).up() as bob,
    ):
        introduce(alice, bob, drops, 0.5)
        eventually(lambda: bob.status()["push"]["listening"] == 1)
        bob.api.good("PUT", "/settings", {"key": "poll_interval", "value": FAR})
        with Ear(bob) as ear:
            delays = []
            for number in range(20):
                began = time.monotonic()
                assert alice.api.say(f"{number}").status == 201
                eventually(lambda number=number: len(ear.messages()) > number)
                delays.append(ear.messages()[number][0] - began)
            assert [text for _, text in ear.messages()] == [f"{each}" for each in range(20)]
            assert sorted(delays)[10] < 2, delays


def test_a_new_identity_is_polled_without_a_restart(tmp_path: Path) -> None:
    """The drops of an identity that is added while the daemon runs are read, its own or given."""
    box, bob = Box(), Pen()
    with BadServer(box.serve) as server, Daemon(tmp_path, "alice").up() as alice:
        first = alice.live(server.url)
        box.put(first["drop_urls"][0], bob.seal(first["public_key"], "one"))
        alice.hears(["one"])
        alice.api.good("PUT", "/settings", {"key": "poll_interval", "value": FAR})
        given = f"{server.url}/{'g' * 43}"
        second = alice.api.good("POST", "/identities", {"alias": "second", "drops": [given]})
        box.put(given, bob.seal(second["public_key"], "two"))
        fresh = {"Cache-Control": "no-cache"}
        assert alice.api.ask("HEAD", "/drop?since=0", headers=fresh).status == 200
        alice.hears(["one", "two"])
        alice.api.good("DELETE", f"/identities/{second['id']}")
        asked = [each.path for each in server.requests].count("/" + "g" * 43)
        alice.api.good("PUT", "/settings", {"key": "poll_interval", "value": 0.05})
        before = len(server.requests)
        eventually(lambda: len(server.requests) > before + 5)
        assert [each.path for each in server.requests].count("/" + "g" * 43) <= asked + 1


def test_a_poll_interval_is_in_force_at_once(tmp_path: Path) -> None:
    """From an hour to a moment, and back, without a restart; and it is still so after one."""
    with BadServer(Box().serve) as server, Daemon(tmp_path, "alice").up() as alice:
        alice.live(server.url, FAR)
        time.sleep(0.1)
        before = len(server.requests)
        time.sleep(0.2)
        assert len(server.requests) <= before + 1
        alice.api.good("PUT", "/settings", {"key": "poll_interval", "value": 0.05})
        eventually(lambda: len(server.requests) >= before + 10, deadline=3)
        alice.api.good("PUT", "/settings", {"key": "poll_interval", "value": FAR})
        time.sleep(0.1)
        before = len(server.requests)
        time.sleep(0.2)
        assert len(server.requests) <= before + 1
        alice.stop()
        alice.again()
        time.sleep(0.2)
        assert len(server.requests) <= before + 1
        assert alice.api.good("GET", "/settings")["poll_interval"] == FAR


def test_a_restart_in_the_middle_of_an_exchange(tmp_path: Path, drops: str) -> None:
    """What is sent while either is away, or stops, arrives once, and in order."""
    with (
        Daemon(tmp_path, "alice").up() as alice,
        Daemon(tmp_path, "bob").up() as bob,
    ):
        introduce(alice, bob, drops, 0.05)
        said = []
        for number in range(40):
            if number == 10:
                bob.stop()
            if number == 20:
                bob.again()
            if number == 30:
                alice.process.kill()
                alice.again()
            assert alice.api.say(f"{number}").status in (201, 202)
            said.append(f"{number}")
        bob.hears(said)
        bob.process.kill()
        bob.again()
        time.sleep(0.2)
        assert bob.heard() == said
