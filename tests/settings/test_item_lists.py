"""Lists of items: their ids, their times, and keys that begin with an id."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.crypto import PrivateKey
from qabel.forms.errors import FieldError, InvalidInput, UnknownKey
from qabel.settings.item_lists import ItemList, find_item, free_ids, replace_item
from qabel.settings.items import DropServer
from qabel.settings.stored import reading_stored
from qabel.settings.synced import SYNCED, SyncedSettings
from tests.settings.checks import errors_of, keys_of

NOW = 5000
SERVER = {"url": "https://drop.example"}
SERVERS = ItemList(DropServer)
LAST_ID = 2**31 - 1


def ids(items: tuple[DropServer, ...]) -> list[int]:
    """Return the ids of items."""
    return [each.id for each in items]


def item_of(builtins: dict[str, Any], name: str, number: str) -> dict[str, Any]:
    """Return an item by the name of its list and its id."""
    found: dict[str, Any] = next(each for each in builtins[name] if each["id"] == int(number))
    return found


# Ids


def test_items_without_an_id_get_the_next_free_one(document: SyncedSettings) -> None:
    """An id is free if neither the list nor the one that it replaces has it."""
    given_servers = [SERVER, {**SERVER, "id": 9}, SERVER, {**SERVER, "id": 0}]
    assert ids(SERVERS.read(given_servers)) == [10, 9, 11, 0]
    assert ids(SERVERS.read([SERVER])) == [1]
    replaced = SYNCED.set(document, "drop_servers", [SERVER], now=NOW)
    assert ids(replaced.drop_servers) == [6]


def test_ids_do_not_run_out() -> None:
    """After the highest possible id, the lowest free one is next."""
    free = free_ids({1, 3, LAST_ID})
    assert [next(free), next(free), next(free)] == [2, 4, 5]
    assert ids(SERVERS.read([{**SERVER, "id": LAST_ID}, SERVER])) == [LAST_ID, 1]


@given(st.sets(st.integers(0, 20) | st.integers(LAST_ID - 20, LAST_ID)))
def test_free_ids_are_not_used(used: set[int]) -> None:
    """No id is returned that is used, out of range, or returned already."""
    free = free_ids(used)
    found = [next(free) for _ in range(50)]
    assert len(set(found)) == 50
    assert used.isdisjoint(found)
    assert all(1 <= each <= LAST_ID for each in found)


@pytest.mark.parametrize(
    ("value", "keys"),
    [
        ([{}, 5, {"id": 3}], ["[0].url", "[1]", "3.url"]),
        ([{**SERVER, "id": "3"}], ["[0].id"]),
        ([{**SERVER, "id": True}], ["[0].id"]),
        ([{**SERVER, "id": LAST_ID + 1}], ["[0].id"]),
        ([{**SERVER, "id": -1}], ["[0].id"]),
        ([{**SERVER, "id": 3}] * 3, ["[1].id", "[2].id"]),
    ],
)
def test_items_without_a_valid_id_are_named_by_position(value: object, keys: list[str]) -> None:
    """The key of an error has the id of its item, or else its position in the list."""
    assert keys_of(lambda: SERVERS.read(value)) == keys


def test_ids_are_unique() -> None:
    """The second item with an id has the error."""
    assert errors_of(lambda: SERVERS.read([{**SERVER, "id": 3}, {**SERVER, "id": 3}])) == [
        FieldError("[1].id", "is also the id of another item")
    ]


def test_id_of_an_item_cannot_be_changed(document: SyncedSettings) -> None:
    """An item keeps its id, even if another one is free."""
    error = [FieldError("drop_servers.3.id", "cannot be changed")]
    assert errors_of(lambda: SYNCED.set(document, "drop_servers.3.id", 9, now=NOW)) == error
    whole = {**SERVER, "id": 9}
    assert errors_of(lambda: SYNCED.set(document, "drop_servers.3", whole, now=NOW)) == error
    assert SYNCED.set(document, "drop_servers.3.id", 3, now=NOW) is document


# Times


def test_missing_times_are_filled_in(document: SyncedSettings) -> None:
    """A new item is created and updated now, and an old one keeps its times."""
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
def test_change_of_an_item_sets_its_update_time(
    document: SyncedSettings, key: str, value: object
) -> None:
    """Only ``updated`` of that item changes, besides what was set."""
    changed = SYNCED.to_builtins(SYNCED.set(document, key, value, now=NOW))
    before = SYNCED.to_builtins(document)
    name, number, *path = key.split(".")
    item, was = (item_of(each, name, number) for each in (changed, before))
    assert item.pop("updated") == NOW
    assert was.pop("updated") == 200
    target: Any = was
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    assert changed == before


def test_update_time_that_is_written_is_kept(document: SyncedSettings) -> None:
    """A change may set ``updated`` itself: at its key, in the item, or in the list."""
    assert SYNCED.set(document, "accounts.1.updated", 7, now=NOW).accounts[0].updated == 7
    account = SYNCED.to_builtins(document)["accounts"][0]
    wrote = {**account, "user": "new", "updated": 7}
    for key, value in {"accounts.1": wrote, "accounts": [wrote]}.items():
        changed = SYNCED.set(document, key, value, now=NOW).accounts[0]
        assert (changed.user, changed.updated) == ("new", 7)


def test_update_time_that_is_only_repeated_is_replaced(document: SyncedSettings) -> None:
    """A change that has the old ``updated`` in it does not mean to keep it."""
    same = {**SYNCED.to_builtins(document)["accounts"][0], "user": "new"}
    assert SYNCED.set(document, "accounts.1", same, now=NOW).accounts[0].updated == NOW
    assert SYNCED.parse({"accounts": [same]}, now=NOW, previous=document).accounts[0].updated == NOW


def test_unchanged_items_are_the_same_objects(
    document: SyncedSettings, keys: dict[str, PrivateKey]
) -> None:
    """A change of one item in ten thousand leaves all others, with their cached JSON."""
    contacts = [
        {
            "alias": f"contact {number}",
            "keys": {"public_key": number.to_bytes(32, "little").hex()},
            "my_identity": keys["alice"].public_key.hex,
            "drop_urls": ["https://drop.example/" + "a" * 43],
        }
        for number in range(1000, 11_000)
    ]
    large = SYNCED.set(document, "contacts", contacts, now=NOW)
    SYNCED.encode(large)
    changed = SYNCED.set(large, "contacts.5000.alias", "renamed", now=NOW)
    assert b"renamed" in SYNCED.encode(changed)
    assert changed.identities is large.identities
    pairs = list(zip(large.contacts, changed.contacts, strict=True))
    assert [before.id for before, after in pairs if before is not after] == [5000]


def test_what_an_older_version_accepted_may_stay(document: SyncedSettings) -> None:
    """A value that is not accepted anymore can be kept, put back and deleted, but not given."""
    builtins = SYNCED.to_builtins(document)
    contact = builtins["contacts"][0]
    twin = contact["keys"]["public_key"][:-2] + "ff"
    contact["keys"] = {"public_key": twin}
    with pytest.raises(InvalidInput, match="canonical"):
        SYNCED.parse(builtins, now=NOW)
    with reading_stored():
        old = SYNCED.parse(builtins, now=NOW)
    assert SYNCED.parse(builtins, now=NOW, previous=old) is old
    number = contact["id"]
    renamed = SYNCED.with_changed_item(old, "contacts", number, {"alias": "new"}, now=NOW)
    assert renamed.contacts[0].public_key.hex == twin
    assert not SYNCED.with_deleted_item(old, "contacts", number, now=NOW).contacts[0].living
    for other in ({"public_key": twin[:-2] + "fe"}, {"public_key": twin, "more": True}):
        with pytest.raises(InvalidInput):
            SYNCED.with_changed_item(old, "contacts", number, {"keys": other}, now=NOW)
    with pytest.raises(InvalidInput, match="canonical"):
        SYNCED.with_changed_item(
            old, "contacts", document.contacts[1].id, {"keys": {"public_key": twin}}, now=NOW
        )


def test_one_is_not_true(document: SyncedSettings) -> None:
    """A value of another type is an error, even if Python takes it for equal to the old one."""
    number = document.drop_servers[0].id
    with pytest.raises(InvalidInput, match="must be true or false"):
        SYNCED.set(document, f"drop_servers.{number}", {**SERVER, "active": 1}, now=NOW)


# Keys


@pytest.mark.parametrize(
    "key",
    [
        "contacts.", "contacts..alias", "contacts.9", "contacts.9.alias", "contacts.01",
        "contacts.+1", "contacts.-1", "contacts.1 ", "contacts.\u00b9", "contacts.\u0661",
        "contacts.99999999999999999999", "contacts." + "9" * 10_000, "contacts.alias",
        "contacts.[0]", "contacts.1.nope", "contacts.1.id.x", "contacts.1.created.x",
        "contacts.1.alias.x", "contacts.1.keys.private_key", "contacts.1.keys.public_key.x",
        "contacts.1.drop_urls.0", "contacts.1.module_data..x", "identities.1.keys.x",
        "identities.1.module_data.x", "drop_servers.3.active.x", "accounts.1.encoded",
    ],
)  # fmt: skip
def test_key_that_leads_nowhere_is_unknown(document: SyncedSettings, key: str) -> None:
    """An id must be that of an item and written in the one way, and attributes are not keys."""
    with pytest.raises(UnknownKey) as caught:
        SYNCED.set(document, key, 1, now=NOW)
    assert caught.value.detail
    assert key.startswith(caught.value.key.rstrip("…"))


def test_item_can_be_set_as_a_whole(document: SyncedSettings) -> None:
    """The value replaces the item, except for its id and the times that it omits."""
    changed = SYNCED.set(document, "drop_servers.4", SERVER, now=NOW).drop_servers[1]
    assert (changed.id, changed.url, changed.auth, changed.active) == (4, SERVER["url"], "", True)
    assert (changed.created, changed.updated) == (100, NOW)


def test_something_else_than_an_object_has_no_keys(document: SyncedSettings) -> None:
    """The error is at the value that is in the way."""
    key = "contacts.1.module_data.chat.muted"
    assert errors_of(lambda: SYNCED.set(document, f"{key}.x.y", 1, now=NOW)) == [
        FieldError(key, "is not an object, so it has no keys")
    ]


def test_unknown_key_of_an_item_has_the_known_ones_in_its_error() -> None:
    """The id and the times are keys, too."""
    known = ["id", "url", "auth", "active", "created", "updated", "deleted"]
    assert errors_of(lambda: SERVERS.read([{**SERVER, "x": 1}])) == [
        FieldError.unknown("[0].x", known)
    ]


def test_items_are_found_and_replaced_by_identity(document: SyncedSettings) -> None:
    """A deleted item is found, too; nothing is copied if nothing is replaced."""
    servers = document.drop_servers
    assert find_item(servers, 5) is servers[2]
    assert find_item(servers, 9) is None
    assert find_item(servers, None) is None
    assert replace_item(servers, servers[0], servers[0]) is servers
    assert replace_item(servers, servers[0], servers[1]) == (servers[1], *servers[1:])


def test_schema_of_a_list_describes_its_items() -> None:
    """The JSON Schema has every key, and requires those without a default."""
    schema = SERVERS.schema()
    assert schema["type"] == "array"
    items = schema["items"]
    assert items["title"] == "DropServer"
    assert list(items["properties"]) == [
        "id", "url", "auth", "active", "created", "updated", "deleted"
    ]  # fmt: skip
    assert items["required"] == ["url"]
    assert items["additionalProperties"] is False
