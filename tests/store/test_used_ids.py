"""The ids that were used: kept for ever, with the digests of their keys."""

from qabel.deferreds import result_of
from qabel.settings.used_ids import UsedId
from qabel.store import used_ids
from qabel.store.database.database import Database

ONE, OTHER = b"1" * 16, b"2" * 16


def test_ids_are_kept(database: Database) -> None:
    """What was added is loaded, however often it was added."""
    empty = result_of(database.run(used_ids.load))
    assert {kind: dict(ids.digests) for kind, ids in empty.items()} == {
        "identities": {},
        "contacts": {},
    }
    used = [
        UsedId("identities", 1, ONE),
        UsedId("identities", 1, OTHER),
        UsedId("contacts", 7, ONE),
    ]
    for _ in range(2):
        result_of(database.run(lambda connection: used_ids.add(connection, used)))
    loaded = result_of(database.run(used_ids.load))
    assert loaded["identities"].digests == {1: {ONE, OTHER}}
    assert loaded["contacts"].digests == {7: {ONE}}


def test_earlier_ids_are_not_given(database: Database) -> None:
    """Up to the last id that the first version may have given, none is given again."""
    sql = "UPDATE given_ids SET last = 9 WHERE kind = 'contacts'"
    result_of(database.run(lambda connection: connection.execute(sql).rowcount))
    loaded = result_of(database.run(used_ids.load))
    assert next(loaded["contacts"].free(())) == 10
    assert next(loaded["identities"].free(())) == 1
