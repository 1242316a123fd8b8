"""Identities and contacts, and the files that people exchange."""

import json

import pytest
import pytest_twisted

from qabel.core.errors import Conflict, Invalid, NotFound
from qabel.crypto import PrivateKey
from qabel.drop.url import DropURL
from qabel.jsontext import encode

LOW_ORDER = "00" * 32
DROP = "https://drop.example/" + "A" * 43


def card(alias: str, key: str, *urls: str) -> dict:
    """Make a contact as a file has it."""
    return {"alias": alias, "public_key": key, "drop_urls": list(urls)}


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
async def test_identity_moves(world) -> None:
    """An identity that is exported can be imported elsewhere, and only once."""
    alice = await world.person("Alice")
    document = alice.cards.export_identity("1")
    other = await world.core("other")
    moved = await other.cards.import_identity(document)
    assert moved.public_key == alice.people.identity("1").public_key
    with pytest.raises(Conflict):
        await other.cards.import_identity(document)
    with pytest.raises(Invalid):
        await other.cards.import_identity(b"{}")


@pytest_twisted.ensureDeferred
async def test_import_tells_what_became_of_each(world) -> None:
    """Of several contacts each is reported, and one that is refused takes none along."""
    bob = await world.person("Bob")
    own = bob.people.identity("1").public_key
    key, other = (PrivateKey.generate().public_key.hex for _ in range(2))
    cards = [
        card("one", key, DROP),
        card("bad", LOW_ORDER, DROP),
        card("me", own, DROP),
        card("two", other, DROP),
    ]
    document = json.dumps({"contacts": cards}).encode()
    outcomes = [each.outcome for each in await bob.cards.import_contacts(None, document)]
    assert outcomes == ["added", "refused", "refused", "added"]
    again = json.dumps({"contacts": [card("renamed", key, DROP[:-1] + "B"), cards[3]]}).encode()
    outcomes = [each.outcome for each in await bob.cards.import_contacts(None, again)]
    assert outcomes == ["updated", "unchanged"]
    first = bob.people.contacts()[0]
    assert (first.alias, first.drop_urls) == ("one", [DROP[:-1] + "B"])


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
async def test_contact_text(world) -> None:
    """The text of a QR code is taken in as a file is."""
    alice, bob = await world.person("Alice"), await world.person("Bob")
    text = alice.cards.contact_text("1").encode()
    [outcome] = await bob.cards.import_contacts(None, text)
    assert outcome.outcome == "added"
    assert bob.people.contact(outcome.id).alias == "Alice"


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
