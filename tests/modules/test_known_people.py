"""People as modules know them."""

from pathlib import Path

import pytest_twisted
from twisted.internet import reactor

from qabel.crypto import PublicKey
from qabel.modules.known_people import KnownPeople
from qabel.testing.correspondents import Correspondents


@pytest_twisted.ensureDeferred
async def test_people_of_now(tmp_path: Path) -> None:
    """Identities and contacts are those that there are now, by their present names."""
    world = Correspondents(tmp_path, reactor)
    alice, _ = await world.friends()
    people = KnownPeople(alice)
    [me], [bob] = people.identities(), people.contacts()
    assert (me.alias, bob.alias, bob.identity) == ("Alice", "Bob", me.key)
    await alice.people.change_contact(bob.id, {"alias": "Robert"})
    assert [each.alias for each in people.contacts()] == ["Robert"]
    assert people.blocked() == frozenset()
    assert "Robert" not in repr(people.contacts())
    await world.close()


@pytest_twisted.ensureDeferred
async def test_who_somebody_may_be_taken_for(tmp_path: Path) -> None:
    """Contacts are found by what a stranger calls himself; the one that is verified comes first."""
    world = Correspondents(tmp_path, reactor)
    alice, _ = await world.friends()
    people = KnownPeople(alice)
    [me], [bob] = people.identities(), people.contacts()
    other = await alice.people.add_contact(me.id, "BOB", PublicKey(b"\5" * 32))
    assert [each.id for each in people.contacts_named(me.key, " bob")] == [bob.id, other.id]
    await alice.people.verify_contact(other.id)
    assert [each.id for each in people.contacts_named(me.key, "Bob")] == [other.id, bob.id]
    assert [bool(each.verified) for each in people.contacts_named(me.key, "Bob")] == [True, False]
    assert people.contacts_named(me.key, "Robert") == []
    await world.close()
