"""Asking the synced settings: only what lives is found."""

import pytest

from qabel.crypto import PrivateKey, PublicKey
from qabel.settings.items import (
    Account,
    Contact,
    DropServer,
    Identity,
    StorageServer,
)
from qabel.settings.synced import SYNCED, SyncedSettings

NOBODY = PublicKey(b"\5" * 32)


def ids(items: tuple[Identity | Contact | DropServer, ...]) -> list[int]:
    """Give the ids of items."""
    return [item.id for item in items]


def test_living_identities_are_found_by_id_and_key(
    document: SyncedSettings, keys: dict[str, PrivateKey]
) -> None:
    """One that is deleted is not, also not by a key that another has now."""
    assert ids(document.living_identities) == [1, 2]
    first = document.identities[0]
    assert document.identity(1) is first
    assert document.identity(keys["alice"].public_key) is first
    for ref in (8, 0, 99, NOBODY, keys["bob"].public_key):
        assert document.identity(ref) is None


def test_living_contacts_are_found_by_id_and_keys(
    document: SyncedSettings, keys: dict[str, PrivateKey]
) -> None:
    """Each identity has its own."""
    alice, alter = document.living_identities
    bob, carol = keys["bob"].public_key, keys["carol"].public_key
    assert ids(document.living_contacts) == [1, 2]
    assert document.contact(1) is document.contacts[0]
    assert document.contact(5) is None
    assert document.contact(99) is None
    assert ids(document.contacts_of(alice)) == ids(document.contacts_of(alice.public_key)) == [1]
    assert ids(document.contacts_of(alter)) == [2]
    assert document.contacts_of(NOBODY) == ()
    assert document.contact_by_key(alice, bob) is document.contacts[0]
    assert document.contact_by_key(alter.public_key, bob) is document.contacts[1]
    assert document.contact_by_key(alice, carol) is None
    assert document.contact_by_key(alice, NOBODY) is None


def test_active_drop_servers_live(document: SyncedSettings) -> None:
    """Those that are switched off, or deleted, are left out."""
    assert ids(document.active_drop_servers) == [3]


def test_deleted_identity_takes_its_contacts_with_it(
    document: SyncedSettings, keys: dict[str, PrivateKey]
) -> None:
    """One call deletes it; its contacts are kept, and come back with it or with its key."""
    alice, bob = keys["alice"], keys["bob"].public_key
    gone = SYNCED.with_deleted_item(document, "identities", 1, now=5)
    assert ids(gone.living_identities) == [2]
    assert ids(gone.living_contacts) == [2]
    assert gone.contact(1) is None
    assert gone.contacts_of(alice.public_key) == ()
    assert gone.contact_by_key(alice.public_key, bob) is None
    assert gone.contacts == document.contacts
    assert gone.identities[0].private_key == alice
    back = SYNCED.set(gone, "identities.1.deleted", 0, now=6)
    assert ids(back.contacts_of(alice.public_key)) == [1]
    values = {"alias": "again", "keys": {"private_key": alice.hex}, "drops": []}
    again, identity = SYNCED.with_item(gone, "identities", values, now=6)
    assert identity.id == 9
    assert ids(again.contacts_of(identity)) == [1]


def test_module_data_are_given_as_copies(document: SyncedSettings) -> None:
    """Those of the document, and those of a contact."""
    document.module_data.clear()
    document.contacts[0].module_data.clear()
    assert set(document.module_data) == {"chat", "empty"}
    assert document.contacts[0].module_data == {"chat": {"muted": False}}


@pytest.mark.parametrize("kind", [Account, DropServer, Contact, Identity, StorageServer])
def test_every_key_of_an_item_has_an_attribute(kind: type[Contact]) -> None:
    """The table of keys and the class say the same."""
    names = {field.name for field in kind.__attrs_attrs__}
    assert {key.attribute or name for name, key in kind.keys.items()} == names - {
        "id", "created", "updated", "deleted"
    }  # fmt: skip
