"""Changes to the synced settings: ids, times, keys out of the shape, and rules between items."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from qabel.crypto import PrivateKey
from qabel.forms.errors import FieldError, InvalidInput, UnknownKey
from qabel.settings.item_lists import free_ids
from qabel.settings.synced import SYNCED, SyncedSettings

NOW = 5000
SERVER = {"url": "https://drop.example"}


def errors_of(caught: pytest.ExceptionInfo[InvalidInput]) -> list[str]:
    """Give the places that are wrong."""
    return [error.key for error in caught.value.errors]


def branches(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Give each place that a key can name, and what stands there."""
    if key:
        yield key, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from branches(inner, f"{key}.{name}".lstrip("."))
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict) and "id" in item:
                yield from branches(item, f"{key}.{item['id']}")


def test_what_is_written_reads_back(document: SyncedSettings, builtins: dict[str, Any]) -> None:
    """What GET gives, POST takes back, and nothing changes, nor is anything ``updated``."""
    assert SYNCED.to_builtins(document) == builtins
    assert json.loads(SYNCED.encode(document)) == builtins
    assert SYNCED.parse(builtins, now=NOW) == document
    assert SYNCED.parse(builtins, now=NOW, previous=document) is document
    assert SYNCED.merge(document, builtins, now=NOW) is document


def test_every_place_set_to_what_it_is_changes_nothing(
    document: SyncedSettings, builtins: dict[str, Any]
) -> None:
    """Leaf or branch, the document stays the same object."""
    places = list(branches(builtins))
    assert len(places) > 100
    for key, value in places:
        assert SYNCED.set(document, key, value, now=NOW) is document, key


def test_empty_document_is_the_default() -> None:
    """All lists are empty, and keys left out are."""
    lists = ["accounts", "drop_servers", "storage_servers", "storage_volumes", "identities"]
    expected: dict[str, Any] = {**{name: [] for name in [*lists, "contacts"]}, "module_data": {}}
    assert SYNCED.to_builtins(SYNCED.default()) == expected
    assert SYNCED.parse({}, now=1) == SYNCED.default()


# Ids


def test_items_without_an_id_get_the_next_free_one(document: SyncedSettings) -> None:
    """Free is what neither the list nor the one before it has: ids of others may be kept."""
    given = [SERVER, {**SERVER, "id": 9}, SERVER, {**SERVER, "id": 0}]
    assert [each.id for each in SYNCED.parse({"drop_servers": given}, now=1).drop_servers] == [
        10,
        9,
        11,
        0,
    ]
    assert SYNCED.parse({"drop_servers": [SERVER]}, now=1).drop_servers[0].id == 1
    replaced = SYNCED.set(document, "drop_servers", [SERVER], now=1)
    assert [each.id for each in replaced.drop_servers] == [6]


def test_ids_do_not_run_out() -> None:
    """Behind the highest id there is none: then the lowest that is free is taken."""
    free = free_ids({1, 3, 2**31 - 1})
    assert [next(free), next(free), next(free)] == [2, 4, 5]
    given = [{**SERVER, "id": 2**31 - 1}, SERVER]
    assert SYNCED.parse({"drop_servers": given}, now=1).drop_servers[1].id == 1


# Times


def test_missing_times_are_filled_in(document: SyncedSettings) -> None:
    """A new item is made and updated now, an old one keeps its times."""
    changed = SYNCED.set(document, "drop_servers", [SERVER, {**SERVER, "id": 5}], now=NOW)
    new, old = changed.drop_servers
    assert (new.created, new.updated, new.deleted) == (NOW, NOW, 0)
    assert (old.created, old.updated, old.deleted) == (100, NOW, 300)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("identities.1.alias", "New"),
        ("identities.1.drops", []),
        ("identities.1.deleted", 4000),
        ("identities.8.deleted", 301),
        ("contacts.1.module_data.chat.muted", True),
        ("contacts.1.module_data.new", {}),
        ("drop_servers.3.active", False),
        ("accounts.1.created", 99),
    ],
)
def test_change_to_an_item_sets_its_updated(
    document: SyncedSettings, key: str, value: object
) -> None:
    """Only that of the item, and nothing else of it."""
    changed = SYNCED.to_builtins(SYNCED.set(document, key, value, now=NOW))
    before = SYNCED.to_builtins(document)
    name, number, *path = key.split(".")
    item, was = (_item(each, name, number) for each in (changed, before))
    assert item.pop("updated") == NOW
    assert was.pop("updated") == 200
    target: Any = was
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    assert changed == before


def _item(builtins: dict[str, Any], name: str, number: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in builtins[name] if each["id"] == int(number))
    return found


