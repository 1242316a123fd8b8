"""A synced document that has something of everything, as parsed JSON and read."""

from typing import Any

import pytest

from qabel.crypto import PrivateKey
from qabel.settings.synced import SYNCED, SyncedSettings

ALICE, ALTER, BOB, CAROL = (PrivateKey(bytes([number]) * 32) for number in (1, 9, 17, 25))
DROP_ID = "1234567890123456789012345678901234567891234"


def times(created: int = 100, updated: int = 200, deleted: int = 0) -> dict[str, int]:
    """Return the times of an item."""
    return {"created": created, "updated": updated, "deleted": deleted}


@pytest.fixture
def keys() -> dict[str, PrivateKey]:
    """Return the private keys of the people in the document."""
    return {"alice": ALICE, "alter": ALTER, "bob": BOB, "carol": CAROL}


@pytest.fixture
def builtins() -> dict[str, Any]:
    """Return the document as parsed JSON."""
    server = "https://drop.example/a"
    return {
        "accounts": [{"id": 1, "provider": "https://p", "user": "u", "auth": "secret", **times()}],
        "drop_servers": [
            {"id": 3, "url": "http://localhost:5000/", "auth": "", "active": True, **times()},
            {"id": 4, "url": server, "auth": "secret", "active": False, **times()},
            {"id": 5, "url": server, "auth": "secret", "active": True, **times(deleted=300)},
        ],
        "storage_servers": [{"id": 0, "url": "https://s.example/?x=1", "auth": "", **times()}],
        "storage_volumes": [
            {
                "id": 7,
                "storage_server_id": 0,
                "public_identifier": "public",
                "token": "secret",
                "revoke_token": "secret",
                **times(),
            }
        ],
        "identities": [
            _identity(1, "Älice\n\0", ALICE),
            _identity(2, "Alter", ALTER),
            _identity(8, "Gone", ALICE, deleted=300),
        ],
        "contacts": [
            _contact(1, "Bob", BOB, ALICE),
            _contact(2, "Bob", BOB, ALTER),
            _contact(5, "Carol", CAROL, ALICE, deleted=300),
        ],
        "module_data": {"chat": {"a": [1, 2.5, None, {"b": True}], "ü": "x"}, "empty": {}},
    }


@pytest.fixture
def document(builtins: dict[str, Any]) -> SyncedSettings:
    """Return the document."""
    return SYNCED.parse(builtins, now=1000)


def _identity(number: int, alias: str, key: PrivateKey, deleted: int = 0) -> dict[str, Any]:
    return {
        "id": number,
        "alias": alias,
        "keys": {"private_key": key.hex, "public_key": key.public_key.hex},
        "drops": [f"https://drop.example/a/{DROP_ID}", f"http://localhost:5000/{DROP_ID[::-1]}"],
        "email": "secret@example.com",
        "phone": "+49 token",
        "prefixes": ["secret prefix"],
        "extra": {"token": "secret"},
        **times(deleted=deleted),
    }


def _contact(
    number: int, alias: str, key: PrivateKey, owner: PrivateKey, deleted: int = 0
) -> dict[str, Any]:
    return {
        "id": number,
        "alias": alias,
        "keys": {"public_key": key.public_key.hex},
        "my_identity": owner.public_key.hex,
        "drop_urls": [f"https://drop.example/a/{DROP_ID}"],
        "email": "secret@example.com",
        "phone": "+49 token",
        "verified": 150,
        "alias_checked": True,
        "blocked": True,
        "introduced": True,
        "module_data": {"chat": {"muted": False}},
        "extra": {"token": "secret"},
        **times(deleted=deleted),
    }
