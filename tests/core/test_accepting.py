"""Introductions both ways: who is told, who is accepted, and what a contact announces."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from qabel.core.errors import Conflict, Invalid, NotFound
from qabel.core.inbox.message_query import MessageQuery
from qabel.core.service import CoreService
from qabel.crypto import PrivateKey
from qabel.drop.cards import ContactCard, write_meta_data
from qabel.drop.message import decode
from qabel.drop.transport import Opened, Opener
from qabel.drop.url import DropURL
from qabel.settings.items import Identity
from tests.core.conftest import ClockedWorld
from tests.core.receiving.test_receiver import drop_of, sealed
from tests.core.test_view import limited

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/qabel-core.json").read_text())
OF_JAVA = next(
    each for each in VECTORS["drop_messages"] if each["name"] == "meta data without email and phone"
)
URL = DropURL.parse("https://drop.example/" + "e" * 43)


@pytest.fixture
def alice(clocked: ClockedWorld) -> CoreService:
    """Return somebody who has only Bob's card."""
    return clocked.run(clocked.person("Alice"))


@pytest.fixture
def bob(clocked: ClockedWorld, alice: CoreService) -> CoreService:
    """Return somebody who knows nobody."""
    core = clocked.run(clocked.person("Bob"))
    card = core.cards.contact_file(core.people.identities()[0].id)
    clocked.run(alice.cards.import_contacts(None, card))
    return core


def me(core: CoreService) -> Identity:
    """Return the first identity."""
    return core.synced.value.living_identities[0]


def heard(clocked: ClockedWorld, core: CoreService) -> list[dict[str, Any]]:
    """Poll, and return what is new."""
    return clocked.run(clocked.heard(core))


def from_eve(
    clocked: ClockedWorld, bob: CoreService, eve: PrivateKey, alias: str = "Eve", **given: Any
) -> int:
    """Have a message arrive from a stranger who introduces herself; return its id."""
    card = write_meta_data(ContactCard(alias, eve.public_key, (URL,), **given))
    message = sealed(bob, eve, f"I am {alias}", meta_data=card)
    clocked.drop_servers.messages[str(drop_of(bob))].append(message)
    number: int = heard(clocked, bob)[-1]["id"]
    return number


def from_anybody(clocked: ClockedWorld, bob: CoreService, by: PrivateKey) -> int:
    """Have a message without an introduction arrive; return its id."""
    clocked.drop_servers.messages[str(drop_of(bob))].append(sealed(bob, by, "Guess who"))
    number: int = heard(clocked, bob)[-1]["id"]
    return number


def introduced(outcome: Any) -> list[bool]:
    """Return whether each of the messages introduces its sender."""
    return [each.introduced for each in outcome.recipients]


def test_one_card_is_enough(clocked: ClockedWorld, alice: CoreService, bob: CoreService) -> None:
    """Who has only the other's card writes, is accepted, and introduces itself no more."""
    for _ in range(2):
        assert introduced(clocked.run(clocked.say(alice, "Hello"))) == [True]
    first, _ = heard(clocked, bob)
    assert (first["contact_id"], first["meta_data"]["alias"]) == (None, "Alice")
    added = clocked.run(bob.accepting.accept(first["id"]))
    assert (added.alias, added.introduced) == ("Alice", True)
    assert added.public_key == first["sender"]
    assert added.drop_urls == [str(url) for url in me(alice).drops]
    # Alice has written to Bob: she knows him.
    assert introduced(clocked.run(clocked.say(bob, "Hello Alice"))) == [False]
    assert heard(clocked, alice)[0]["data"] == {"msg": "Hello Alice"}
    assert introduced(clocked.run(clocked.say(alice, "Thanks"))) == [False]
    third = heard(clocked, bob)[0]
    assert third["contact_id"] == added.id
    assert not {"meta_data", "announced"} & third.keys()


def test_an_acknowledgement_is_enough(
    clocked: ClockedWorld, alice: CoreService, bob: CoreService
) -> None:
    """Once a message is acknowledged, its sender is known, even if the message was deleted."""
    [contact] = alice.people.contacts()
    card = alice.cards.contact_file(me(alice).id)
    clocked.run(bob.cards.import_contacts(None, card))
    sent = clocked.run(clocked.say(alice, "Hello", acknowledge_id="auto"))
    assert introduced(sent) == [True]
    heard(clocked, bob)
    clocked.clock.pump([60.0] * 10)
    clocked.run(alice.outbox.delete(sent.id))
    heard(clocked, alice)
    assert introduced(clocked.run(clocked.say(alice, "Hello again"))) == [False]
    clocked.run(alice.people.delete_contact(contact.id))
    clocked.run(alice.cards.import_contacts(None, bob.cards.contact_file(me(bob).id)))
    assert introduced(clocked.run(clocked.say(alice, "Once more"))) == [False]


