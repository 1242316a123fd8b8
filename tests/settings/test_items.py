"""The items of the synced settings: which values each of their keys takes."""

import math
from typing import Any

import attrs
import pytest

from qabel.crypto import PrivateKey
from qabel.forms.errors import FieldError, InvalidInput
from qabel.settings.items import (
    Account,
    Contact,
    DropServer,
    Identity,
    Item,
    StorageServer,
    StorageVolume,
)
from qabel.settings.synced import SYNCED, SyncedSettings
from tests.settings.checks import errors_of
from tests.settings.conftest import DROP_ID

KEY = "565689ffdf3c5be17b44ab2a5519e28a919b520c2fb9fde9414b46dcdbc99c3b"
TEXT = "must be a string"
INT = "must be an integer from 0 to 2147483647"
LONG = "must be an integer from -9223372036854775808 to 9223372036854775807"
FLAG = "must be true or false"
LIST = "must be a list"
OBJECT = "must be an object"
MODULES = "must be an object with one object per module"
KEYS = {
    TEXT: [
        "accounts.1.provider", "accounts.1.user", "accounts.1.auth",
        "drop_servers.3.url", "drop_servers.3.auth",
        "storage_servers.0.url", "storage_servers.0.auth",
        "storage_volumes.7.public_identifier", "storage_volumes.7.token",
        "storage_volumes.7.revoke_token",
        "identities.1.alias", "identities.1.keys.private_key", "identities.1.keys.public_key",
        "identities.1.email", "contacts.1.phone", "contacts.1.alias",
        "contacts.1.keys.public_key", "contacts.1.my_identity",
    ],
    FLAG: ["drop_servers.3.active", "contacts.1.alias_checked", "contacts.1.blocked",
        "contacts.1.introduced"],
    INT: ["accounts.1.id", "identities.1.id", "storage_volumes.7.storage_server_id"],
    LONG: ["accounts.1.created", "contacts.1.updated", "identities.8.deleted"],
    LIST: ["accounts", "contacts", "identities.1.drops", "identities.1.prefixes",
        "contacts.1.drop_urls"],
    OBJECT: ["accounts.1", "identities.1", "identities.1.keys", "contacts.1.keys",
        "identities.1.extra", "contacts.1.extra"],
    MODULES: ["module_data", "contacts.1.module_data"],
}  # fmt: skip
TYPES: dict[str, tuple[type, ...]] = {
    TEXT: (str,), FLAG: (bool,), LIST: (list, tuple), OBJECT: (dict,), MODULES: (dict,),
    INT: (), LONG: (),
}  # fmt: skip
VALUES: list[object] = [None, 1.5, math.nan, "x", True, 2**63, -(2**63) - 1, [], {}, ()]


@pytest.mark.parametrize(
    ("key", "value", "detail"),
    [
        (key, value, detail)
        for detail, keys in KEYS.items()
        for key in keys
        for value in VALUES
        if not isinstance(value, TYPES[detail])
    ],
)
def test_value_of_another_type_has_one_error_at_its_key(
    document: SyncedSettings, key: str, value: object, detail: str
) -> None:
    """A boolean or a string is not a number, and a fraction is not an integer."""
    assert errors_of(lambda: SYNCED.set(document, key, value, now=1)) == [FieldError(key, detail)]


