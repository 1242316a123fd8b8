"""Cards: the files and texts in which people are exchanged, in and out."""

import json
from typing import Any

import pytest

from qabel.core.errors import Conflict, Invalid, NotFound
from qabel.core.people.views import AddressView, ImportedView
from qabel.core.service import CoreService
from qabel.crypto import PrivateKey
from qabel.drop.cards import ContactCard, read_contacts
from qabel.drop.url import DropURL
from tests.core.conftest import ClockedWorld

LOW_ORDER = "00" * 32
DROP = "https://drop.example/" + "A" * 43
OTHER_DROP = DROP[:-1] + "B"


@pytest.fixture
def bob(clocked: ClockedWorld) -> CoreService:
    """Return a core with one identity."""
    return clocked.run(clocked.person("Bob"))


def new_key() -> str:
    """Return a public key that nobody has."""
    return PrivateKey.generate().public_key.hex


def card(alias: str, key: str, *urls: str) -> dict[str, Any]:
    """Return a contact as a file has it."""
    return {"alias": alias, "public_key": key, "drop_urls": list(urls)}


def take_in(clocked: ClockedWorld, core: CoreService, *cards: dict[str, Any]) -> list[ImportedView]:
    """Import contacts for the only identity; return what became of each."""
    document = json.dumps({"contacts": cards}).encode()
    return clocked.run(core.cards.import_contacts(None, document))


def test_an_identity_moves(clocked: ClockedWorld, bob: CoreService) -> None:
    """An exported identity is the same after it is imported elsewhere, and is there only once."""
    document = bob.cards.export_identity(1)
    other = clocked.run(clocked.core("other"))
    moved, before = clocked.run(other.cards.import_identity(document)), bob.people.identity(1)
    assert (moved.public_key, moved.alias, moved.drops) == (
        before.public_key,
        before.alias,
        before.drops,
    )
    with pytest.raises(Conflict):
        clocked.run(other.cards.import_identity(document))
    assert len(other.people.identities()) == 1


@pytest.mark.parametrize(
    "server",
    [
        "http://127.0.0.1:9000/admin/reboot",
        "https://localhost",
        "http://[::1]",
        "http://192.168.0.1",
        "http://router",
        "http://nas.local",
        "http://[::ffff:127.0.0.1]",
    ],
)
def test_private_drops_need_permission(
    clocked: ClockedWorld, bob: CoreService, server: str
) -> None:
    """Drop URLs that are private are taken from a file only if the user allows or chose them."""
    urls = [DROP, f"{server}/{1:043}"]
    qid = {"alias": "x", "private_key": PrivateKey.generate().hex, "drop_urls": urls}
    document = json.dumps(qid).encode()
    before, fetched = bob.synced.encoded, len(clocked.drop_servers.fetched)
    with pytest.raises(Invalid, match="allow_private") as raised:
        clocked.run(bob.cards.import_identity(document))
    [error] = raised.value.errors
    assert error.key == "drop_urls.1"
    assert "drop URL 2 " in error.detail
    assert (bob.synced.encoded, len(clocked.drop_servers.fetched)) == (before, fetched)
    made = clocked.run(bob.cards.import_identity(document, allow_private=True))
    assert len(made.drops) == 2


def test_private_drops_on_chosen_servers(clocked: ClockedWorld, bob: CoreService) -> None:
    """Drops on the user's own drop servers may be private, until those are deleted."""
    server = {"url": "http://192.168.0.1/", "id": 77}
    old = bob.synced.value.drop_servers
    others = [each.to_builtins() for each in old]
    clocked.run(bob.synced.set("drop_servers", [*others, server]))
    urls = [f"http://192.168.0.1/{1:043}"]
    qid = {"alias": "x", "private_key": PrivateKey.generate().hex, "drop_urls": urls}
    made = clocked.run(bob.cards.import_identity(json.dumps(qid).encode()))
    assert made.warnings == [
        "http://192.168.0.1 uses http: others can see and change what goes there and back."
    ]
    clocked.run(bob.synced.set("drop_servers", [*others, {**server, "deleted": 5}]))
    qid["private_key"] = PrivateKey.generate().hex
    with pytest.raises(Invalid):
        clocked.run(bob.cards.import_identity(json.dumps(qid).encode()))


def test_an_identity_without_drops_gets_one(clocked: ClockedWorld, bob: CoreService) -> None:
    """The file of an identity may name no drop: then one is made on the user's drop server."""
    document = json.dumps(
        {"alias": "new", "private_key": PrivateKey.generate().hex, "drop_urls": []}
    ).encode()
    assert len(clocked.run(bob.cards.import_identity(document)).drops) == 1


@pytest.mark.parametrize("document", [b"", b"{}", b"[]", b"\xff", b'{"alias":"x"}'])
def test_what_is_no_file(clocked: ClockedWorld, bob: CoreService, document: bytes) -> None:
    """A document that is not of the format is refused as a whole."""
    with pytest.raises(Invalid):
        clocked.run(bob.cards.import_identity(document))
    with pytest.raises(Invalid):
        clocked.run(bob.cards.import_contacts(None, document))
    assert bob.people.contacts() == []