@pytest.mark.parametrize(
    ("setting", "first", "second"),
    [("auto", True, False), ("always", True, True), ("never", False, False)],
)
def test_the_setting(
    clocked: ClockedWorld,
    alice: CoreService,
    bob: CoreService,
    setting: str,
    first: bool,
    second: bool,
) -> None:
    """Messages introduce their sender until something was heard, each time, or never."""
    clocked.run(alice.local.set("privacy.introduce", setting))
    assert introduced(clocked.run(clocked.say(alice, "Hello"))) == [first]
    from_bob = sealed(alice, me(bob).private_key, "Hello")
    clocked.drop_servers.messages[str(drop_of(alice))].append(from_bob)
    heard(clocked, alice)
    assert introduced(clocked.run(clocked.say(alice, "Hello"))) == [second]


def test_a_purge_forgets_who_was_heard(
    clocked: ClockedWorld, alice: CoreService, bob: CoreService
) -> None:
    """An identity that is imported again after a purge introduces itself again."""
    document = alice.cards.export_identity(me(alice).id)
    message = sealed(alice, me(bob).private_key, "Hello")
    clocked.drop_servers.messages[str(drop_of(alice))].append(message)
    heard(clocked, alice)
    assert introduced(clocked.run(clocked.say(alice, "Hello"))) == [False]
    clocked.run(alice.purging.purge(me(alice).id))
    clocked.drop_servers.messages.clear()
    clocked.run(alice.cards.import_identity(document))
    clocked.run(alice.cards.import_contacts(None, bob.cards.contact_file(me(bob).id)))
    assert introduced(clocked.run(clocked.say(alice, "Hello"))) == [True]


def test_an_earlier_message_is_the_contacts(
    clocked: ClockedWorld, bob: CoreService, alice: CoreService
) -> None:
    """All earlier messages of who is accepted are a contact's, and take no stranger's room."""
    eve, fred = PrivateKey.generate(), PrivateKey.generate()
    first, last = from_anybody(clocked, bob, eve), from_eve(clocked, bob, eve)
    other = from_eve(clocked, bob, fred, "Fred")
    added = clocked.run(bob.accepting.accept(last))
    page = clocked.run(bob.inbox.read(MessageQuery(contact=added.id, since="0")))
    assert [each["id"] for each in json.loads(page.body or b"[]")] == [first, last]
    shown = clocked.run(bob.inbox.message(last))
    assert (shown.contact_id, shown.meta_data) == (added.id, msgspec.UNSET)
    assert json.loads(bytes(shown.announced))["alias"] == "Eve"  # type: ignore[arg-type]
    assert clocked.run(bob.inbox.message(other)).contact_id is None
    events = clocked.run(bob.events.follow("0", kinds=frozenset({"drop"})).next())
    assert [json.loads(each.data)["contact_id"] for each in events] == [added.id, added.id, None]
    kept = clocked.run(bob.status()).strangers.kept_bytes
    clocked.run(bob.inbox.delete(other))
    assert clocked.run(bob.status()).strangers.kept_bytes == 0 < kept


def test_what_a_contact_announces_changes_nothing(
    clocked: ClockedWorld, bob: CoreService, alice: CoreService
) -> None:
    """A contact that introduces itself under another name or drop stays as it is."""
    eve = PrivateKey.generate()
    added = clocked.run(bob.accepting.accept(from_eve(clocked, bob, eve)))
    before = bob.synced.value
    number = from_eve(clocked, bob, eve, "Bank", email="eve@example.org")
    shown = clocked.run(bob.inbox.message(number))
    assert (shown.contact_id, shown.meta_data) == (added.id, msgspec.UNSET)
    assert json.loads(bytes(shown.announced))["alias"] == "Bank"  # type: ignore[arg-type]
    assert bob.synced.value.contacts == before.contacts


def test_who_cannot_be_accepted(
    clocked: ClockedWorld, bob: CoreService, alice: CoreService
) -> None:
    """No message, a contact already, no introduction: each has its error, and changes nothing."""
    eve = PrivateKey.generate()
    silent, number = from_anybody(clocked, bob, PrivateKey.generate()), from_eve(clocked, bob, eve)
    added = clocked.run(bob.accepting.accept(number))
    contacts = bob.synced.value.contacts
    for message, error, why in [
        (999, NotFound, "No message 999"),
        (number, Conflict, f"with the id {added.id}"),
        (silent, Invalid, "does not introduce its sender"),
    ]:
        with pytest.raises(error, match=why):
            clocked.run(bob.accepting.accept(message))
    assert bob.synced.value.contacts == contacts


def test_a_contact_that_was_deleted_can_be_accepted_again(
    clocked: ClockedWorld, bob: CoreService, alice: CoreService
) -> None:
    """The message still says who its sender is."""
    number = from_eve(clocked, bob, PrivateKey.generate())
    added = clocked.run(bob.accepting.accept(number))
    clocked.run(bob.people.delete_contact(added.id))
    again = clocked.run(bob.accepting.accept(number, "Eva"))
    assert (again.alias, again.public_key) == ("Eva", added.public_key)
    assert again.id != added.id


