"""Two daemons with chat that talk to each other."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.daemons import Daemon, eventually, serving_drops

OPTIONS = ("--module=chat",)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Run a drop server, and return its URL."""
    with serving_drops(tmp_path) as url:
        yield url


@pytest.fixture
def pair(tmp_path: Path, server: str, chat_env: Mapping[str, str]) -> Iterator[list[Daemon]]:
    """Run the daemons of Alice and Bob; only Alice knows Bob."""
    with (
        Daemon(tmp_path, "Alice", *OPTIONS, env=chat_env) as alice,
        Daemon(tmp_path, "Bob", *OPTIONS, env=chat_env) as bob,
    ):
        for each in (alice, bob):
            each.up()
            each.api.good("PUT", "/settings", {"key": "privacy.acknowledge_delay", "value": 0})
        alice.live(server)
        card = bob.live(server)
        alice.api.good("POST", "/contacts/import", {"contacts": [card]})
        yield [alice, bob]


def conversation(daemon: Daemon) -> dict[str, Any]:
    """Open the conversation of the only identity and its only contact."""
    [identity] = daemon.api.good("GET", "/identities")
    [contact] = daemon.api.good("GET", "/contacts")
    body = {"identity": identity["id"], "contact": contact["id"]}
    opened: dict[str, Any] = daemon.api.good("POST", "/chat/conversations", body)
    return opened


def texts(daemon: Daemon, number: str) -> list[tuple[str, str, str | None]]:
    """Return direction, text and state of all messages of a conversation, newest first."""
    page = daemon.api.good("GET", f"/chat/conversations/{number}/messages")
    return [(each["direction"], each["text"], each["state"]) for each in page["messages"]]


def say(daemon: Daemon, number: str, text: str, **more: Any) -> dict[str, Any]:
    """Send a message; it must be accepted."""
    body = {"text": text, **more}
    said: dict[str, Any] = daemon.api.good("POST", f"/chat/conversations/{number}/messages", body)
    return said


def test_a_stranger_becomes_a_contact_and_both_see_both_sides(pair: list[Daemon]) -> None:
    """A request is accepted; then both write, and see states, counts and replies."""
    alice, bob = pair
    there = conversation(alice)
    assert (there["last"], there["unread"], there["alias"]) == (None, 0, "Bob")
    first = say(alice, there["id"], "Hello Bob")
    assert first["state"] == "sent"
    assert (first["direction"], first["conversation"]) == ("out", there["id"])
    eventually(lambda: bob.api.good("GET", "/chat/requests")["requests"], "no request")
    [request] = bob.api.good("GET", "/chat/requests")["requests"]
    assert (request["alias"], request["introduced"]) == ("Alice", True)
    assert request["last"]["text"] == "Hello Bob"
    assert bob.api.good("GET", "/chat/unread") == {"total": 0, "conversations": {}}
    assert bob.api.good("GET", "/chat/conversations")["conversations"] == []
    here = bob.api.good("POST", f"/chat/requests/{request['id']}/accept", {})
    assert (here["id"], here["alias"], here["unread"]) == (request["id"], "Alice", 1)
    assert bob.api.good("GET", "/chat/requests")["requests"] == []
    assert bob.api.good("GET", "/chat/unread") == {"total": 1, "conversations": {here["id"]: 1}}
    reply = say(bob, here["id"], "Hello Alice", reply_to=here["last"]["id"])
    assert reply["reply_to"] == here["last"]["id"]
    eventually(lambda: len(texts(alice, there["id"])) == 2, "no reply")
    page = alice.api.good("GET", f"/chat/conversations/{there['id']}/messages")
    assert [each["text"] for each in page["messages"]] == ["Hello Alice", "Hello Bob"]
    assert page["messages"][0]["reply_to"] == first["id"]
    eventually(lambda: texts(bob, here["id"])[0][2] == "acknowledged", "not acknowledged")
    restart(alice, bob)
    assert texts(bob, here["id"]) == [
        ("out", "Hello Alice", "acknowledged"),
        ("in", "Hello Bob", None),
    ]
    say(alice, there["id"], "Again")
    eventually(lambda: bob.api.good("GET", "/chat/unread")["total"] == 2, "not counted")
    eventually(lambda: texts(alice, there["id"])[0][2] == "acknowledged", "not acknowledged")
    newest = bob.api.good("GET", "/chat/conversations")["conversations"][0]["last"]["cursor"]
    bob.api.good("PUT", f"/chat/conversations/{here['id']}/read", {"upto": newest})
    assert bob.api.good("GET", "/chat/unread")["total"] == 0
    bob.api.good("DELETE", f"/chat/conversations/{here['id']}")
    assert bob.api.good("GET", "/chat/conversations")["conversations"] == []
    assert bob.heard() == []
    assert len(texts(alice, there["id"])) == 3


def restart(*daemons: Daemon) -> None:
    """Stop daemons, and start them again."""
    for each in daemons:
        each.stop()
        each.again()