def test_change_that_writes_updated_keeps_what_it_wrote(document: SyncedSettings) -> None:
    """By its key, in its item, or in its list."""
    assert SYNCED.set(document, "accounts.1.updated", 7, now=NOW).accounts[0].updated == 7
    account = SYNCED.to_builtins(document)["accounts"][0]
    wrote = {**account, "user": "new", "updated": 7}
    for key, value in {"accounts.1": wrote, "accounts": [wrote]}.items():
        changed = SYNCED.set(document, key, value, now=NOW).accounts[0]
        assert (changed.user, changed.updated) == ("new", 7)
    same = {**account, "user": "new"}
    assert SYNCED.set(document, "accounts.1", same, now=NOW).accounts[0].updated == NOW
    assert SYNCED.parse({"accounts": [same]}, now=NOW, previous=document).accounts[0].updated == NOW


def test_items_that_did_not_change_are_the_same_objects(document: SyncedSettings) -> None:
    """So they compare and encode fast."""
    changed = SYNCED.set(document, "contacts.1.alias", "x", now=NOW)
    assert changed.contacts[1] is document.contacts[1]
    assert changed.identities is document.identities


# Keys


@pytest.mark.parametrize(
    "key",
    [
        "",
        ".",
        "nope",
        "Contacts",
        "contacts.",
        "contacts..alias",
        "contacts.9",
        "contacts.9.alias",
        "contacts.01",
        "contacts.+1",
        "contacts.-1",
        "contacts.1 ",
        "contacts.¹",
        "contacts.٣",
        "contacts.99999999999999999999",
        "contacts." + "9" * 10_000,
        "contacts.alias",
        "contacts.[0]",
        "contacts.1.nope",
        "contacts.1.id.x",
        "contacts.1.created.x",
        "contacts.1.alias.x",
        "contacts.1.keys.private_key",
        "contacts.1.keys.public_key.x",
        "contacts.1.drop_urls.0",
        "contacts.1.module_data..x",
        "identities.1.keys.x",
        "identities.1.module_data.x",
        "drop_servers.3.active.x",
        "accounts.1.encoded",
        "accounts.1.keys",
        "modules",
    ],
)
def test_key_out_of_the_shape_is_unknown(document: SyncedSettings, key: str) -> None:
    """Also where an id is that no item has, or an attribute of ours that is no key."""
    with pytest.raises(UnknownKey) as caught:
        SYNCED.set(document, key, 1, now=NOW)
    assert caught.value.detail
    assert key.startswith(caught.value.key.rstrip("…"))


def test_item_can_be_set_as_a_whole(document: SyncedSettings) -> None:
    """The value replaces the branch; its id may be left out."""
    changed = SYNCED.set(document, "drop_servers.4", SERVER, now=NOW).drop_servers[1]
    assert (changed.id, changed.url, changed.auth, changed.active) == (4, SERVER["url"], "", True)
    assert (changed.created, changed.updated) == (100, NOW)


# Rules between items


def test_living_identities_have_different_keys(
    document: SyncedSettings, keys: dict[str, PrivateKey]
) -> None:
    """One that is deleted may have the key of one that lives, and cannot be brought back."""
    with pytest.raises(InvalidInput) as caught:
        SYNCED.set(document, "identities.8.deleted", 0, now=NOW)
    assert caught.value.errors == (
        FieldError("identities.8.keys.public_key", "is also the key of identities.1"),
    )
    without = SYNCED.set(document, "identities.1.deleted", 1, now=NOW)
    back = SYNCED.set(without, "identities.8.deleted", 0, now=NOW)
    identity = back.identity(keys["alice"].public_key)
    assert identity is not None
    assert identity.id == 8


def test_living_contacts_of_one_identity_have_different_keys(
    document: SyncedSettings, keys: dict[str, PrivateKey]
) -> None:
    """The same key may be known to two identities, or have been known."""
    bob = {"public_key": keys["bob"].public_key.hex}
    assert SYNCED.set(document, "contacts.5.keys", bob, now=NOW).contacts[2].deleted
    with pytest.raises(InvalidInput) as caught:
        SYNCED.set(document, "contacts.2.my_identity", keys["alice"].public_key.hex, now=NOW)
    assert errors_of(caught) == ["contacts.2.keys.public_key"]


def test_living_volumes_are_on_a_server_that_is_there(document: SyncedSettings) -> None:
    """The server may be deleted, but not taken away; a deleted volume needs none."""
    SYNCED.set(document, "storage_servers.0.deleted", 1, now=NOW)
    with pytest.raises(InvalidInput) as caught:
        SYNCED.set(document, "storage_servers", [], now=NOW)
    assert errors_of(caught) == ["storage_volumes.7.storage_server_id"]
    gone = SYNCED.set(document, "storage_volumes.7.deleted", 1, now=NOW)
    assert SYNCED.set(gone, "storage_servers", [], now=NOW).storage_servers == ()


def test_living_contacts_are_of_an_identity_that_is_there(
    document: SyncedSettings, builtins: dict[str, Any]
) -> None:
    """It may be deleted, but not taken away, unless its contacts go with it."""
    with pytest.raises(InvalidInput) as caught:
        SYNCED.set(document, "identities", builtins["identities"][:1], now=NOW)
    assert errors_of(caught) == ["contacts.2.my_identity"]
    patch = {"identities": builtins["identities"][:1], "contacts": builtins["contacts"][:1]}
    assert len(SYNCED.merge(document, patch, now=NOW).contacts) == 1
    assert SYNCED.merge(document, {"identities": None, "contacts": None}, now=NOW).contacts == ()