@pytest.mark.parametrize(
    ("key", "value", "places"),
    [
        ("identities.1.drops", [5, None], [".0", ".1"]),
        ("identities.1.drops", [f"https://drop.example/{DROP_ID}/"], [".0"]),
        ("contacts.1.drop_urls", [f"https://a.example/{DROP_ID}", "https://a.example"], [".1"]),
        ("contacts.1.drop_urls", [f"https://a.example/{DROP_ID}"] * 65, [""]),
        ("contacts.1.module_data", {"a": 1, "b": {}}, [".a"]),
        ("contacts.1.module_data.chat", 1, [""]),
        ("accounts.1", {}, [".provider", ".user"]),
        ("accounts.1", {"provider": "", "user": "", "x": 1, "": 2}, [".x", ""]),
        ("identities.1", {}, [".alias", ".keys", ".drops"]),
        ("contacts.1", {}, [".alias", ".keys", ".my_identity", ".drop_urls"]),
        ("storage_volumes.7", {}, [".storage_server_id", ".public_identifier"]),
        ("drop_servers.3", {"active": 1}, [".url", ".active"]),
        ("storage_servers.0", {}, [".url"]),
    ],
)
def test_errors_of_a_branch_each_have_their_key(
    document: SyncedSettings, key: str, value: object, places: list[str]
) -> None:
    """Everything that is wrong or missing in a branch is named."""
    found = errors_of(lambda: SYNCED.set(document, key, value, now=1))
    assert [error.key for error in found] == [key + place for place in places]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("identities.1.alias", ""),
        ("identities.1.alias", "\0\n\u2028😀\x7f\\\"'"),
        ("identities.1.created", 2**63 - 1),
        ("identities.1.created", -(2**63)),
        ("identities.1.drops", []),
        ("storage_volumes.7.token", "x" * 8192),
    ],
)
def test_unusual_values_are_kept_as_they_are(
    document: SyncedSettings, key: str, value: object
) -> None:
    """What is within bounds is returned unchanged."""
    name, number, member = key.split(".")
    changed = SYNCED.to_builtins(SYNCED.set(document, key, value, now=1))
    [item] = [each for each in changed[name] if each["id"] == int(number)]
    assert item[member] == value
    assert SYNCED.to_builtins(SYNCED.parse(changed, now=1)) == changed


def test_optional_keys_have_defaults() -> None:
    """Secrets of servers and switches may be omitted."""
    document = SYNCED.parse(
        {
            "accounts": [{"provider": "p", "user": "u"}],
            "drop_servers": [{"url": "https://a"}],
            "storage_servers": [{"url": "https://a", "id": 1}],
            "storage_volumes": [{"storage_server_id": 1, "public_identifier": "x"}],
        },
        now=7,
    )
    builtins = SYNCED.to_builtins(document)
    times = {"created": 7, "updated": 7, "deleted": 0}
    assert builtins["accounts"] == [{"id": 1, "provider": "p", "user": "u", "auth": "", **times}]
    assert builtins["drop_servers"] == [
        {"id": 1, "url": "https://a", "auth": "", "active": True, **times}
    ]
    assert builtins["storage_servers"] == [{"id": 1, "url": "https://a", "auth": "", **times}]
    assert builtins["storage_volumes"] == [
        {
            "id": 1,
            "storage_server_id": 1,
            "public_identifier": "x",
            "token": "",
            "revoke_token": "",
            **times,
        }
    ]


def test_server_of_drop_urls_is_in_normal_form(document: SyncedSettings) -> None:
    """A drop server's URL is kept as written, and compares to drop URLs in normal form."""
    url = "HTTPS://Drop.Example:443/A/"
    [server, *_] = SYNCED.set(document, "drop_servers.3.url", url, now=1).drop_servers
    assert (server.url, server.server) == (url, "https://drop.example/A")


def test_item_lives_until_it_is_deleted(document: SyncedSettings) -> None:
    """An item with a time of deletion does not live, whatever the time."""
    assert [each.living for each in document.drop_servers] == [True, True, False]
    [server, *_] = SYNCED.set(document, "drop_servers.3.deleted", -1, now=1).drop_servers
    assert not server.living


def test_module_data_of_a_contact_are_a_copy(document: SyncedSettings) -> None:
    """Nobody can change a contact by changing what it returned."""
    document.contacts[0].module_data.clear()
    assert document.contacts[0].module_data == {"chat": {"muted": False}}


NEW_KEYS: dict[str, tuple[str, ...]] = {
    "identities": ("email", "phone", "prefixes", "extra"),
    "contacts": (
        "email",
        "phone",
        "verified",
        "alias_checked",
        "blocked",
        "introduced",
        "extra",
    ),
}


