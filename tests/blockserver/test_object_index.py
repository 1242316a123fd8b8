"""The index: whose prefixes there are, what is in them, and how much may be."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from qabel.blockserver import object_index
from qabel.blockserver.block_values import BlockRefused, Conditions, ObjectPath, StoredObject
from qabel.blockserver.object_index import ObjectIndex, hash_token
from tests.blockserver.conftest import ANNA, BOB
from tests.blockserver.indexes import SMALL_QUOTA, charged, index_in, put

ANYTHING = Conditions()
NOTHING_THERE = Conditions(if_none_match=("*",))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[ObjectIndex]:
    """Return an index with two accounts."""
    with index_in(tmp_path) as index:
        yield index


@pytest.fixture
def path(index: ObjectIndex) -> ObjectPath:
    """Return a path in a prefix of Anna's."""
    return ObjectPath(index.make_prefix(ANNA), "blocks/a")


def test_accounts(index: ObjectIndex) -> None:
    """A token is known, with its name and quota, and others are not."""
    account = index.account(ANNA)
    assert (account.name, account.quota, account.used, account.objects) == (
        *("anna", SMALL_QUOTA, 0, 0),
    )
    assert not account.is_revoked
    for token in ("", ANNA[:-1], ANNA.upper(), "anna", hash_token(ANNA).hex(), "\u00e4"):
        with pytest.raises(BlockRefused, match="User not found") as raised:
            index.account(token)
        assert raised.value.status == 403


def test_tokens_are_not_in_the_file(index: ObjectIndex, tmp_path: Path) -> None:
    """Who reads the file can use none."""
    index.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for each in tmp_path.iterdir():
        assert ANNA.encode() not in each.read_bytes()
    assert hash_token(ANNA) != hash_token(BOB)


def test_prefixes(index: ObjectIndex) -> None:
    """Each is new and random, and belongs to whoever made it."""
    made = [index.make_prefix(ANNA) for _ in range(3)]
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", each) for each in made)
    assert index.prefixes(ANNA) == sorted(made)
    assert index.prefixes(BOB) == []
    for each in made:
        assert index.owner(ANNA, each).name == "anna"
    for act in (index.make_prefix, index.prefixes):
        with pytest.raises(BlockRefused, match="User not found"):
            act("x" * 40)


def test_prefixes_of_others(index: ObjectIndex, path: ObjectPath) -> None:
    """Only its owner changes or lists a prefix; one that is not there belongs to nobody."""
    new = StoredObject("1", 1)
    for token, prefix in ((BOB, path.prefix), (ANNA, "missing")):
        there = ObjectPath(prefix, "a")
        for act in (
            lambda token=token, there=there: index.owner(token, there.prefix),
            lambda token=token, there=there: index.admit(token, there, ANYTHING, 1),
            lambda token=token, there=there: index.put(token, there, ANYTHING, new),
            lambda token=token, there=there: index.remove(token, there, ANYTHING),
            lambda token=token, there=there: index.names(token, there.prefix, "", 9),
        ):
            with pytest.raises(BlockRefused) as raised:
                act()
            refused = raised.value
            assert (refused.status, refused.text) == (403, "Not authorized for this prefix")
    assert index.find(ObjectPath(path.prefix, "a")) is None


def test_objects(index: ObjectIndex, path: ObjectPath) -> None:
    """What was put is found; what was there before is named, so that it can be deleted."""
    assert index.find(path) is None
    assert index.put(ANNA, path, ANYTHING, StoredObject("1", 100)) == ""
    assert index.find(path) == StoredObject("1", 100)
    assert charged(index) == (100, 1)
    assert index.put(ANNA, path, ANYTHING, StoredObject("2", 30)) == "1"
    assert index.find(path) == StoredObject("2", 30)
    assert charged(index) == (30, 1)
    assert index.remove(ANNA, path, ANYTHING) == "2"
    assert index.remove(ANNA, path, ANYTHING) == ""
    assert index.find(path) is None
    assert charged(index) == charged(index, BOB) == (0, 0)


