"""Identities and contacts: added, changed and deleted."""

import pytest
import pytest_twisted

from qabel.core.errors import Conflict, Invalid, NotFound
from qabel.crypto import PrivateKey
from qabel.drop.url import DropURL
from qabel.jsontext import encode

DROP = "https://drop.example/" + "A" * 43


@pytest_twisted.ensureDeferred
async def test_identity_needs_a_drop_server(world) -> None:
    """Without an active drop server there is no place to make a drop on; drops may be given."""
    core = await world.core("nobody")
    with pytest.raises(Conflict):
        await core.people.add_identity("me")
    made = await core.people.add_identity("me", [DropURL.parse(DROP)])
    assert made.drops == [DROP]
    assert "private_key" not in encode(made).decode()


@pytest_twisted.ensureDeferred
async def test_errors_are_named_as_seen(world) -> None:
    """What is wrong with a contact is named by the keys that the view has."""
    bob = await world.person("Bob")
    [own] = bob.people.identities()
    await bob.people.add_contact(None, "Eve", PrivateKey.generate().public_key)
    with pytest.raises(Invalid) as raised:
        await bob.people.change_contact(1, {"alias": 5, "public_key": "xyz", "drop_urls": [1]})
    assert {"alias", "public_key", "drop_urls.0"} == {error.key for error in raised.value.errors}
    with pytest.raises(Invalid):
        await bob.people.change_contact(1, {"nonsense": 1})
    with pytest.raises(Conflict):
        await bob.people.add_contact(own.id, "Eve again", bob.people.find_contact(1).public_key)


@pytest_twisted.ensureDeferred
async def test_deleted_takes_no_part(world) -> None:
    """A deleted identity is not polled, nor are its contacts there; what it got stays."""
    alice, bob = await world.friends()
    await world.say(alice, "before")
    assert len(await world.heard(bob)) == 1
    await bob.people.delete_identity("1")
    await world.say(alice, "after")
    assert await world.heard(bob) == []
    assert bob.people.contacts() == []
    assert bob.inbox.messages == 1
    with pytest.raises(NotFound):
        bob.people.identity("1")


@pytest_twisted.ensureDeferred
async def test_verification(world) -> None:
    """Both sides have the same text; the mark needs its digits, and ends with the key."""
    alice, bob = await world.friends()
    text = alice.people.verification(1)
    assert (text.digits, text.words) == (
        bob.people.verification(1).digits,
        bob.people.verification(1).words,
    )
    assert text.verified == 0
    with pytest.raises(Conflict):
        await alice.people.verify_contact(1, "00000 " + text.digits[6:])
    assert alice.people.contact(1).verified == 0
    assert (await alice.people.verify_contact(1, text.digits.replace(" ", ""))).verified > 0
    assert alice.people.contact(1).verified > 0
    await alice.people.change_contact(1, {"alias": "Robert"})
    assert alice.people.contact(1).verified > 0
    await alice.people.change_contact(1, {"public_key": PrivateKey.generate().public_key})
    assert alice.people.contact(1).verified == 0
    await alice.people.verify_contact(1)
    assert (await alice.people.verify_contact(1, is_verified=False)).verified == 0
    with pytest.raises(NotFound):
        alice.people.verification(9)


@pytest_twisted.ensureDeferred
async def test_names_that_nobody_should_choose(world) -> None:
    """A blank name, or one with control characters, is refused wherever a person chooses it."""
    bob = await world.person("Bob")
    key = PrivateKey.generate().public_key
    await bob.people.add_contact(None, "Eve", key)
    for name in ("", " ", "\u200b", "a\nb", "\x1b[2J"):
        for work in (
            bob.people.add_identity(name),
            bob.people.add_contact(None, name, PrivateKey.generate().public_key),
            bob.people.change_identity(1, {"alias": name}),
            bob.people.change_contact(1, {"alias": name}),
        ):
            with pytest.raises(Invalid) as raised:
                await work
            assert [error.key for error in raised.value.errors] == ["alias"]
    assert [each.alias for each in bob.people.identities()] == ["Bob"]
    assert [each.alias for each in bob.people.contacts()] == ["Eve"]
