"""Blocked keys: each is stored once, and its id is never used again."""

from typing import Any

import pytest

from qabel.store.blocked import BlockedKey, BlockedRepository
from qabel.store.database.database import Database

NOW = 1_800_000_000.5
EVE, FRED = b"\xe0" * 32, b"\xf0" * 32


@pytest.fixture
def blocked(database: Database) -> BlockedRepository:
    """Return the blocked keys of an empty database."""
    return BlockedRepository(database)


def test_keys_are_stored(blocked: BlockedRepository, got: Any) -> None:
    """All keys are listed in the order in which they came, with their time."""
    assert got(blocked.all()) == []
    added = [got(blocked.add(key, now=NOW)) for key in (FRED, EVE)]
    assert added == [BlockedKey(1, FRED, 1_800_000_000_500), BlockedKey(2, EVE, 1_800_000_000_500)]
    assert got(blocked.all()) == added


def test_a_key_is_stored_once(blocked: BlockedRepository, got: Any) -> None:
    """A key that is there already is not stored again, and stays as it is."""
    first = got(blocked.add(EVE, now=NOW))
    assert got(blocked.add(EVE, now=NOW + 5)) is None
    assert got(blocked.all()) == [first]


def test_a_key_is_removed(blocked: BlockedRepository, got: Any) -> None:
    """A removed key can be stored again, under another id."""
    first = got(blocked.add(EVE, now=NOW))
    assert got(blocked.remove(first.id)) is True
    assert got(blocked.remove(first.id)) is False
    assert got(blocked.add(EVE, now=NOW)).id > first.id