def test_conditions(index: ObjectIndex, path: ObjectPath) -> None:
    """What is admitted, put or removed must meet them; otherwise nothing is changed."""
    first, second = StoredObject("1", 1), StoredObject("2", 2)
    of_first = Conditions(if_match=(first.etag,))
    index.put(ANNA, path, NOTHING_THERE, first)
    for conditions in (NOTHING_THERE, Conditions(if_match=(second.etag,))):
        for act in (
            lambda conditions=conditions: index.admit(ANNA, path, conditions, 2),
            lambda conditions=conditions: index.put(ANNA, path, conditions, second),
            lambda conditions=conditions: index.remove(ANNA, path, conditions),
        ):
            with pytest.raises(BlockRefused) as raised:
                act()
            assert (raised.value.status, raised.value.etag) == (412, first.etag)
    assert (index.find(path), charged(index)) == (first, (1, 1))
    index.admit(ANNA, path, of_first, 2)
    assert index.put(ANNA, path, of_first, second) == "1"
    assert index.remove(ANNA, path, Conditions(if_match=("*",))) == "2"
    for conditions in (of_first, Conditions(if_match=("*",))):
        with pytest.raises(BlockRefused, match="object does not exist"):
            index.remove(ANNA, path, conditions)


def test_the_quota(index: ObjectIndex, path: ObjectPath) -> None:
    """All of it can be used, and not a byte more, in all prefixes of an account together."""
    index.admit(ANNA, path, ANYTHING, SMALL_QUOTA)
    put(index, path, "1", 600)
    other = ObjectPath(index.make_prefix(ANNA), "b")
    index.admit(ANNA, other, ANYTHING, 400)
    index.admit(ANNA, path, ANYTHING, SMALL_QUOTA)
    for where, size in ((other, 401), (path, SMALL_QUOTA + 1)):
        for act in (
            lambda where=where, size=size: index.admit(ANNA, where, ANYTHING, size),
            lambda where=where, size=size: put(index, where, "2", size),
        ):
            with pytest.raises(BlockRefused) as raised:
                act()
            assert (raised.value.status, raised.value.text) == (402, "Quota reached")
    put(index, other, "3", 400)
    assert charged(index) == (SMALL_QUOTA, 2)
    put(index, ObjectPath(index.make_prefix(BOB), "b"), "4", SMALL_QUOTA, BOB)


def test_a_quota_that_was_lowered(index: ObjectIndex, path: ObjectPath) -> None:
    """What is there stays, and can be replaced by what is no larger, or removed."""
    other = ObjectPath(path.prefix, "other")
    put(index, path, "1", 500)
    assert index.set_quota("anna", 100)
    with pytest.raises(BlockRefused, match="Quota reached"):
        put(index, path, "2", 501)
    with pytest.raises(BlockRefused, match="Quota reached"):
        put(index, other, "2", 1)
    put(index, other, "2", 0)
    put(index, path, "3", 500)
    put(index, path, "4", 400)
    assert charged(index) == (400, 2)
    assert index.remove(ANNA, path, ANYTHING) == "4"
    assert not index.set_quota("carl", 100)


