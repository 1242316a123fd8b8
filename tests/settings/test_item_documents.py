"""Changes of single items of a document."""

import time
from typing import Any

import pytest

from qabel.crypto import PrivateKey, key_digest
from qabel.forms.errors import UnknownKey
from qabel.settings.synced import SYNCED, SyncedSettings
from qabel.settings.used_ids import UsedId, UsedIds
from tests.settings.checks import errors_of, keys_of

NOW = 5000


@pytest.fixture
def carol(keys: dict[str, PrivateKey]) -> dict[str, Any]:
    """Return a new contact of Alice as parsed JSON."""
    return {
        "alias": "Carol",
        "keys": {"public_key": keys["carol"].public_key.hex},
        "my_identity": keys["alice"].public_key.hex,
        "drop_urls": [],
    }


def test_new_item_gets_an_id_and_times(document: SyncedSettings, carol: dict[str, Any]) -> None:
    """The item is the last of its list, and is returned with the document."""
    changed, contact = SYNCED.with_item(document, "contacts", carol, now=NOW)
    assert changed.contacts == (*document.contacts, contact)
    assert (contact.alias, contact.id) == ("Carol", 3)
    assert (contact.created, contact.updated, contact.deleted) == (NOW, NOW, 0)


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"alias": None}, "alias"),
        ({"keys": {"public_key": "x"}}, "keys.public_key"),
        ({"drop_urls": [1]}, "drop_urls.0"),
        ({"my_identity": "07" * 32}, "my_identity"),
        ({"id": 1}, "id"),
        ({"nope": 1}, "nope"),
    ],
)
def test_errors_of_a_new_item_have_keys_relative_to_it(
    document: SyncedSettings, carol: dict[str, Any], wrong: dict[str, Any], key: str
) -> None:
    """Who adds an item does not know its id, which errors therefore do not have."""
    values = {**carol, **wrong}
    assert keys_of(lambda: SYNCED.with_item(document, "contacts", values, now=NOW)) == [key]


def test_new_item_obeys_the_rules_between_items(
    document: SyncedSettings, carol: dict[str, Any], keys: dict[str, PrivateKey]
) -> None:
    """A contact that exists already cannot be added again."""
    values = {**carol, "keys": {"public_key": keys["bob"].public_key.hex}}
    found = keys_of(lambda: SYNCED.with_item(document, "contacts", values, now=NOW))
    assert found == ["keys.public_key"]


def test_changes_of_an_item_leave_its_other_keys(document: SyncedSettings) -> None:
    """Only the keys that are given change, and ``updated``."""
    changed = SYNCED.with_changed_item(document, "contacts", 1, {"alias": "New"}, now=NOW)
    contact = changed.contacts[0]
    assert (contact.alias, contact.updated) == ("New", NOW)
    assert contact.drop_urls == document.contacts[0].drop_urls
    assert changed.contacts[1:] == document.contacts[1:]


def test_changes_that_change_nothing_return_the_same_document(document: SyncedSettings) -> None:
    """Setting what an item has already does not update it."""
    assert SYNCED.with_changed_item(document, "contacts", 1, {"alias": "Bob"}, now=1) is document
    assert SYNCED.with_changed_item(document, "contacts", 1, {}, now=1) is document


def test_errors_of_changes_have_keys_relative_to_the_item(document: SyncedSettings) -> None:
    """Invalid values and unknown keys are named as in the item."""
    wrong = {"alias": 5, "x": 1}
    found = keys_of(lambda: SYNCED.with_changed_item(document, "contacts", 1, wrong, now=NOW))
    assert found == ["alias", "x"]


def test_errors_at_other_items_have_whole_keys(
    document: SyncedSettings, keys: dict[str, PrivateKey]
) -> None:
    """A change of one item may be at odds with a later one, which then has the error."""
    changes = {"my_identity": keys["alter"].public_key.hex}
    found = keys_of(lambda: SYNCED.with_changed_item(document, "contacts", 1, changes, now=NOW))
    assert found == ["contacts.2.keys.public_key"]


def test_deleted_item_stays_in_its_list(document: SyncedSettings) -> None:
    """The item has the time of its deletion."""
    changed = SYNCED.with_deleted_item(document, "contacts", 1, now=NOW)
    assert changed.contacts[0].deleted == changed.contacts[0].updated == NOW
    assert len(changed.contacts) == len(document.contacts)


def test_item_is_deleted_once(document: SyncedSettings) -> None:
    """The time of the first deletion stays."""
    assert SYNCED.with_deleted_item(document, "contacts", 5, now=NOW) is document


def test_item_can_be_deleted_at_the_epoch(document: SyncedSettings) -> None:
    """A clock that stands at 0, which means that an item lives, does not revive it."""
    changed = SYNCED.with_deleted_item(document, "contacts", 1, now=0)
    assert not changed.contacts[0].living