def test_the_private_key_is_in_no_error(clocked: ClockedWorld, bob: CoreService) -> None:
    """A file that is refused is not quoted: it may hold a private key."""
    key = PrivateKey.generate().hex
    document = json.dumps({"alias": 5, "private_key": key, "drop_urls": [key]}).encode()
    with pytest.raises(Invalid) as raised:
        clocked.run(bob.cards.import_identity(document))
    assert key not in raised.value.detail + repr(raised.value)


def test_own_cards(bob: CoreService) -> None:
    """The file for others has name, public key and drops of an identity, and nothing private."""
    own = bob.people.identity(1)
    document = bob.cards.contact_file(own.public_key)
    [found] = read_contacts(document)
    assert (found.alias, found.public_key.hex) == ("Bob", own.public_key)
    assert [str(url) for url in found.drop_urls] == own.drops
    assert bob.people.find(1).private_key.hex not in document.decode()


def test_a_contact_is_exported_as_it_was_imported(clocked: ClockedWorld, bob: CoreService) -> None:
    """A contact's own file can be handed on."""
    key = PrivateKey.generate().public_key
    [added] = take_in(clocked, bob, card("Eve", key.hex, DROP))
    assert isinstance(added.id, int)
    exported = read_contacts(bob.cards.export_contact(added.id))
    assert exported == [ContactCard("Eve", key, (DropURL.parse(DROP),))]


def test_the_text_of_a_qr_code(clocked: ClockedWorld, bob: CoreService) -> None:
    """The text of a QR code is imported as a file is."""
    alice = clocked.run(clocked.person("Alice"))
    text = alice.cards.contact_text(1).encode()
    [imported] = clocked.run(bob.cards.import_contacts(None, text))
    assert imported.outcome == "added"
    assert isinstance(imported.id, int)
    contact = bob.people.contact(imported.id)
    assert (contact.alias, contact.drop_urls) == ("Alice", alice.people.identity(1).drops)


def test_a_broken_qr_code(clocked: ClockedWorld, bob: CoreService) -> None:
    """A text that was cut off, or is not UTF-8, is refused."""
    text = bob.cards.contact_text(1).encode()
    for broken in (text[:-60], text + b"\xff"):
        with pytest.raises(Invalid):
            clocked.run(bob.cards.import_contacts(None, broken))


def test_each_contact_of_a_file_is_reported(clocked: ClockedWorld, bob: CoreService) -> None:
    """A contact that is refused, with the reason, takes no other along."""
    own = bob.people.identity(1).public_key
    imported = take_in(
        clocked,
        bob,
        card("one", new_key(), DROP),
        card("bad", LOW_ORDER, DROP),
        card("me", own, DROP),
        card("two", new_key(), DROP),
    )
    assert [each.outcome for each in imported] == ["added", "refused", "refused", "added"]
    assert all(isinstance(each.reason, str) for each in imported if each.outcome == "refused")
    assert [each.alias for each in bob.people.contacts()] == ["one", "two"]


def test_an_import_changes_nobody(clocked: ClockedWorld, bob: CoreService) -> None:
    """A card with a known key and other drop URLs or alias differs, and nothing is changed."""
    key = new_key()
    take_in(clocked, bob, card("one", key, DROP))
    before = bob.synced.encoded
    for changed, urls in (("one", [OTHER_DROP]), ("renamed", [DROP]), ("renamed", [OTHER_DROP])):
        [view] = take_in(clocked, bob, card(changed, key, *urls))
        assert (view.number, view.alias, view.outcome, view.id) == (1, changed, "differs", 1)
        assert view.known == AddressView("one", [DROP])
        assert view.card == AddressView(changed, urls)
    assert bob.synced.encoded == before


def test_drop_urls_are_replaced_on_demand(clocked: ClockedWorld, bob: CoreService) -> None:
    """If the user asks for it, the drop URLs are taken from the file, and the alias is not."""
    key = new_key()
    take_in(clocked, bob, card("one", key, DROP))
    document = json.dumps(card("renamed", key, OTHER_DROP)).encode()
    [view] = clocked.run(bob.cards.import_contacts(None, document, replace=True))
    assert view.outcome == "replaced"
    assert (view.known, view.card) == (
        AddressView("one", [DROP]),
        AddressView("renamed", [OTHER_DROP]),
    )
    [contact] = bob.people.contacts()
    assert (contact.alias, contact.drop_urls) == ("one", [OTHER_DROP])