def test_documents_of_older_clients_leave_new_keys_as_they_are(
    document: SyncedSettings, builtins: dict[str, Any]
) -> None:
    """An item that is there already keeps the keys that an older client does not know."""
    for name, names in NEW_KEYS.items():
        for item in builtins[name]:
            for new in names:
                del item[new]
    assert SYNCED.parse(builtins, now=1, previous=document) == document
    assert SYNCED.merge(document, builtins, now=1) == document
    fresh = SYNCED.to_builtins(SYNCED.parse(builtins, now=1))
    assert fresh["contacts"][0]["verified"] == 0
    assert fresh["identities"][0]["prefixes"] == []


def test_the_mark_of_an_alias_ends_with_it(document: SyncedSettings) -> None:
    """A contact with another alias or key may be taken for another one again."""
    other = {"public_key": PrivateKey(bytes([33]) * 32).public_key.hex}
    for changes, stays in (
        ({"alias": "Mallory"}, False), ({"keys": other}, False), ({"email": "x"}, True),
    ):  # fmt: skip
        changed = SYNCED.with_changed_item(document, "contacts", 1, changes, now=1)
        assert document.contacts[0].alias_checked
        assert changed.contacts[0].alias_checked is stays


@pytest.mark.parametrize("key", ["contacts.1.keys", "contacts.1.my_identity"])
def test_the_mark_of_verification_ends_with_the_keys(
    document: SyncedSettings, builtins: dict[str, Any], key: str
) -> None:
    """A contact with another key, or of another identity, is not verified any more."""
    other = PrivateKey(bytes([33]) * 32).public_key.hex
    value: object = {"public_key": other}
    if key.endswith("my_identity"):
        value = document.identities[1].public_key.hex
        del builtins["contacts"][1]
        document = SYNCED.parse(builtins, now=1)
    name = key.rpartition(".")[2]
    builtins["contacts"][0][name] = value
    for changed in (
        SYNCED.set(document, key, value, now=1),
        SYNCED.parse(builtins, now=1, previous=document),
        SYNCED.merge(document, {"contacts": builtins["contacts"]}, now=1),
        SYNCED.with_changed_item(document, "contacts", 1, {name: value}, now=1),
    ):
        assert (document.contacts[0].verified, changed.contacts[0].verified) == (150, 0)
    builtins["contacts"][0]["verified"] = 151
    marked = SYNCED.parse(builtins, now=1, previous=document)
    assert marked.contacts[0].verified == 151


@pytest.mark.parametrize(
    "item_class", [Account, DropServer, StorageServer, StorageVolume, Identity, Contact]
)
def test_every_attribute_has_a_key(item_class: type[Any]) -> None:
    """What an item has is what its JSON has."""
    attributes = {field.name for field in attrs.fields(item_class)}
    common = {field.name for field in attrs.fields(Item)}
    own = {key.attribute or name for name, key in item_class.keys.items()}
    assert own == attributes - common


def test_no_secret_is_shown(document: SyncedSettings, keys: dict[str, PrivateKey]) -> None:
    """No representation and no error has a key, a token, a name or a drop id in it."""
    lists = (
        document.accounts,
        document.drop_servers,
        document.storage_servers,
        document.storage_volumes,
        document.identities,
        document.contacts,
    )
    shown = [repr(document), *(repr(item) for items in lists for item in items)]
    secret = keys["alice"].hex
    for key, value in {
        "identities.1.keys": {"private_key": secret, "public_key": KEY},
        "identities.1.keys.private_key": secret + "token",
        "identities.1.keys.public_key": secret,
        "identities.1.alias": [secret, "Bob"],
        "identities.1.drops": [f"x://y/{DROP_ID}"],
        "drop_servers.3.url": f"https://drop.example/{DROP_ID}",
        "accounts.1": {"auth": secret},
    }.items():
        with pytest.raises(InvalidInput) as caught:
            SYNCED.set(document, key, value, now=1)
        shown += [str(caught.value), repr(caught.value), repr(caught.value.errors)]
    for word in ("secret", "token", secret[:16], "Bob", "lice", DROP_ID[:10]):
        assert not any(word in text for text in shown)
