"""Why a message waits: said of everything that is queued, before the first attempt too."""

import json
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from qabel.core.sending import posting_slots
from qabel.core.sending.compose import Draft
from qabel.core.sending.outcomes import PATIENCE
from qabel.core.sending.waiting_reasons import SPREAD
from qabel.core.service import CoreService
from qabel.deferreds import result_of
from qabel.drop.url import DropURL
from qabel.net.errors import NotAllowed
from qabel.testing.correspondents import SERVER
from qabel.testing.drop_servers import MemoryDropServers
from tests.core.conftest import ClockedWorld
from tests.core.items import draws


@pytest.fixture
def alice(clocked: ClockedWorld) -> CoreService:
    """Return somebody who knows Bob."""
    return clocked.run(clocked.friends())[0]


def send(clocked: ClockedWorld, core: CoreService, **given: Any) -> str:
    """Send a message that is queued; return the reason in the response."""
    identity, contact = clocked.ids(core)
    sending = Deferred.fromCoroutine(
        core.outbox.send([contact], identity, Draft("chat", {"msg": "Hello"}), **given)
    )
    if not sending.called:
        clocked.clock.advance(PATIENCE)
    [recipient] = result_of(sending).recipients
    assert recipient.state == "queued"
    return recipient.reason or ""


def reasons(clocked: ClockedWorld, core: CoreService) -> list[str]:
    """Return the reasons in the outbox."""
    found = clocked.run(core.outbox.sends())
    for each in found:
        assert clocked.run(core.outbox.get(each.id)) == each
    return [recipient.reason or "" for each in found for recipient in each.recipients]


def test_those_behind_another_one(clocked: ClockedWorld, alice: CoreService) -> None:
    """What waits behind others says how many they are, and what is wrong with the server."""
    clocked.drop_servers.is_away = True
    first = send(clocked, alice)
    assert first == "Connecting to drop.example failed: connection refused."
    second, third = send(clocked, alice), send(clocked, alice)
    assert second.startswith("Waiting for its turn: 1 message to the same drop is before it. ")
    assert third.startswith("Waiting for its turn: 2 messages to the same drop are before it. ")
    assert third.endswith(f"{SERVER} failed: {first}")
    assert reasons(clocked, alice) == [first, second, third]
    [contact] = alice.people.contacts()
    for url in contact.drop_urls:
        assert not any(str(url).rsplit("/", 1)[1] in each for each in (first, second, third))


def test_one_that_the_server_has_not_responded_to(
    clocked: ClockedWorld, alice: CoreService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that is being posted says so, in the response, the outbox, and a repeated one."""
    hanging: Deferred[None] = Deferred()
    monkeypatch.setattr(MemoryDropServers, "post", lambda *_: hanging)
    reason = send(clocked, alice, idempotency_key="k")
    assert reason == f"Being sent to {SERVER}, which has not responded yet."
    assert reasons(clocked, alice) == [reason]
    assert send(clocked, alice, idempotency_key="k") == reason
    hanging.callback(None)


def test_one_to_another_drop_of_a_server_that_failed(
    clocked: ClockedWorld, alice: CoreService
) -> None:
    """What moves to another drop goes there at a time of its own, whatever failed before."""
    clocked.draw = draws()
    clocked.drop_servers.is_away = True
    send(clocked, alice)
    [contact] = alice.people.contacts()
    moved = [DropURL.on_server(SERVER)]
    send(clocked, alice)
    clocked.run(alice.people.change_contact(contact.id, {"drop_urls": moved}))
    first, second = reasons(clocked, alice)
    assert first == SPREAD
    assert second == "Waiting for its turn: 1 message to the same drop is before it."


def test_until_when_a_queue_waits(clocked: ClockedWorld, alice: CoreService) -> None:
    """What follows a message that failed and was deleted says until when it waits, and for what."""
    clocked.drop_servers.is_away = True
    send(clocked, alice)
    clocked.clock.pump([60.0] * 20)
    send(clocked, alice)
    [first, _] = clocked.run(alice.outbox.sends())
    clocked.run(alice.outbox.delete(first.id))
    [reason] = reasons(clocked, alice)
    assert reason.startswith("Waiting until ")
    assert reason.endswith(
        f": {SERVER} failed: Connecting to drop.example failed: connection refused."
    )


def test_one_that_waits_for_a_slot(
    clocked: ClockedWorld, alice: CoreService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that may not be posted yet, as many others are, says so."""
    monkeypatch.setattr(posting_slots, "AT_ONCE_TO_SERVER", 0)
    assert send(clocked, alice) == "Waiting for its turn: other messages are being sent."


def test_one_that_is_tried_again_at_this_moment(
    clocked: ClockedWorld, alice: CoreService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is behind a message that is being tried again has no time until which it waits."""
    clocked.drop_servers.is_away = True
    send(clocked, alice)
    hanging: Deferred[None] = Deferred()
    monkeypatch.setattr(MemoryDropServers, "post", lambda *_: hanging)
    clocked.clock.advance(5)
    assert send(clocked, alice).endswith(
        f"1 message to the same drop is before it. The last attempt to send to {SERVER} failed: "
        "Connecting to drop.example failed: connection refused."
    )
    hanging.callback(None)


def test_a_server_that_is_not_allowed(
    clocked: ClockedWorld, alice: CoreService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that the user has to allow is the reason of all messages to it."""
    why = "The drop server at drop.example uses http. Add it to the list to allow it."

    async def refuse(*_: object) -> None:
        raise NotAllowed(why)

    monkeypatch.setattr(MemoryDropServers, "post", refuse)
    assert send(clocked, alice) == why
    assert send(clocked, alice).endswith(why)


def test_what_is_settled(clocked: ClockedWorld, alice: CoreService) -> None:
    """What is sent needs no reason, and what failed has the server's; events have the same."""
    clocked.run(clocked.say(alice, "Hello"))
    clocked.drop_servers.is_refusing = True
    clocked.run(clocked.say(alice, "Hello"))
    rejected = "The server rejected the request with status 400."
    assert reasons(clocked, alice) == ["", rejected]
    events = clocked.run(alice.events.follow("0", kinds=frozenset({"outbox"})).next())
    assert [json.loads(each.data)["reason"] for each in events] == [None, rejected]
