"""Sending to servers that are none, or away: nothing counts as sent that no drop server took."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import bad_servers
from tests.integration.bad_servers import BadServer, Behaviour, Box, Peer, Request
from tests.integration.daemons import Daemon, Pen, eventually

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
    """While polls show a page, an empty 200 counts for nothing; then the message goes at once."""
    server.behave = takes_all
    eventually(lambda: alice.status()["drop_servers"][0]["failures"])
    reply = alice.api.say("hello")
    assert reply.status == 202
    assert "something else responds" in reply.body["recipients"][0]["reason"]
    time.sleep(3)
    assert recipient(alice, reply.body["id"])["state"] == "queued"
    server.behave = box.serve
    eventually(lambda: alice.status()["drop_servers"][0]["failures"] == 0)
    back = time.monotonic()
    eventually(lambda: recipient(alice, reply.body["id"])["state"] == "sent")
    assert time.monotonic() - back < 1
    assert len(box.drops[BOB_DROP]) == 1
