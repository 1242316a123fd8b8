"""What modules may do with people and messages."""

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor

from qabel.contract.access import EVERYTHING
from qabel.core.errors import Invalid
from qabel.core.service import CoreService
from qabel.crypto import PrivateKey
from qabel.modules.messaging import Messaging
from qabel.testing.correspondents import Correspondents


@pytest_twisted.async_yield_fixture
async def world(tmp_path: Path) -> Any:
    """Return people who write to each other."""
    made = Correspondents(tmp_path, reactor)
    yield made
    await made.close()


def messaging(core: CoreService) -> Messaging:
    """Return what a module may do for the owner of the daemon."""
    return Messaging(core, core.view(EVERYTHING), "notes")


@pytest_twisted.ensureDeferred
async def test_a_message_to_a_contact(world: Correspondents) -> None:
    """It is sent with a request for an acknowledgement, and deleted on both sides at will."""
    alice, bob = await world.friends()
    mine, theirs = messaging(alice), messaging(bob)
    [me], [contact] = mine.identities(), mine.contacts()
    assert (me.alias, contact.alias, contact.identity) == ("Alice", "Bob", me.key)
    outcome = await mine.send(me.key, contact.key, "note", {"msg": "Hello"})
    assert outcome.acknowledge_id != "0"
    [heard] = await world.heard(bob)
    assert (heard["model_object"], heard["data"]) == ("note", {"msg": "Hello"})
    for _ in range(2):
        await theirs.delete(heard["id"])
        await mine.forget(outcome.id)
    assert bob.inbox.messages == 0
    assert await alice.outbox.sends() == []


@pytest_twisted.ensureDeferred
async def test_strangers(world: Correspondents) -> None:
    """A stranger is made a contact, or blocked, once or more often."""
    alice, bob = await world.friends()
    await bob.people.delete_contact(bob.people.contacts()[0].id)
    await world.say(alice, "Hello")
    [heard] = await world.heard(bob)
    theirs = messaging(bob)
    made = await theirs.accept(heard["id"], "Ally")
    assert [(each.id, each.alias) for each in theirs.contacts()] == [(made, "Ally")]
    key = PrivateKey.generate().public_key.raw
    for _ in range(2):
        await theirs.block(key)
    assert theirs.blocked() == {key}
    with pytest.raises(Invalid):
        await theirs.block(theirs.identities()[0].key)


@pytest_twisted.ensureDeferred
async def test_notes(world: Correspondents) -> None:
    """An identity is its own contact once, under a name that the user may change."""
    alice = await world.person("Alice")
    mine = messaging(alice)
    [me] = mine.identities()
    await mine.keep_notes(me.key, "Notes")
    [made] = mine.contacts()
    assert (made.alias, made.key) == ("Notes", me.key)
    await alice.people.change_contact(made.id, {"alias": "Diary"})
    await mine.keep_notes(me.key, "Notes")
    assert [(each.id, each.alias) for each in mine.contacts()] == [(made.id, "Diary")]