# Single items


def test_item_is_added_by_the_same_rules(
    document: SyncedSettings, keys: dict[str, PrivateKey]
) -> None:
    """It gets an id and times, and its errors are named as seen from it."""
    values = {
        "alias": "Carol",
        "keys": {"public_key": keys["carol"].public_key.hex},
        "my_identity": keys["alice"].public_key.hex,
        "drop_urls": [],
    }
    changed, contact = SYNCED.with_item(document, "contacts", values, now=NOW)
    assert changed.contacts == (*document.contacts, contact)
    assert (contact.id, contact.created, contact.updated, contact.deleted) == (6, NOW, NOW, 0)
    for wrong, place in [
        ({"alias": None}, "alias"),
        ({"keys": {"public_key": keys["bob"].public_key.hex}}, "keys.public_key"),
        ({"my_identity": keys["bob"].public_key.hex}, "my_identity"),
        ({"drop_urls": [1]}, "drop_urls.0"),
        ({"id": 1}, "id"),
        ({"nope": 1}, "nope"),
    ]:
        with pytest.raises(InvalidInput) as caught:
            SYNCED.with_item(document, "contacts", {**values, **wrong}, now=NOW)
        assert errors_of(caught) == [place]


def test_item_is_changed_by_the_same_rules(
    document: SyncedSettings, keys: dict[str, PrivateKey]
) -> None:
    """Keys that are not named stay; what changes nothing gives the same document."""
    changed = SYNCED.with_changed_item(document, "contacts", 1, {"alias": "New"}, now=NOW)
    assert (changed.contacts[0].alias, changed.contacts[0].updated) == ("New", NOW)
    assert changed.contacts[0].drop_urls == document.contacts[0].drop_urls
    assert SYNCED.with_changed_item(changed, "contacts", 1, {"alias": "New"}, now=1) is changed
    with pytest.raises(InvalidInput) as caught:
        SYNCED.with_changed_item(document, "contacts", 1, {"alias": 5, "x": 1}, now=NOW)
    assert errors_of(caught) == ["alias", "x"]
    with pytest.raises(InvalidInput) as caught:
        SYNCED.with_changed_item(
            document, "contacts", 1, {"my_identity": keys["alter"].public_key.hex}, now=NOW
        )
    # The error is at another item, and named in full.
    assert errors_of(caught) == ["contacts.2.keys.public_key"]
    with pytest.raises(UnknownKey):
        SYNCED.with_changed_item(document, "contacts", 9, {}, now=NOW)


def test_deleted_item_stays_in_its_list(document: SyncedSettings) -> None:
    """With the time at which it was deleted, for the first time."""
    changed = SYNCED.with_deleted_item(document, "contacts", 1, now=NOW)
    assert changed.contacts[0].deleted == changed.contacts[0].updated == NOW
    assert len(changed.contacts) == len(document.contacts)
    assert SYNCED.with_deleted_item(changed, "contacts", 1, now=NOW + 1) is changed
    assert SYNCED.with_deleted_item(document, "contacts", 1, now=0).contacts[0].deleted
    with pytest.raises(UnknownKey):
        SYNCED.with_deleted_item(document, "contacts", 9, now=NOW)


def test_items_are_in_lists_only(document: SyncedSettings) -> None:
    """To ask for an item of what is no list is a mistake of the program."""
    with pytest.raises(TypeError):
        SYNCED.with_item(document, "module_data", {}, now=NOW)


# Size


def test_document_is_bounded(document: SyncedSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that would make it too large is refused, one that makes it smaller is not."""
    monkeypatch.setattr("qabel.settings.document.MAX_SIZE", len(SYNCED.encode(document)))
    with pytest.raises(InvalidInput) as caught:
        SYNCED.set(document, "contacts.1.alias", "Bobby", now=200)
    assert errors_of(caught) == [""]
    assert SYNCED.set(document, "contacts.1.alias", "Bo", now=200) != document


def test_ten_thousand_contacts_are_no_burden(
    document: SyncedSettings, keys: dict[str, PrivateKey]
) -> None:
    """A change to one item leaves the others as they are, with what was worked out of them."""
    owner = keys["alice"].public_key.hex
    contacts = [
        {
            "alias": f"contact {number}",
            "keys": {"public_key": number.to_bytes(32).hex()},
            "my_identity": owner,
            "drop_urls": ["https://drop.example/" + "a" * 43],
        }
        for number in range(1000, 11_000)
    ]
    large = SYNCED.set(document, "contacts", contacts, now=NOW)
    SYNCED.encode(large)
    changed = SYNCED.set(large, "contacts.5000.alias", "renamed", now=NOW)
    assert changed != large
    assert b"renamed" in SYNCED.encode(changed)
    others = [
        (before, after)
        for before, after in zip(large.contacts, changed.contacts, strict=True)
        if before.id != 5000
    ]
    assert all(before is after for before, after in others)
