"""The synced settings: which values each key takes, and what is wrong with others."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from qabel.crypto import PrivateKey
from qabel.forms.errors import FieldError, InvalidInput
from qabel.settings.synced import SYNCED, SyncedSettings

DROP_ID = "1234567890123456789012345678901234567891234"
KEY = "565689ffdf3c5be17b44ab2a5519e28a919b520c2fb9fde9414b46dcdbc99c3b"
LOW_ORDER = [
    "00" * 32,
    "01" + "00" * 31,
    "00" * 31 + "80",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ec" + "ff" * 30 + "7f",
    "ed" + "ff" * 30 + "7f",
    "EE" + "FF" * 31,
]

TEXT = "must be a string"
INT = "must be an integer from 0 to 2147483647"
LONG = "must be an integer from -9223372036854775808 to 9223372036854775807"
HEX = "must have 64 hexadecimal digits"
LEAVES = {
    TEXT: [
        "accounts.1.provider", "accounts.1.user", "accounts.1.auth",
        "drop_servers.3.url", "drop_servers.3.auth",
        "storage_servers.0.url", "storage_servers.0.auth",
        "storage_volumes.7.public_identifier", "storage_volumes.7.token",
        "storage_volumes.7.revoke_token",
        "identities.1.alias", "identities.1.keys.private_key", "identities.1.keys.public_key",
        "contacts.1.alias", "contacts.1.keys.public_key", "contacts.1.my_identity",
    ],
    "must be true or false": ["drop_servers.3.active"],
    INT: ["accounts.1.id", "identities.1.id", "storage_volumes.7.storage_server_id"],
    LONG: ["accounts.1.created", "contacts.1.updated", "identities.8.deleted"],
    "must be a list": ["accounts", "contacts", "identities.1.drops", "contacts.1.drop_urls"],
    "must be an object": ["accounts.1", "identities.1", "identities.1.keys", "contacts.1.keys"],
    "must be an object with one object per module": ["module_data", "contacts.1.module_data"],
}  # fmt: skip
OF_OTHER_KINDS: list[object] = [None, 1.5, math.nan, "x", True, 2**63, -(2**63) - 1, [], {}, ()]


def fits(detail: str, value: object) -> bool:
    """Tell whether a value is of the kind that the detail asks for."""
    kinds: dict[str, tuple[type, ...]] = {
        TEXT: (str,),
        "must be true or false": (bool,),
        "must be a list": (list, tuple),
        "must be an object": (dict,),
        "must be an object with one object per module": (dict,),
    }
    return isinstance(value, kinds.get(detail, ()))


def errors(work: Callable[[], object]) -> list[FieldError]:
    """Give what is wrong."""
    with pytest.raises(InvalidInput) as caught:
        work()
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return list(caught.value.errors)


def with_value(builtins: dict[str, Any], key: str, value: object) -> dict[str, Any]:
    """Put a value into the JSON at a dotted key."""
    target: Any = builtins
    *path, last = key.split(".")
    for name in path:
        target = target[name] if isinstance(target, dict) else _item(target, name)
    if isinstance(target, list):
        target[target.index(_item(target, last))] = value
    else:
        target[last] = value
    return builtins


def _item(items: list[dict[str, Any]], number: str) -> dict[str, Any]:
    return next(item for item in items if item["id"] == int(number))


@pytest.mark.parametrize(
    ("key", "value", "detail"),
    [
        (key, value, detail)
        for detail, keys in LEAVES.items()
        for key in keys
        for value in OF_OTHER_KINDS
        if not fits(detail, value)
    ],
)
def test_value_of_another_kind_has_one_error_at_its_key(
    document: SyncedSettings, key: str, value: object, detail: str
) -> None:
    """A truth value is no number, a text is no number, a fraction is no whole number."""
    assert errors(lambda: SYNCED.set(document, key, value, now=1)) == [FieldError(key, detail)]


@pytest.mark.parametrize(
    ("key", "value", "detail"),
    [
        ("accounts.1.user", "\ud800", "must not contain an unpaired surrogate"),
        ("accounts.1.user", "x" * 8193, "must have at most 8192 characters"),
        ("identities.1.alias", "a\udfff", "must not contain an unpaired surrogate"),
        ("storage_volumes.7.storage_server_id", 2**31, INT),
        ("storage_volumes.7.storage_server_id", -1, INT),
        ("storage_volumes.7.storage_server_id", 1, "is not the id of a storage server"),
        ("drop_servers.3.url", "ftp://drop.example", None),
        ("drop_servers.3.url", "https://user@drop.example", None),
        ("drop_servers.3.url", "", None),
        ("drop_servers.3.url", f"https://drop.example/{DROP_ID}", None),
        ("drop_servers.3.url", "https://drop.example/" + "a" * 2048, None),
        ("storage_servers.0.url", "drop.example", None),
        ("storage_servers.0.url", "https://", None),
        ("storage_servers.0.url", "https:///path", None),
        ("storage_servers.0.url", "https://a b", None),
        ("storage_servers.0.url", "https://müller.example", None),
        ("storage_servers.0.url", "https://s.example:99999", None),
        ("storage_servers.0.url", "https://[::1", None),
        ("identities.1.keys.private_key", "secret", HEX),
        ("identities.1.keys.private_key", "f" * 63, HEX),
        ("identities.1.keys.private_key", " " + "f" * 62 + " ", HEX),
        ("contacts.1.keys.public_key", "g" * 64, HEX),
        ("contacts.1.keys.public_key", "f" * 65, HEX),
        *[("contacts.1.keys.public_key", key, None) for key in LOW_ORDER],
        ("contacts.1.my_identity", KEY[1:], HEX),
        ("contacts.1.my_identity", KEY, "is not the key of an identity"),
    ],
)
def test_bad_value_has_one_error_at_its_key(
    document: SyncedSettings, builtins: dict[str, Any], key: str, value: object, detail: str | None
) -> None:
    """Set alone or in a whole document, the same is wrong at the same place."""
    found = errors(lambda: SYNCED.set(document, key, value, now=1))
    assert [error.key for error in found] == [key]
    assert detail in (None, found[0].detail)
    changed = with_value(builtins, key, value)
    assert errors(lambda: SYNCED.parse(changed, now=1)) == found
    part = {key.split(".", maxsplit=1)[0]: changed[key.split(".", maxsplit=1)[0]]}
    assert errors(lambda: SYNCED.merge(document, part, now=1)) == found


@pytest.mark.parametrize(
    ("key", "value", "places"),
    [
        ("identities.1.drops", [5, None], [".0", ".1"]),
        ("identities.1.drops", [f"https://drop.example/{DROP_ID}/"], [".0"]),
        ("contacts.1.drop_urls", [f"https://a.example/{DROP_ID}", "https://a.example"], [".1"]),
        ("contacts.1.drop_urls", [f"https://a.example/{DROP_ID}"] * 65, [""]),
        ("identities.1.keys", {}, [".private_key"]),
        (
            "identities.1.keys",
            {"private_key": "x", "public_key": 5},
            [".private_key", ".public_key"],
        ),
        ("identities.1.keys", {"private_key": "11" * 32, "public_key": KEY}, [".public_key"]),
        ("identities.1.keys", {"private_key": "11" * 32, "more": 1}, [".more"]),
        ("contacts.1.keys", {}, [".public_key"]),
        ("contacts.1.keys", {"public_key": KEY, "private_key": KEY}, [".private_key"]),
        ("contacts.1.module_data", {"a": 1, "b": {}}, [".a"]),
        ("contacts.1.module_data.chat", 1, [""]),
        ("accounts.1", {}, [".provider", ".user"]),
        ("accounts.1", {"provider": "", "user": "", "x": 1, "": 2}, [".x", ""]),
        ("accounts.1", {"provider": "", "user": "", "id": 2}, [".id"]),
        ("identities.1", {}, [".alias", ".keys", ".drops"]),
        ("contacts.1", {}, [".alias", ".keys", ".my_identity", ".drop_urls"]),
        ("storage_volumes.7", {}, [".storage_server_id", ".public_identifier"]),
        ("drop_servers.3", {"active": 1}, [".url", ".active"]),
        ("drop_servers", [{}, 5, {"id": 3}], ["[0].url", "[1]", ".3.url"]),
        ("drop_servers", [{"url": "https://a", "id": "3"}], ["[0].id"]),
        ("drop_servers", [{"url": "https://a", "id": True}], ["[0].id"]),
        ("drop_servers", [{"url": "https://a", "id": 2**31}], ["[0].id"]),
        ("drop_servers", [{"url": "https://a", "id": 3}] * 3, ["[1].id", "[2].id"]),
    ],
)
def test_errors_below_a_branch_each_have_their_place(
    document: SyncedSettings, key: str, value: object, places: list[str]
) -> None:
    """All errors are told, items without an id of their own by their position."""
    found = errors(lambda: SYNCED.set(document, key, value, now=1))
    assert [error.key for error in found] == [key + place for place in places]


def test_value_that_is_no_object_has_nothing_below_it(document: SyncedSettings) -> None:
    """What stands in the way of a path is named."""
    key = "contacts.1.module_data.chat.muted"
    detail = "is not an object, so it has no keys"
    assert errors(lambda: SYNCED.set(document, f"{key}.x.y", 1, now=1)) == [FieldError(key, detail)]


def test_errors_of_all_lists_are_told_at_once(builtins: dict[str, Any]) -> None:
    """What can be told of the rest is told, and nothing that follows only from another error."""
    builtins["identities"][0]["alias"] = 5
    builtins["storage_servers"][0]["url"] = 5
    builtins["contacts"][1]["my_identity"] = builtins["contacts"][0]["my_identity"]
    builtins["drop_servers"][0]["id"] = 4
    builtins["nope"] = 1
    assert {error.key for error in errors(lambda: SYNCED.parse(builtins, now=1))} == {
        "nope",
        "identities.1.alias",
        "storage_servers.0.url",
        "contacts.2.keys.public_key",
        "drop_servers[1].id",
    }


def test_keys_are_read_in_either_case_and_written_in_lower(
    builtins: dict[str, Any], document: SyncedSettings
) -> None:
    """KEY is 64 hex digits."""
    for identity in builtins["identities"]:
        identity["keys"] = {name: key.upper() for name, key in identity["keys"].items()}
    for contact in builtins["contacts"]:
        contact["keys"]["public_key"] = contact["keys"]["public_key"].upper()
        contact["my_identity"] = contact["my_identity"].upper()
    assert SYNCED.parse(builtins, now=1, previous=document) is document


def test_public_key_of_an_identity_may_be_left_out(
    document: SyncedSettings, keys: dict[str, PrivateKey]
) -> None:
    """It follows from the private key, and is written."""
    changed = SYNCED.set(document, "identities.1.keys", {"private_key": keys["alice"].hex}, now=1)
    assert changed is document


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("identities.1.alias", ""),
        ("identities.1.alias", "\0\n\u2028😀\x7f\\\"'"),
        ("drop_servers.3.url", "HTTPS://Drop.Example:443/"),
        ("storage_servers.0.url", "s3://bucket.example:80/a?b=c#d"),
        ("identities.1.created", 2**63 - 1),
        ("identities.1.created", -(2**63)),
        ("identities.1.drops", []),
        ("storage_volumes.7.token", "x" * 8192),
    ],
)
def test_odd_but_good_values_are_returned_as_they_are(
    document: SyncedSettings, key: str, value: object
) -> None:
    """What is in bounds is kept to the letter."""
    changed = SYNCED.set(document, key, value, now=1)
    builtins = json.loads(SYNCED.encode(changed))
    assert with_value(json.loads(json.dumps(builtins)), key, value) == builtins
    assert SYNCED.parse(builtins, now=1) == changed


def test_drop_urls_are_kept_in_their_normal_form(document: SyncedSettings) -> None:
    """Two spellings of one drop URL are one; a drop server's URL is as written, and normal too."""
    url = f"HTTPS://Drop.Example:443/A/{DROP_ID}"
    changed = SYNCED.set(document, "contacts.1.drop_urls", [url], now=1)
    written = SYNCED.to_builtins(changed)["contacts"][0]["drop_urls"]
    assert written == [f"https://drop.example/A/{DROP_ID}"]
    changed = SYNCED.set(document, "drop_servers.3.url", "HTTPS://Drop.Example:443/A/", now=1)
    assert changed.drop_servers[0].url == "HTTPS://Drop.Example:443/A/"
    assert changed.drop_servers[0].server == "https://drop.example/A"