def test_item_that_is_not_there_is_unknown(document: SyncedSettings) -> None:
    """There is nothing to change or delete at an id that no item has."""
    with pytest.raises(UnknownKey, match=r"contacts\.9: the list has no item with this id"):
        SYNCED.with_changed_item(document, "contacts", 9, {}, now=NOW)
    with pytest.raises(UnknownKey):
        SYNCED.with_deleted_item(document, "contacts", 9, now=NOW)


def test_only_lists_have_items(document: SyncedSettings) -> None:
    """To add an item to something else is a mistake in the program, and not in the input."""
    with pytest.raises(TypeError):
        SYNCED.with_item(document, "module_data", {}, now=NOW)


ALL_WAYS = {
    "parse": lambda old, items: SYNCED.parse({"identities": items}, now=NOW, previous=old),
    "set": lambda old, items: SYNCED.set(old, "identities", items, now=NOW),
    "merge": lambda old, items: SYNCED.merge(old, {"identities": items}, now=NOW),
}


def person(key: PrivateKey, **more: Any) -> dict[str, Any]:
    """Return an identity as JSON, with an id if one is given."""
    return {"alias": "x", "keys": {"private_key": key.hex}, "drops": [], **more}


@pytest.mark.parametrize("way", ALL_WAYS.values(), ids=ALL_WAYS)
def test_no_id_is_given_twice(way: Any) -> None:
    """An id that a document no longer has is not given to another identity, in whatever way."""
    a, b, c = (PrivateKey.generate() for _ in range(3))
    first = way(SYNCED.default(), [person(a), person(b)])
    assert [each.id for each in first.identities] == [1, 2]
    without = way(first, [person(a, id=1)])
    again = way(without, [person(a, id=1), person(c)])
    assert [each.id for each in again.identities] == [1, 3]
    added, identity = SYNCED.with_item(without, "identities", person(c), now=NOW)
    assert identity.id == 3
    assert SYNCED.used_since(without, added) == [
        UsedId("identities", 3, key_digest(c.public_key.raw))
    ]


@pytest.mark.parametrize("way", ALL_WAYS.values(), ids=ALL_WAYS)
def test_an_id_comes_back_for_its_key_only(way: Any) -> None:
    """A document may bring an id back with its key; with another one it is an error."""
    a, b, c = (PrivateKey.generate() for _ in range(3))
    first = way(SYNCED.default(), [person(a), person(b)])
    without = way(first, [person(a, id=1)])
    assert [each.id for each in way(without, [person(a, id=1), person(b, id=2)]).identities] == [
        1,
        2,
    ]
    [error] = errors_of(lambda: way(without, [person(a, id=1), person(c, id=2)]))
    assert error.key == "identities.2.id"
    assert "another" in error.detail
    deleted = SYNCED.with_deleted_item(first, "identities", 2, now=NOW)
    assert keys_of(lambda: way(deleted, [person(a, id=1), person(c, id=2)])) == ["identities.2.id"]


def test_the_key_of_an_item_can_be_replaced() -> None:
    """While an item is there its key can be replaced; the id then belongs to both keys."""
    a, b, c = (PrivateKey.generate() for _ in range(3))
    first = SYNCED.set(SYNCED.default(), "identities", [person(a)], now=NOW)
    keys = {"private_key": b.hex, "public_key": b.public_key.hex}
    changed = SYNCED.set(first, "identities.1.keys", keys, now=NOW)
    assert changed.identities[0].public_key == b.public_key
    empty = SYNCED.set(changed, "identities", [], now=NOW)
    for key in (a, b):
        assert SYNCED.set(empty, "identities", [person(key, id=1)], now=NOW).identities
    assert keys_of(lambda: SYNCED.set(empty, "identities", [person(c, id=1)], now=NOW)) == [
        "identities.1.id"
    ]


def test_a_document_from_the_disk_knows_the_ids_before_it() -> None:
    """What the store knows of ids counts together with what the document has."""
    a, b = PrivateKey.generate(), PrivateKey.generate()
    loaded = SYNCED.parse({"identities": [person(a, id=1)]}, now=NOW)
    used = {"identities": UsedIds().grown([(2, key_digest(a.public_key.raw))])}
    knowing = SYNCED.knowing(loaded, used)
    assert knowing == loaded
    _, identity = SYNCED.with_item(knowing, "identities", person(b), now=NOW)
    assert identity.id == 3


def test_many_ids_at_once() -> None:
    """Thousands of new contacts, and one more, take no longer than reading them."""
    me = PrivateKey.generate()
    contacts = [
        {
            "alias": f"{number}",
            "keys": {
                "public_key": PrivateKey(number.to_bytes(16, "big").ljust(32, b"x")).public_key.hex
            },
            "my_identity": me.public_key.hex,
            "drop_urls": [],
        }
        for number in range(1, 3001)
    ]
    start = SYNCED.set(SYNCED.default(), "identities", [person(me)], now=NOW)
    began = time.process_time()
    large = SYNCED.set(start, "contacts", contacts[:-1], now=NOW)
    larger, contact = SYNCED.with_item(large, "contacts", contacts[-1], now=NOW)
    assert time.process_time() - began < 2
    assert contact.id == 3000
    assert len(SYNCED.used_since(start, larger)) == 3000
