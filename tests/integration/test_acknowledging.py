"""Acknowledgements of a real daemon: they cost little, and tell nobody when it is running."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qabel.drop.acknowledgement import DROP_MODEL
from tests.integration.bad_servers import BadServer, Box, Peer, Request
from tests.integration.daemons import Daemon, Pen, eventually

COUNT = 20
DELAY = 4.0
"""Seconds: the mean."""


class Counting(Box):
    """A good drop server that notes when something is posted, and where."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: list[tuple[float, str, bytes]] = []

    def serve(self, peer: Peer, request: Request) -> None:
        """Note what is posted, and take it."""
        if request.method == "POST":
            self.posted.append((time.monotonic(), request.path, request.body))
        super().serve(peer, request)


@pytest.fixture
def box() -> Counting:
    """Return the drops of the server."""
    return Counting()


@pytest.fixture
def server(box: Counting) -> Iterator[BadServer]:
    """Return a good server."""
    with BadServer(box.serve) as made:
        yield made


@pytest.fixture
def bob() -> Pen:
    """Return Alice's contact."""
    return Pen()


@pytest.fixture
def alice(tmp_path: Path, server: BadServer, bob: Pen) -> Iterator[Daemon]:
    """Return a daemon with a contact that has 64 drops."""
    with Daemon(tmp_path, "alice").up() as made:
        made.live(server.url)
        drops = [f"{server.url}/{number:043}" for number in range(64)]
        made.knows("bob", bob.public, *drops)
        made.api.good("PUT", "/settings", {"key": "privacy.acknowledge_delay", "value": DELAY})
        yield made
        made.stop()
        assert "Traceback" not in made.process.log


def write(alice: Daemon, bob: Pen, box: Counting) -> None:
    """Have Bob write messages that request acknowledgements, until all are received."""
    [identity] = alice.api.good("GET", "/identities")
    asking = [
        bob.seal(identity["public_key"], f"{number}", acknowledge_id=f"id {number}")
        for number in range(COUNT)
    ]
    box.put(identity["drops"][0], *asking)
    eventually(lambda: len(alice.heard()) == COUNT)


def test_many_drops_cost_no_more(alice: Daemon, bob: Pen, box: Counting) -> None:
    """Each message costs one POST to one of the drops, at a time of its own."""
    write(alice, bob, box)
    eventually(lambda: alice.status()["acknowledgements"]["waiting"] == 0, deadline=12 * DELAY)
    assert len(box.posted) == COUNT
    opened = [bob.open(message) for _, _, message in box.posted]
    assert {each.acknowledge_id for each in opened} == {f"id {each}" for each in range(COUNT)}
    assert {each.model_object for each in opened} == {DROP_MODEL}
    assert len({path for _, path, _ in box.posted}) > 5
    times = sorted(when for when, _, _ in box.posted)
    assert times[-1] - times[0] > DELAY / 2


def test_a_kill_while_they_wait(alice: Daemon, bob: Pen, box: Counting) -> None:
    """After a kill and a long break nothing is sent at the start, and all is in the end."""
    alice.api.good("PUT", "/settings", {"key": "privacy.acknowledge_delay", "value": 1.5 * DELAY})
    write(alice, bob, box)
    alice.process.kill()
    before = len(box.posted)
    assert before < COUNT / 2
    started = time.monotonic()
    alice.again()
    waiting = alice.status()["acknowledgements"]["waiting"]
    # Those that were posted as it was killed may be posted again.
    assert waiting <= COUNT - before + 5
    assert waiting + len(box.posted) >= COUNT
    soon = [when for when, _, _ in box.posted[before:] if when - started < 1.0]
    assert len(soon) <= 5
    eventually(lambda: alice.status()["acknowledgements"]["waiting"] == 0, deadline=30 * DELAY)
    ids = {bob.open(message).acknowledge_id for _, _, message in box.posted}
    assert ids == {f"id {each}" for each in range(COUNT)}


def test_never(alice: Daemon, bob: Pen, box: Counting) -> None:
    """Once the setting is made, nothing is sent, neither what waits nor what comes."""
    write(alice, bob, box)
    alice.api.good("PUT", "/settings", {"key": "privacy.acknowledge", "value": "never"})
    before = len(box.posted)
    assert before < COUNT
    assert alice.status()["acknowledgements"]["waiting"] == 0
    alice.process.kill()
    alice.again()
    [identity] = alice.api.good("GET", "/identities")
    box.put(identity["drops"][0], bob.seal(identity["public_key"], "more", acknowledge_id="more"))
    eventually(lambda: len(alice.heard()) == COUNT + 1)
    time.sleep(1)
    assert len(box.posted) == before
