"""Changes of single items of a document."""

from typing import Any

import pytest

from qabel.crypto import PrivateKey
from qabel.forms.errors import UnknownKey
from qabel.settings.synced import SYNCED, SyncedSettings
from tests.settings.checks import keys_of

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
    assert (contact.alias, contact.id) == ("Carol", 6)
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
