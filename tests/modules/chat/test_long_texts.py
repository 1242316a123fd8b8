"""Two daemons exchange texts of all sizes, and are killed meanwhile."""

import http.client
import random
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.client import Reply
from tests.integration.daemons import ANYWHERE, DRAWN, Daemon, eventually
from tests.integration.processes import Twistd

SCRIPTS = "Übergrößen naïve, Привет мир, 漢字かな交じり文。 नमस्ते दुनिया "
MIXED = (SCRIPTS * 1000)[:40_000]

SHORT = 1577

TEXTS = ("x", "y" * 1577, "z" * 1578, MIXED)


@pytest.fixture
def pair(tmp_path: Path, chat_env: Mapping[str, str]) -> Any:
    """Run the daemons of Alice and Bob, who know each other, and a drop server."""
    arguments = ["qabel-drop", f"--data-dir={tmp_path / 'drops'}", f"--listen={ANYWHERE}"]
    with (
        Twistd(tmp_path / "drops.log", *arguments) as drops,
        Daemon(tmp_path, "Alice", "--module=chat", env=chat_env) as alice,
        Daemon(tmp_path, "Bob", "--module=chat", env=chat_env) as bob,
    ):
        server = f"http://127.0.0.1:{drops.port('qabel-drop')}"
        cards = [each.up().live(server) for each in (alice, bob)]
        for one, card in ((alice, cards[1]), (bob, cards[0])):
            one.api.good("POST", "/contacts/import", {"contacts": [card]})
            one.api.good("PUT", "/settings", {"key": "privacy.acknowledge_delay", "value": 0})
        yield [alice, bob]


def conversation(daemon: Daemon) -> str:
    """Open the conversation of the only identity and its only contact; return its id."""
    body = {"identity": 1, "contact": 1}
    opened: dict[str, Any] = daemon.api.good("POST", "/chat/conversations", body)
    return str(opened["id"])


def shown(daemon: Daemon, number: str, direction: str) -> list[dict[str, Any]]:
    """Return the messages of a conversation that go in a direction, oldest first."""
    page = daemon.api.good("GET", f"/chat/conversations/{number}/messages?limit=1000")
    return [each for each in page["messages"][::-1] if each["direction"] == direction]


def send(daemon: Daemon, path: str, text: str, *, kill_after: float | None = None) -> Reply:
    """Send a text; if the daemon is killed meanwhile, send it again under the same key."""

    def ask() -> Reply | None:
        try:
            key = {"Idempotency-Key": f"{len(text)}"}
            return daemon.api.ask("POST", path, {"text": text}, headers=key)
        except (OSError, http.client.HTTPException):
            return None

    if kill_after is not None:
        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(kill_after)
        daemon.process.kill()
        asking.join()
        daemon.again()
    reply = ask()
    assert reply is not None
    return reply


def exchange(sender: Daemon, reader: Daemon, seed: int) -> None:
    """Have one send all texts to the other; both are killed while the long ones are sent."""
    draw = random.Random(seed)  # noqa: S311 - moments of kills
    here, there = conversation(sender), conversation(reader)
    path = f"/chat/conversations/{here}/messages"
    for text in TEXTS:
        kill_after = draw.uniform(0, 0.4) if len(text) > SHORT else None
        sent = send(sender, path, text, kill_after=kill_after)
        assert (sent.status in (201, 202), sent.body["text"]) == (True, text)
        if kill_after is not None:
            time.sleep(draw.uniform(0, 0.2))
            reader.process.kill()
            reader.again()
        assert send(sender, path, text).body["id"] == sent.body["id"]
    eventually(
        lambda: [each["text"] for each in shown(reader, there, "in")] == list(TEXTS),
        lambda: str([len(each["text"]) for each in shown(reader, there, "in")]),
        DRAWN,
    )
    eventually(
        lambda: {each["state"] for each in shown(sender, here, "out")} == {"acknowledged"},
        lambda: str([each["state"] for each in shown(sender, here, "out")]),
        DRAWN,
    )
    assert [each["text"] for each in shown(sender, here, "out")] == list(TEXTS)
    assert reader.api.good("GET", "/chat/unread")["total"] == len(TEXTS)


def test_texts_of_all_sizes(pair: list[Daemon]) -> None:
    """Both ways they arrive as they are, and are acknowledged, however the daemons are killed."""
    alice, bob = pair
    exchange(alice, bob, 1)
    exchange(bob, alice, 2)
    path = f"/chat/conversations/{conversation(alice)}/messages"
    too_long = alice.api.ask("POST", path, {"text": MIXED * 2})
    assert too_long.status == 413
    assert "64 messages" in too_long.body["detail"]


def test_readers_of_parts_see_messages_in_order(pair: list[Daemon]) -> None:
    """To clients that know of no parts they are messages, with times that rise."""
    alice, bob = pair
    alice.api.good("POST", f"/chat/conversations/{conversation(alice)}/messages", {"text": MIXED})
    eventually(lambda: "".join(bob.heard()) == MIXED, lambda: f"{len(bob.heard())} parts", DRAWN)
    heard = bob.api.good("GET", "/drop?since=0&limit=1000")
    times = [each["time_stamp"] for each in heard]
    assert times == sorted(set(times))
    assert [each["data"]["part"]["n"] for each in heard] == list(range(1, len(heard) + 1))
    assert {each["data"]["part"]["of"] for each in heard} == {len(heard)}
    assert [each["acknowledge_id"] == "0" for each in heard] == [True] * (len(heard) - 1) + [False]