def test_an_import_is_one_change(clocked: ClockedWorld, bob: CoreService) -> None:
    """A file with many contacts is one event in the journal, whatever becomes of each of them."""
    changes: list[int | None] = []
    bob.synced.on_change(lambda before, after, seq: changes.append(seq))
    take_in(clocked, bob, *(card(f"{n}", new_key(), DROP) for n in range(50)), {"alias": "bad"})
    assert len(changes) == 1
    assert len(bob.people.contacts()) == 50


def test_entries_that_are_no_contacts(clocked: ClockedWorld, bob: CoreService) -> None:
    """An entry that cannot be read is refused by its number and name, and the others are added."""
    bad: list[Any] = [
        {"alias": "no key", "drop_urls": []},
        card("bad url", new_key(), "https://drop.example/short"),
        card("bad key", "xyz", DROP),
        card("many", new_key(), *(f"https://drop.example/{n:043}" for n in range(65))),
        {**card("large", new_key(), DROP), "more": "x" * 20_000},
        {**card("long", new_key(), DROP), "email": "x" * 10_000},
        {"alias": 5},
        "text",
        None,
    ]
    views = take_in(clocked, bob, *bad, card("good", new_key(), DROP))
    assert [each.outcome for each in views] == ["refused"] * len(bad) + ["added"]
    assert [each.number for each in views] == list(range(1, len(bad) + 2))
    names = ["no key", "bad url", "bad key", "many", "large", "long", "", "", ""]
    assert [each.alias for each in views[:-1]] == names
    assert all(each.reason for each in views[:-1])
    assert take_in(clocked, bob) == []


def test_everything_in_a_file_is_given_back(clocked: ClockedWorld, bob: CoreService) -> None:
    """Prefixes, e-mail, phone and unknown keys of a file are in the export of what it brought."""
    key = PrivateKey.generate()
    more = {"email": "a@example.com", "phone": "+49", "x-note": {"deep": [1, 2.5, None, "é"]}}
    qid = {
        "alias": "Ann",
        "private_key": key.hex,
        "public_key": key.public_key.hex,
        "drop_urls": [DROP],
        "prefixes": ["2a1d1c0b-9f6e-4f39-8d7c-1a2b3c4d5e6f", "second"],
        **more,
    }
    made = clocked.run(bob.cards.import_identity(json.dumps(qid).encode()))
    assert json.loads(bob.cards.export_identity(made.id)) == qid
    [entry] = json.loads(bob.cards.contact_file(made.id))["contacts"]
    assert entry == {
        **card("Ann", key.public_key.hex, DROP),
        "email": "a@example.com",
        "phone": "+49",
    }
    qco = {**card("Eve", new_key(), DROP), **more}
    document = json.dumps({"contacts": [qco]}).encode()
    [view] = clocked.run(bob.cards.import_contacts(1, document))
    assert isinstance(view.id, int)
    assert json.loads(bob.cards.export_contact(view.id)) == {"contacts": [qco]}


def test_a_contact_has_no_secrets_of_an_identity(clocked: ClockedWorld, bob: CoreService) -> None:
    """If an identity file is imported as a contact, its private key and prefixes are dropped."""
    key = PrivateKey.generate()
    qid = {
        **card("Ann", key.public_key.hex, DROP),
        "private_key": key.hex,
        "prefixes": ["prefix"],
    }
    [view] = clocked.run(bob.cards.import_contacts(None, json.dumps(qid).encode()))
    assert view.outcome == "added"
    assert key.hex.encode() not in bob.synced.encoded
    assert b'"prefix"' not in bob.synced.encoded


def test_whose_contacts_they_are(clocked: ClockedWorld, bob: CoreService) -> None:
    """With several identities it must be said for which one a file is imported."""
    clocked.run(bob.people.add_identity("Bobby"))
    document = json.dumps({"contacts": [card("Eve", new_key(), DROP)]}).encode()
    with pytest.raises(Invalid):
        clocked.run(bob.cards.import_contacts(None, document))
    clocked.run(bob.cards.import_contacts(2, document))
    [contact] = bob.people.contacts()
    assert contact.identity_id == 2


def test_who_is_unknown_has_no_card(bob: CoreService) -> None:
    """Nothing is exported of an identity or a contact that there is not."""
    for export in (
        lambda: bob.cards.export_identity(9),
        lambda: bob.cards.contact_file("nonsense"),
        lambda: bob.cards.contact_text(9),
        lambda: bob.cards.export_contact(9),
    ):
        with pytest.raises(NotFound):
            export()


@pytest.mark.parametrize("changes", [{"alias": "two\nlines"}, {"drops": []}])
def test_what_a_form_cannot_hold(
    clocked: ClockedWorld, bob: CoreService, changes: dict[str, Any]
) -> None:
    """An identity with a line break in its name, or without a drop, has a file and no QR code."""
    for key, value in changes.items():
        clocked.run(bob.synced.set(f"identities.1.{key}", value))
    with pytest.raises(Conflict):
        bob.cards.contact_text(1)
    [found] = read_contacts(bob.cards.contact_file(1))
    assert found.alias == bob.people.identity(1).alias
