"""Two people who never met, of whom one has only the other's card, with real daemons."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.daemons import Daemon, eventually, serving_drops


@pytest.fixture
def drops(tmp_path: Path) -> Iterator[str]:
    """Return the URL of a real drop server."""
    with serving_drops(tmp_path) as url:
        yield url


@pytest.fixture
def people(tmp_path: Path, drops: str) -> Iterator[tuple[Daemon, Daemon]]:
    """Return Alice, who has Bob's card, and Bob, who knows nobody and hears who says a name."""
    with Daemon(tmp_path, "Alice").up() as alice, Daemon(tmp_path, "Bob").up() as bob:
        alice.live(drops)
        card = bob.live(drops)
        bob.api.good("PUT", "/settings", {"key": "inbox.strangers", "value": "introduced"})
        alice.knows("Bob", card["public_key"], *card["drop_urls"])
        yield alice, bob


def inbox(daemon: Daemon) -> list[Any]:
    """Return all messages."""
    reply = daemon.api.ask("GET", "/drop?since=0&limit=1000")
    return [] if reply.status == 204 else reply.body


def introduced(reply: Any) -> list[bool]:
    """Return of a message that was sent whether it introduces its sender."""
    assert reply.status == 201, reply
    return [each["introduced"] for each in reply.body["recipients"]]


def accept(bob: Daemon, number: int) -> Any:
    """Add the sender of a message to the contacts."""
    return bob.api.ask("POST", "/contacts", {"from_message": number})


def test_one_message_is_enough(people: tuple[Daemon, Daemon]) -> None:
    """After one message both can write, and once Bob has answered Alice says no more who she is."""
    alice, bob = people
    assert introduced(alice.api.say("we have not met")) == [True]
    bob.hears(["we have not met"])
    [message] = inbox(bob)
    assert message["contact_id"] is None
    assert message["meta_data"]["public_key"]["public_key"] == message["sender"]
    assert accept(bob, message["id"]).status == 201
    assert accept(bob, message["id"]).status == 409
    assert introduced(bob.api.say("now we have")) == [False]
    alice.hears(["now we have"])
    assert introduced(alice.api.say("fine")) == [False]
    bob.hears(["we have not met", "fine"])
    assert not {"meta_data", "announced"} & inbox(bob)[-1].keys()


def test_an_acknowledgement_survives_a_kill(people: tuple[Daemon, Daemon]) -> None:
    """That an acknowledgement came is remembered, though its message goes and the daemon dies."""
    alice, bob = people
    bob.api.good("PUT", "/settings", {"key": "privacy.acknowledge_delay", "value": 0})
    assert introduced(alice.api.say("hello")) == [True]
    bob.hears(["hello"])
    assert accept(bob, inbox(bob)[0]["id"]).status == 201
    reply = alice.api.say("did you get it?", acknowledge_id="auto")
    assert introduced(reply) == [True]
    path = f"/outbox/{reply.body['id']}"
    eventually(lambda: alice.api.good("GET", path)["recipients"][0]["acknowledged"])
    assert inbox(bob)[-1]["announced"]["alias"] == "Alice"
    for each in alice.api.good("GET", "/outbox"):
        alice.api.good("DELETE", f"/outbox/{each['id']}")
    alice.process.kill()
    alice.again()
    assert introduced(alice.api.say("good")) == [False]


def test_strangers_who_say_nothing_are_not_kept(people: tuple[Daemon, Daemon]) -> None:
    """Where only those are kept who introduce themselves, others come once they are contacts."""
    alice, bob = people
    alice.api.good("PUT", "/settings", {"key": "privacy.introduce", "value": "never"})
    assert introduced(alice.api.say("guess who")) == [False]
    eventually(lambda: bob.status()["strangers"]["refused"] == 1)
    alice.api.good("PUT", "/settings", {"key": "privacy.introduce", "value": "always"})
    assert introduced(alice.api.say("it is me")) == [True]
    bob.hears(["it is me"])
    assert accept(bob, inbox(bob)[0]["id"]).status == 201
    eventually(lambda: sorted(bob.heard()) == ["guess who", "it is me"], deadline=30)