def test_the_identity_must_be_there(
    clocked: ClockedWorld, bob: CoreService, alice: CoreService
) -> None:
    """Nobody becomes a contact of an identity that was deleted."""
    number = from_eve(clocked, bob, PrivateKey.generate())
    clocked.run(bob.people.delete_identity(me(bob).id))
    with pytest.raises(Conflict, match="was deleted"):
        clocked.run(bob.accepting.accept(number))


def test_oneself_is_no_contact(clocked: ClockedWorld, bob: CoreService, alice: CoreService) -> None:
    """A message to oneself makes no contact, and so does one that claims to be elsewhere."""
    with pytest.raises(Invalid, match="identity itself"):
        clocked.run(bob.accepting.accept(from_eve(clocked, bob, me(bob).private_key)))
    clocked.run(bob.people.add_identity("Bobby"))
    other = bob.synced.value.living_identities[1].private_key
    with pytest.raises(Invalid, match="not where it receives messages"):
        clocked.run(bob.accepting.accept(from_eve(clocked, bob, other)))


def test_a_known_name_is_pointed_out(
    clocked: ClockedWorld, bob: CoreService, alice: CoreService
) -> None:
    """Another key under the name of a contact is said with the contact."""
    first, second = (
        clocked.run(bob.accepting.accept(from_eve(clocked, bob, PrivateKey.generate(), alias)))
        for alias in ("Eve", " eve")
    )
    assert (first.same_alias, second.same_alias) == ([], [first.id])


def test_an_introduction_is_checked_like_a_card(
    clocked: ClockedWorld, bob: CoreService, alice: CoreService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could be no contact is refused with its reason, and nothing is stored."""
    number = from_eve(clocked, bob, PrivateKey.generate())
    with pytest.raises(Invalid, match="alias"):
        clocked.run(bob.accepting.accept(number, "x" * 10_000))
    assert bob.people.contacts() == []


def test_a_view_accepts_for_its_own_identity(
    clocked: ClockedWorld, bob: CoreService, alice: CoreService
) -> None:
    """A token for one identity finds the messages of another no more than if there were none."""
    eve = PrivateKey.generate()
    number = from_eve(clocked, bob, eve)
    clocked.run(bob.people.add_identity("Bobby"))
    other = bob.view(limited(bob, 2, "contacts"))
    with pytest.raises(NotFound):
        clocked.run(other.accepting.accept(number))
    own = bob.view(limited(bob, 1, "contacts"))
    assert clocked.run(own.accepting.accept(number)).identity_id == 1


def test_a_message_of_the_java_core(
    clocked: ClockedWorld, bob: CoreService, alice: CoreService
) -> None:
    """What Qabel's own core wrote introduces its sender, who can be accepted and answered."""
    text = OF_JAVA["expected"]["json"].encode()
    java = PrivateKey.from_hex(OF_JAVA["recipient_private"])
    opened = Opener([java]).open(bytes.fromhex(OF_JAVA["message"]))
    assert isinstance(opened, Opened)
    assert opened.message == decode(text)
    document = json.dumps(
        {"alias": "J", "private_key": java.hex, "drop_urls": [str(drop_of(bob))]}
    ).encode()
    clocked.run(bob.cards.import_identity(document))
    clocked.drop_servers.messages[str(drop_of(bob))].append(bytes.fromhex(OF_JAVA["message"]))
    [message] = heard(clocked, bob)
    assert message["meta_data"] == json.loads(text)["meta_data"]
    added = clocked.run(bob.accepting.accept(message["id"]))
    assert (added.alias, added.public_key) == ("alice", OF_JAVA["expected"]["sender"])


def test_readers_do_not_see_where_strangers_are(
    clocked: ClockedWorld, bob: CoreService, alice: CoreService
) -> None:
    """A token that only reads sees who introduces itself, in each way to read, and no drop URL."""
    number = from_eve(clocked, bob, PrivateKey.generate())
    for scopes, is_shown in ((("read",), False), (("read", "contacts"), True)):
        view = bob.view(limited(bob, 1, *scopes))
        page = clocked.run(view.inbox.read(MessageQuery(since="0")))
        [entry] = [
            each for each in clocked.run(view.events.follow("0").next()) if each.kind == "drop"
        ]
        single = clocked.run(view.inbox.message(number)).meta_data
        for text in (page.body, entry.data, bytes(single)):  # type: ignore[arg-type]
            assert b'"Eve"' in (text or b"")
            assert (str(URL).encode() in (text or b"")) == is_shown


def test_names_that_nobody_should_choose(clocked: ClockedWorld, bob: CoreService) -> None:
    """A sender whose own name is blank or moves the cursor is accepted under another one only."""
    eve = PrivateKey.generate()
    number = from_eve(clocked, bob, eve, "\u202eeve")
    for alias in (None, " "):
        with pytest.raises(Invalid) as raised:
            clocked.run(bob.accepting.accept(number, alias))
        assert [error.key for error in raised.value.errors] == ["alias"]
    assert clocked.run(bob.accepting.accept(number, "Eve")).alias == "Eve"
