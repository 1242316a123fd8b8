"""The clock of the machine jumps by a day: nothing stands still, is lost, or comes twice."""

import contextlib
import threading
import time
from pathlib import Path

import pytest

from tests.integration import bad_servers
from tests.integration.bad_servers import BadServer, Box
from tests.integration.daemons import Daemon, Pen, eventually, inside, move

DAY = 24 * 3600
BOX = "b" * 43


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["forward", "back"])
def test_all_goes_on_over_a_jump(tmp_path: Path, jump: int) -> None:
    """Polling, sending, trying again and waiting take as long after a jump as before it."""
    clock, box, bob = tmp_path / "clock", Box(), Pen()
    with (
        BadServer(box.serve) as server,
        Daemon(tmp_path, "alice", "--stale-after=2", env=inside(clock=clock)).up() as alice,
    ):
        contact = alice.live(server.url)
        alice.knows("bob", bob.public, f"{server.url}/{BOX}")
        alice.api.good("GET", "/settings")
        server.behave = bad_servers.fails
        reply = alice.api.say("hello")
        assert reply.status == 202
        waited: list[float] = []

        def wait() -> None:
            began = time.monotonic()
            assert alice.api.ask("GET", "/drop?wait=1").status == 204
            waited.append(time.monotonic() - began)

        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.2)
        move(clock, jump)
        assert alice.status()["outbox"]["oldest_waiting"] >= 0
        server.behave = box.serve
        waiting.join(10)
        assert waited
        assert 0.9 < waited[0] < 10
        eventually(lambda: len(box.drops["/" + BOX]) == 1)
        box.put(contact["drop_urls"][0], bob.seal(contact["public_key"], "after"))
        began = time.monotonic()
        alice.hears(["after"])
        assert time.monotonic() - began < 10
        eventually(lambda: alice.health().status == 200, alice.troubles)
        [drop_server] = alice.status()["drop_servers"]
        now = time.time() + jump
        assert abs(drop_server["last_success"] / 1000 - now) < 10
        assert abs(drop_server["next_poll"] / 1000 - now) < 10
        assert alice.stop() < 5


def test_what_waits_is_sent_after_a_restart_in_the_past(tmp_path: Path) -> None:
    """A message to be tried again tomorrow, by a wrong clock, is sent at the next start."""
    clock, box, bob = tmp_path / "clock", Box(), Pen()
    with (
        BadServer(bad_servers.fails) as server,
        Daemon(tmp_path, "alice", env=inside(clock=clock)).up() as alice,
    ):
        move(clock, DAY)
        alice.live(server.url)
        alice.knows("bob", bob.public, f"{server.url}/{BOX}")
        assert alice.api.say("hello").status == 202
        alice.process.kill()
        move(clock, 0)
        server.behave = box.serve
        alice.again()
        eventually(lambda: alice.status()["outbox"]["sent"] == 1)
        assert len(box.drops["/" + BOX]) == 1


def test_acknowledgements_are_sent_whatever_the_clock_does(tmp_path: Path) -> None:
    """Messages that ask for an acknowledgement get one each while the clock jumps to and fro."""
    clock = tmp_path / "clock"
    box = Box()
    with (
        BadServer(box.serve) as server,
        Daemon(tmp_path, "alice").up() as alice,
        Daemon(tmp_path, "bob", env=inside(clock=clock)).up() as bob,
    ):
        cards = alice.live(server.url, 0.05), bob.live(server.url, 0.05)
        for me, card in ((alice, cards[1]), (bob, cards[0])):
            me.knows("the other", card["public_key"], *card["drop_urls"])
        for number in range(10):
            assert alice.api.say(f"{number}", acknowledge_id="auto").status == 201
            move(clock, (number % 3 - 1) * DAY)

        def acknowledged() -> bool:
            sends = alice.api.good("GET", "/outbox")
            return all(each["recipients"][0]["acknowledged"] for each in sends)

        eventually(acknowledged)
        assert len(bob.heard()) == 10


def test_a_send_that_is_stuck_is_told(tmp_path: Path) -> None:
    """A message that waits for a day makes the daemon unfit, in health and in status."""
    clock, bob = tmp_path / "clock", Pen()
    with (
        BadServer(Box().serve) as home,
        BadServer(bad_servers.fails) as away,
        Daemon(tmp_path, "alice", env=inside(clock=clock)).up() as alice,
    ):
        alice.live(home.url)
        servers = [{"url": each.url, "auth": "", "active": True} for each in (home, away)]
        alice.api.good("PUT", "/synced", {"key": "drop_servers", "value": servers})
        alice.knows("bob", bob.public, f"{away.url}/{BOX}")
        assert alice.api.say("hello").status == 202
        assert alice.health().status == 200
        move(clock, DAY)
        health = alice.health()
        assert health.status == 503
        assert "has been waiting to be sent for more than six hours" in health.body["detail"]
        status = alice.status()
        assert not status["healthy"]
        assert status["outbox"]["queued"] == 1
        assert DAY <= status["outbox"]["oldest_waiting"] < DAY + 60
        assert "failed" in alice.troubles()
        [recipient] = alice.api.good("GET", "/outbox/1")["recipients"]
        assert "rejected the request with status 500" in recipient["reason"]
        away.behave = Box().serve
        eventually(lambda: alice.health().status == 200, alice.troubles)


def test_an_idempotency_key_outlives_a_jump(tmp_path: Path) -> None:
    """The same key sends nothing again although a day seems to have passed."""
    clock, box, bob = tmp_path / "clock", Box(), Pen()
    with (
        BadServer(box.serve) as server,
        Daemon(tmp_path, "alice", env=inside(clock=clock)).up() as alice,
    ):
        alice.live(server.url)
        alice.knows("bob", bob.public, f"{server.url}/{BOX}")
        contact = alice.api.good("GET", "/contacts")[0]
        body = {
            "sender": contact["identity_id"],
            "recipients": [contact["id"]],
            "drop_message": {"model_object": "chat", "data": {"msg": "once"}},
        }
        answers = []
        for jump in (0, DAY, -DAY):
            move(clock, jump)
            with contextlib.suppress(OSError):
                reply = alice.api.ask("POST", "/drop", body, {"Idempotency-Key": "one"})
                answers.append((reply.status, reply.body))
        assert answers == [answers[0]] * 3
        assert answers[0][0] == 201
        assert len(box.drops["/" + BOX]) == 1