def test_optional_keys_of_items_have_defaults() -> None:
    """What is a secret of a server, or a switch, need not be given."""
    document = SYNCED.parse({"drop_servers": [{"url": "https://a"}]}, now=7)
    assert SYNCED.to_builtins(document)["drop_servers"] == [
        {
            "id": 1,
            "url": "https://a",
            "auth": "",
            "active": True,
            "created": 7,
            "updated": 7,
            "deleted": 0,
        }
    ]


def test_nothing_shows_a_secret(document: SyncedSettings, keys: dict[str, PrivateKey]) -> None:
    """No repr and no error has a key, a token, a name or a drop id in it."""
    shown = repr(document) + "".join(
        repr(item)
        for items in (
            document.accounts,
            document.drop_servers,
            document.storage_servers,
            document.storage_volumes,
            document.identities,
            document.contacts,
        )
        for item in items
    )
    shown += repr(document.modules)
    secret = keys["alice"].hex
    for key, value in {
        "identities.1.keys": {"private_key": secret, "public_key": KEY},
        "identities.1.keys.private_key": secret + "secret",
        "identities.1.keys.public_key": secret,
        "identities.1.alias": [secret, "Bob"],
        "identities.1.drops": [f"x://y/{DROP_ID}"],
        "drop_servers.3.url": f"https://drop.example/{DROP_ID}",
        "accounts.1": {"auth": secret},
    }.items():
        with pytest.raises(InvalidInput) as caught:
            SYNCED.set(document, key, value, now=1)
        shown += str(caught.value) + repr(caught.value) + repr(caught.value.errors)
    for word in ("secret", secret[:16], "Bob", "lice", DROP_ID[:10]):
        assert word not in shown.replace("the drop server's", "").replace("private_key", "")


def test_schema_describes_every_key(builtins: dict[str, Any]) -> None:
    """The JSON Schema has each list, each key of an item, and which of them are needed."""
    schema = SYNCED.json_schema()
    json.dumps(schema)
    assert list(schema["properties"]) == list(builtins)
    for name, items in builtins.items():
        if isinstance(items, list):
            described = schema["properties"][name]["items"]
            assert list(described["properties"]) == list(items[0])
            assert described["additionalProperties"] is False
    contact = schema["properties"]["contacts"]["items"]
    assert contact["required"] == ["alias", "keys", "my_identity", "drop_urls"]
