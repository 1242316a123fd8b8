"""Blocked keys: whom the user no longer wants to hear, known without touching the disk."""

import pytest
from twisted.internet.defer import Deferred

from qabel.core.errors import Conflict, Invalid, NotFound
from qabel.core.people.blocked import BlockedKeys
from qabel.deferreds import result_of
from qabel.settings.synced import SyncedSettings
from qabel.store.blocked import BlockedRepository
from qabel.store.database.database import Database
from tests.core.items import identity, key

NOW = 1_800_000_000.5
ME, EVE = 1, 9


def run(work):
    """Return the result of what needs no time."""
    return result_of(Deferred.fromCoroutine(work))


def load(database: Database, told: list[frozenset[bytes]] | None = None) -> BlockedKeys:
    """Return the blocked keys of a database, as after a start; ``told`` gets them at changes."""
    told = told if told is not None else []
    made = BlockedKeys(
        repository=BlockedRepository(database),
        synced=lambda: SyncedSettings(identities=(identity(ME),)),
        now=lambda: NOW,
        on_change=lambda: told.append(made.keys),
    )
    run(made.load())
    return made


@pytest.fixture
def blocked(database: Database) -> BlockedKeys:
    """Return the blocked keys of an empty database."""
    return load(database)


def test_a_blocked_key(blocked: BlockedKeys, database: Database) -> None:
    """It is known at once, and after a restart."""
    added = run(blocked.add(key(EVE).public_key))
    assert (added.public_key, added.created) == (key(EVE).public_key.hex, int(NOW * 1000))
    for each in (blocked, load(database)):
        assert each.keys == {key(EVE).public_key.raw}
        assert each.all() == [added]


def test_blocking_twice(blocked: BlockedKeys) -> None:
    """A key that is blocked already stays so."""
    run(blocked.add(key(EVE).public_key))
    with pytest.raises(Conflict):
        run(blocked.add(key(EVE).public_key))
    assert len(blocked.all()) == 1


def test_identities_of_ones_own(blocked: BlockedKeys) -> None:
    """Nobody can block himself."""
    with pytest.raises(Invalid) as raised:
        run(blocked.add(key(ME).public_key))
    assert [each.key for each in raised.value.errors] == ["public_key"]
    assert blocked.keys == frozenset()


def test_unblocking(blocked: BlockedKeys) -> None:
    """A key is heard again at once; one that is not blocked cannot be unblocked."""
    added = run(blocked.add(key(EVE).public_key))
    before = blocked.keys
    run(blocked.remove(added.id))
    assert (blocked.keys, blocked.all()) == (frozenset(), [])
    assert blocked.keys is not before
    with pytest.raises(NotFound):
        run(blocked.remove(added.id))


def test_keys_are_not_shown(blocked: BlockedKeys) -> None:
    """Whom one blocks stands in no log."""
    run(blocked.add(key(EVE).public_key))
    assert key(EVE).public_key.hex not in repr(blocked)
    assert repr(key(EVE).public_key.raw) not in repr(blocked)


def test_changes_are_told(database: Database) -> None:
    """Whoever listens finds a key blocked, and not blocked any more, at once."""
    told: list[frozenset[bytes]] = []
    blocked = load(database, told)
    added = run(blocked.add(key(EVE).public_key))
    run(blocked.remove(added.id))
    assert told == [{key(EVE).public_key.raw}, frozenset()]
