"""Sending to servers that are none, or away: nothing counts as sent that no drop server took."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import bad_servers
from tests.integration.bad_servers import BadServer, Behaviour, Box, Peer, Request
from tests.integration.daemons import DRAWN, Daemon, Pen, eventually, inside, move

BOB_DROP = "/" + "b" * 43


@pytest.fixture
def box() -> Box:
    """Return the drops of the server."""
    return Box()


@pytest.fixture
def server(box: Box) -> Iterator[BadServer]:
    """Return a good server that both Alice and Bob have their drops on."""
    with BadServer(box.serve) as made:
        yield made


@pytest.fixture
def alice(tmp_path: Path, server: BadServer) -> Iterator[Daemon]:
    """Return a daemon that has read its drop, and knows Bob."""
    with Daemon(tmp_path, "alice").up() as made:
        made.live(server.url)
        made.knows("bob", Pen().public, f"{server.url}{BOB_DROP}")
        eventually(lambda: made.status()["drop_servers"][0]["last_success"])
        yield made
        made.stop()
        assert "Traceback" not in made.process.log


def portal(status: str, *headers: str, body: bytes = b"") -> Behaviour:
    """Make a server that responds to everything alike."""

    def answer(peer: Peer, request: Request) -> None:
        peer.answer(status, *headers, body=body)

    return answer


def takes_all(peer: Peer, request: Request) -> None:
    """Send a page to GET, and respond to POST as a drop server does."""
    if request.method == "POST":
        peer.answer("200 OK", "Content-Type: text/html; charset=utf-8")
    else:
        bad_servers.no_multipart(peer, request)


def recipient(daemon: Daemon, send_id: int) -> dict[str, Any]:
    """Return the state of a delivery to the only recipient."""
    [found] = daemon.api.good("GET", f"/outbox/{send_id}")["recipients"]
    return dict(found)


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (portal("200 OK", "Content-Type: text/html", body=b"<html>"), "with a body"),
        (portal("200 OK", "Content-Length: 1", body=b" "), "with a body"),
        (portal("200 OK", "Content-Length: 9"), "with a body"),
        (
            portal("200 OK", "Transfer-Encoding: chunked", body=b"1\r\n \r\n0\r\n\r\n"),
            "with a body",
        ),
        (portal("302 Found", "Location: http://127.0.0.1:1/login"), "redirect"),
        (portal("307 Temporary Redirect", "Location: /login"), "redirect"),
        (portal("511 Network Authentication Required", body=b"<html>"), "status 511"),
        (bad_servers.endless_error, "status 500"),
    ],
)
def test_a_portal_takes_nothing(
    alice: Daemon, server: BadServer, box: Box, behave: Behaviour, reason: str
) -> None:
    """A message stays queued, with the reason, until the drop server itself has taken it."""
    server.behave = behave
    reply = alice.api.say("hello")
    [outcome] = reply.body["recipients"]
    assert (reply.status, outcome["state"]) == (202, "queued")
    assert reason in outcome["reason"]
    assert "b" * 43 not in outcome["reason"]
    assert box.drops[BOB_DROP] == []
    server.behave = box.serve
    eventually(lambda: recipient(alice, reply.body["id"])["state"] == "sent")
    assert len(box.drops[BOB_DROP]) == 1


def test_a_portal_that_responds_like_a_drop_server(
    alice: Daemon, server: BadServer, box: Box
) -> None:
    """While polls show a page, an empty 200 counts for nothing; then the message goes soon."""
    server.behave = takes_all
    eventually(lambda: alice.status()["drop_servers"][0]["failures"])
    reply = alice.api.say("hello")
    assert reply.status == 202
    assert "something else responds" in reply.body["recipients"][0]["reason"]
    time.sleep(3)
    assert recipient(alice, reply.body["id"])["state"] == "queued"
    server.behave = box.serve
    eventually(lambda: alice.status()["drop_servers"][0]["failures"] == 0)
    eventually(lambda: recipient(alice, reply.body["id"])["state"] == "sent", deadline=60)
    # The drop server may have taken it before a poll showed that it is one again.
    assert len(set(box.drops[BOB_DROP])) == 1


def test_an_outage_that_is_over(alice: Daemon, server: BadServer, box: Box) -> None:
    """When a server works again, what waits for it goes, once and however often it was read."""
    posts = len([each for each in server.requests if each.method == "POST"])
    server.behave = bad_servers.fails
    assert alice.api.say("hello").status == 202

    def attempts() -> int:
        return len([each for each in server.requests if each.method == "POST"]) - posts

    eventually(lambda: attempts() == 2)
    server.behave = box.serve
    eventually(lambda: alice.status()["drop_servers"][0]["failures"] == 0)
    eventually(lambda: alice.status()["outbox"]["sent"] == 1)
    assert (attempts(), len(box.drops[BOB_DROP])) == (3, 1)


def test_a_daemon_that_is_killed_while_messages_wait(tmp_path: Path) -> None:
    """After a kill, with the clock set back, what waits says why, and all goes in order and once.

    The time stamps rise over the kill, and with those of acknowledgements.
    """
    box, clock, bob = Box(), tmp_path / "clock", Pen()
    with (
        BadServer(box.serve) as server,
        Daemon(tmp_path, "alice", env=inside(clock=clock)).up() as alice,
    ):
        contact = alice.live(server.url)
        alice.knows("bob", bob.public, f"{server.url}{BOB_DROP}")
        asks = bob.seal(contact["public_key"], "please", acknowledge_id="1")
        box.put(contact["drop_urls"][0], asks)
        alice.hears(["please"])
        eventually(lambda: len(box.drops[BOB_DROP]) == 1)
        server.behave = bad_servers.fails
        replies = [alice.api.say(text) for text in ("one", "two")]
        assert [each.status for each in replies] == [202, 202]
        alice.process.kill()
        move(clock, -3600)
        alice.again()
        replies.append(alice.api.say("three"))
        outbox = alice.api.good("GET", "/outbox")
        reasons = [each["recipients"][0]["reason"] for each in outbox]
        assert all(reasons)
        assert "2 messages to the same drop are before it" in reasons[2]
        server.behave = box.serve
        eventually(lambda: alice.status()["outbox"]["sent"] == 3)
        opened = [bob.open(each) for each in box.drops[BOB_DROP]]
        assert [each.data for each in opened[1:]] == [
            b'{"msg":"one"}',
            b'{"msg":"two"}',
            b'{"msg":"three"}',
        ]
        stamps = [each.time_stamp for each in opened]
        assert stamps == sorted(set(stamps))


def test_a_contact_moves_and_is_deleted(alice: Daemon, server: BadServer, box: Box) -> None:
    """What waits for a contact goes to its new drop, and ends with a reason when it is deleted."""
    server.behave = bad_servers.fails
    first = alice.api.say("one").body["id"]
    moved = f"{server.url}/{'c' * 43}"
    alice.api.good("PATCH", "/contacts/1", {"drop_urls": [moved]})
    server.behave = box.serve
    eventually(lambda: recipient(alice, first)["state"] == "sent", deadline=DRAWN)
    assert box.drops[BOB_DROP] == []
    assert len(box.drops["/" + "c" * 43]) == 1
    server.behave = bad_servers.fails
    second = alice.api.say("two").body["id"]
    alice.api.good("DELETE", "/contacts/1")
    eventually(lambda: recipient(alice, second)["state"] == "failed")
    assert "deleted" in recipient(alice, second)["reason"]
