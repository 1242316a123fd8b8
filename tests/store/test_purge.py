"""Purging in the tables: all that hangs on one identity goes, in parts if it is much."""

from collections.abc import Callable
from typing import Any

import pytest

from qabel.crypto import key_digest
from qabel.deferreds import result_of
from qabel.settings.used_ids import UsedId
from qabel.store import pace, purge, used_ids
from qabel.store.database.database import Database
from qabel.store.inbox.repository import InboxRepository
from qabel.store.outbox.idempotency import Idempotency
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.purge import Purge, PurgedIdentity
from qabel.store.purged_keys import Purged, PurgedKeys

ME, OTHER = b"\x4e" * 32, b"\x5e" * 32
Rows = Callable[..., list[tuple[Any, ...]]]
TABLES = (
    "messages",
    "sends",
    "deliveries",
    "postings",
    "idempotency",
    "tokens",
    "events",
    "drops",
    "copies",
    "heard_from",
)


def of_me(drops: tuple[str, ...] = ()) -> Purge:
    """Return the purge of the identity with id 1."""
    return Purge(PurgedIdentity(id=1, key=ME, drops=drops), 2.0)


@pytest.fixture
def filled(database: Database, things: Any, rows: Rows) -> Database:
    """Return a database with the same things for two identities."""
    for number, key in ((1, ME), (2, OTHER)):
        rows("INSERT INTO used_ids VALUES ('identities', ?, ?)", number, key_digest(key))
        inbox, outbox = InboxRepository(database), OutboxRepository(database)
        messages = [things.message(receiver=key, identity_id=number) for _ in range(5)]
        result_of(inbox.keep(things.drop, messages, now=1.0))
        for each in range(3):
            send = things.send(things.delivery(7, "http://localhost/7"), sender=key)
            given = Idempotency(0, f"{number}-{each}", b"digest")
            added = result_of(outbox.add(send, idempotency=given, now=1.0))
            if each == 2 and added.ready:
                result_of(outbox.refused(added.ready[0], "no", now=1.0))
        rows(f"UPDATE sends SET identity_id = {number} WHERE sender = ?", key)
        rows("INSERT INTO drops (url, owners) VALUES (?, 'x')", f"http://localhost/{number}")
        rows("INSERT INTO foreign_hashes (drop_id, hash, day) VALUES (?, x'00', 1)", number)
        rows(
            "INSERT INTO tokens (name, scopes, digest, identity_id, created, identity) "
            "VALUES ('t', '[]', ?, ?, 1, ?)",
            key,
            number,
            key,
        )
        rows(
            "INSERT INTO consumers (owner, name, seq, moved) VALUES (0, ?, 1, 1)",
            f"default\nidentity_id={number}",
        )
    return database


def counts(rows: Rows) -> dict[str, int]:
    """Return how many rows each table has."""
    return {table: rows(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


def test_everything_of_an_identity_goes(filled: Database, rows: Rows) -> None:
    """Half of all rows go; those of the other identity stay, and its messages move up."""
    before = counts(rows)
    work = of_me(("http://localhost/1",))
    result_of(filled.run(work))
    after = counts(rows)
    assert (work.is_done, work.messages, len(work.sends)) == (True, 5, 3)
    assert {table: before[table] - after[table] for table in TABLES if table != "events"} == {
        table: before[table] // 2 for table in TABLES if table != "events"
    }
    assert rows(
        "SELECT DISTINCT identity_id FROM messages UNION SELECT identity_id FROM sends"
    ) == [(2,)]
    assert rows("SELECT name FROM consumers") == [("default\nidentity_id=2",)]
    assert rows("SELECT drop_id FROM foreign_hashes") == [(2,)]
    assert rows("SELECT count(*) FROM postings WHERE next_attempt IS NOT NULL") == [(1,)]
    assert rows("SELECT * FROM purges") == []
    assert len(rows("SELECT hash FROM own_hashes")) == 10


def test_much_goes_in_parts(filled: Database, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one transaction does not delete is noted, and deleted after a restart, too."""
    monkeypatch.setattr(pace, "FIRST", 2)
    monkeypatch.setattr(pace, "MOST", 2)
    result_of(filled.run(of_me()))
    assert rows("SELECT count(*) FROM messages WHERE identity_id = 1") == [(3,)]
    [again] = result_of(purge.unfinished(filled, 3.0))
    parts = 0
    while not again.is_done:
        result_of(filled.run(again.go_on))
        parts += 1
    assert parts == 2
    assert rows("SELECT count(*) FROM messages WHERE identity_id = 1") == [(0,)]
    assert result_of(purge.unfinished(filled, 3.0)) == []


def test_earlier_ids_and_keys_go_too(filled: Database, things: Any, rows: Rows) -> None:
    """Messages to the key under an earlier id go; those to others under that id stay."""
    inbox = InboxRepository(filled)
    used = [UsedId("identities", 2, key_digest(ME))]
    result_of(filled.run(lambda connection: used_ids.add(connection, used)))
    early = things.message(receiver=ME, identity_id=2)
    result_of(inbox.keep(things.drop, [early], now=1.0))
    result_of(filled.run(of_me()))
    assert rows("SELECT count(*), min(receiver) FROM messages") == [(5, OTHER)]


def test_what_comes_late_is_not_stored(database: Database, things: Any, rows: Rows) -> None:
    """Messages and sends of a purged identity that were on their way are not stored."""
    purged = PurgedKeys()
    purged.add(ME)
    inbox, outbox = InboxRepository(database, purged), OutboxRepository(database, purged)
    messages = [things.message(receiver=key) for key in (ME, OTHER)]
    kept = result_of(inbox.keep(things.drop, messages, now=1.0))
    assert [each.receiver for each in kept.messages] == [OTHER]
    with pytest.raises(Purged):
        result_of(outbox.add(things.send(sender=ME), now=1.0))
    assert rows("SELECT * FROM sends") == []
