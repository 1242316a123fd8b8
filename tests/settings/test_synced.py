"""The synced settings: rules between items, and lookups."""

from typing import Any

from qabel.crypto import PrivateKey, PublicKey
from qabel.forms.errors import FieldError
from qabel.settings.items import Contact, DropServer, Identity
from qabel.settings.synced import SYNCED, SyncedSettings
from tests.settings.checks import errors_of, keys_of

NOW = 5000
NOBODY = PublicKey(b"\5" * 32)


def ids(items: tuple[Identity | Contact | DropServer, ...]) -> list[int]:
    """Return the ids of items."""
    return [item.id for item in items]


# Rules between items


def test_identities_have_different_keys(
    document: SyncedSettings, keys: dict[str, PrivateKey]
) -> None:
    """A deleted identity may have the key of another one, but cannot be restored beside it."""
    assert errors_of(lambda: SYNCED.set(document, "identities.8.deleted", 0, now=NOW)) == [
        FieldError("identities.8.keys.public_key", "is also the key of identities.1")
    ]
    without = SYNCED.set(document, "identities.1.deleted", 1, now=NOW)
    restored = SYNCED.set(without, "identities.8.deleted", 0, now=NOW)
    identity = restored.identity(keys["alice"].public_key)
    assert identity is not None
    assert identity.id == 8


def test_contacts_of_one_identity_have_different_keys(
    document: SyncedSettings, keys: dict[str, PrivateKey]
) -> None:
    """A contact of another identity, or a deleted one, may have the same key."""
    builtins = SYNCED.to_builtins(document)["contacts"]
    again = {**builtins[0], "id": 6, "deleted": 9}
    assert len(SYNCED.set(document, "contacts", [*builtins, again], now=NOW).contacts) == 4
    alice = keys["alice"].public_key.hex
    assert errors_of(lambda: SYNCED.set(document, "contacts.2.my_identity", alice, now=NOW)) == [
        FieldError(
            "contacts.2.keys.public_key",
            "is also the key of contacts.1, a contact of the same identity",
        )
    ]


def test_volumes_are_on_a_server_in_the_document(document: SyncedSettings) -> None:
    """The server may be deleted, but not removed; a deleted volume needs none."""
    key = "storage_volumes.7.storage_server_id"
    error = [FieldError(key, "is not the id of a storage server")]
    SYNCED.set(document, "storage_servers.0.deleted", 1, now=NOW)
    assert errors_of(lambda: SYNCED.set(document, "storage_servers", [], now=NOW)) == error
    assert errors_of(lambda: SYNCED.set(document, key, 1, now=NOW)) == error
    gone = SYNCED.set(document, "storage_volumes.7.deleted", 1, now=NOW)
    assert SYNCED.set(gone, "storage_servers", [], now=NOW).storage_servers == ()


def test_contacts_are_of_an_identity_in_the_document(
    document: SyncedSettings, builtins: dict[str, Any]
) -> None:
    """The identity may be deleted, but not removed, unless its contacts are, too."""
    one = builtins["identities"][:1]
    assert errors_of(lambda: SYNCED.set(document, "identities", one, now=NOW)) == [
        FieldError("contacts.2.my_identity", "is not the key of an identity")
    ]
    patch = {"identities": one, "contacts": builtins["contacts"][:1]}
    assert len(SYNCED.merge(document, patch, now=NOW).contacts) == 1
    assert SYNCED.merge(document, {"identities": None, "contacts": None}, now=NOW).contacts == ()


def test_errors_have_no_consequential_errors(builtins: dict[str, Any]) -> None:
    """What refers to an invalid item has no error of its own, but all others are found."""
    builtins["identities"][0]["alias"] = 5
    builtins["storage_servers"][0]["url"] = 5
    builtins["contacts"][1]["my_identity"] = builtins["contacts"][0]["my_identity"]
    builtins["drop_servers"][0]["id"] = 4
    builtins["nope"] = 1
    assert set(keys_of(lambda: SYNCED.parse(builtins, now=1))) == {
        "nope",
        "identities.1.alias",
        "storage_servers.0.url",
        "contacts.2.keys.public_key",
        "drop_servers[1].id",
    }


# Lookups


def test_identities_are_found_by_id_and_key(
    document: SyncedSettings, keys: dict[str, PrivateKey]
) -> None:
    """A deleted identity is not found, nor by a key that another one has now."""
    assert ids(document.living_identities) == [1, 2]
    first = document.identities[0]
    assert document.identity(1) is first
    assert document.identity(keys["alice"].public_key) is first
    for ref in (8, 0, 99, NOBODY, keys["bob"].public_key):
        assert document.identity(ref) is None


def test_contacts_are_found_by_id_and_keys(
    document: SyncedSettings, keys: dict[str, PrivateKey]
) -> None:
    """Each identity has contacts of its own, of which deleted ones are not found."""
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


def test_deleted_and_inactive_drop_servers_are_not_active(document: SyncedSettings) -> None:
    """New drops are created only on servers that are neither deleted nor switched off."""
    assert ids(document.active_drop_servers) == [3]


def test_contacts_of_a_deleted_identity_are_not_found(
    document: SyncedSettings, keys: dict[str, PrivateKey]
) -> None:
    """The contacts stay in the document."""
    alice, bob = keys["alice"], keys["bob"].public_key
    gone = SYNCED.with_deleted_item(document, "identities", 1, now=5)
    assert ids(gone.living_contacts) == [2]
    assert gone.contact(1) is None
    assert gone.contacts_of(alice.public_key) == ()
    assert gone.contact_by_key(alice.public_key, bob) is None
    assert gone.contacts == document.contacts


def test_contacts_are_found_again_with_their_identity(
    document: SyncedSettings, keys: dict[str, PrivateKey]
) -> None:
    """An identity that is restored, or added again with its key, has its contacts."""
    alice = keys["alice"]
    gone = SYNCED.with_deleted_item(document, "identities", 1, now=5)
    restored = SYNCED.set(gone, "identities.1.deleted", 0, now=6)
    assert ids(restored.contacts_of(alice.public_key)) == [1]
    values = {"alias": "again", "keys": {"private_key": alice.hex}, "drops": []}
    again, identity = SYNCED.with_item(gone, "identities", values, now=6)
    assert identity.id == 3
    assert ids(again.contacts_of(identity)) == [1]


def test_module_data_are_a_copy(document: SyncedSettings) -> None:
    """Nobody can change a document by changing what it returned."""
    document.module_data.clear()
    assert set(document.module_data) == {"chat", "empty"}


def test_representation_has_only_numbers(document: SyncedSettings) -> None:
    """Names and keys of people are not shown in logs."""
    assert repr(document) == "<SyncedSettings: 3 identities, 3 contacts>"