def test_so_many_objects(
    index: ObjectIndex, path: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However small they are, there is a limit, which grows with the quota."""
    monkeypatch.setattr(object_index, "FREE_OBJECTS", 3)
    paths = [ObjectPath(path.prefix, f"{number}") for number in range(5)]
    for number, each in enumerate(paths[:3]):
        put(index, each, f"{number}", 0)
    with pytest.raises(BlockRefused, match="Quota reached"):
        index.admit(ANNA, paths[3], ANYTHING, 0)
    with pytest.raises(BlockRefused, match="Quota reached"):
        put(index, paths[3], "3", 0)
    put(index, paths[0], "replaced", 1)
    index.set_quota("anna", object_index.LEAST_CHARGE)
    put(index, paths[3], "3", 0)
    with pytest.raises(BlockRefused, match="Quota reached"):
        put(index, paths[4], "4", 0)
    index.remove(ANNA, paths[0], ANYTHING)
    put(index, paths[4], "4", 0)
    assert charged(index) == (0, 4)


def test_listing(index: ObjectIndex, path: ObjectPath) -> None:
    """By name, so many at a time, and none of another prefix."""
    names = ["-", "0", "A", "B/x", "Z", "_", "a"]
    stored = [(name, put(index, ObjectPath(path.prefix, name), name, 1)) for name in names]
    put(index, ObjectPath(index.make_prefix(ANNA), "other"), "other", 1)
    assert index.names(ANNA, path.prefix, "", 100) == stored
    assert index.names(ANNA, path.prefix, "", 3) == stored[:3]
    assert index.names(ANNA, path.prefix, "A", 3) == stored[3:6]
    assert index.names(ANNA, path.prefix, "a", 3) == []


def test_unknown_objects(index: ObjectIndex, path: ObjectPath) -> None:
    """Those that are at a path are known, and those that were replaced are not."""
    put(index, path, "1", 1)
    put(index, path, "2", 1)
    put(index, ObjectPath(path.prefix, "b"), "3", 1)
    assert index.unknown(["0", "1", "2", "3", path.name]) == ["0", "1", path.name]
    assert index.unknown([]) == []


def test_revoking(index: ObjectIndex, path: ObjectPath) -> None:
    """A token that was revoked opens nothing; what was stored with it stays."""
    put(index, path, "1", 10)
    assert index.revoke("anna")
    assert not index.revoke("anna")
    assert not index.revoke("carl")
    with pytest.raises(BlockRefused, match="User not found") as raised:
        index.owner(ANNA, path.prefix)
    assert raised.value.status == 403
    assert index.find(path) == StoredObject("1", 10)
    assert index.account(BOB).name == "bob"


def test_adding_accounts(index: ObjectIndex, path: ObjectPath) -> None:
    """A name is replaced only once its token is revoked; it has what was stored with that."""
    put(index, path, "1", 10)
    assert not index.add_account("anna", "c" * 40, 5)
    assert index.account(ANNA).quota == SMALL_QUOTA
    index.revoke("anna")
    assert [each.is_revoked for each in index.accounts()] == [True, False]
    assert index.add_account("anna", "c" * 40, 5000)
    account = index.owner("c" * 40, path.prefix)
    assert (account.quota, account.used, account.objects) == (5000, 10, 1)
    assert index.remove("c" * 40, path, ANYTHING) == "1"
    with pytest.raises(BlockRefused, match="User not found"):
        index.account(ANNA)
    assert index.add_account("Anna", ANNA, 7)
    found = [(each.name, each.quota, each.is_revoked) for each in index.accounts()]
    assert found == [("Anna", 7, False), ("anna", 5000, False), ("bob", SMALL_QUOTA, False)]


def fail_with(index: ObjectIndex, path: ObjectPath, statement: str) -> None:
    """Put an object and run a statement, in one transaction."""
    with index.transaction():
        put(index, path, "2", 20)
        index.connection.execute(statement)


def test_transactions(index: ObjectIndex, path: ObjectPath) -> None:
    """All of one is kept, or nothing; one that was left open does not hinder the next."""
    with index.transaction():
        put(index, path, "1", 10)
    with pytest.raises(sqlite3.IntegrityError):
        fail_with(index, path, "INSERT OR ROLLBACK INTO token SELECT * FROM token")
    with pytest.raises(sqlite3.OperationalError):
        fail_with(index, path, "no SQL")
    assert (index.find(path), charged(index)) == (StoredObject("1", 10), (10, 1))
    index.connection.execute("BEGIN IMMEDIATE")
    put(index, path, "3", 30)
    with index.transaction():
        assert index.find(path) == StoredObject("1", 10)
    assert not index.connection.in_transaction
