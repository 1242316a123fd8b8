"""People as modules know them."""

from pathlib import Path

import pytest_twisted
from twisted.internet import reactor

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
