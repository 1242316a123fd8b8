"""The third version of the tables: what becomes of the rows of the second."""

import json
from typing import Any

import pytest

from qabel.store.database.connection import Connection
from qabel.store.database.schema import key_digest, migrations, upgrade
from tests.store.database.upgrading import Upgrade, upgrading

ALICE, BOB, EVE = b"\x0a" * 32, b"\x0b" * 32, b"\x0e" * 32


@pytest.fixture
def connection(empty: Connection) -> Connection:
    """Return a connection to a database of the second version."""
    empty.execute("PRAGMA foreign_keys = ON")
    upgrade(empty, migrations()[:2])
    return empty


@pytest.fixture
def upgraded(connection: Connection) -> Upgrade:
    """Return a function that stores rows, upgrades, and returns a query."""
    return upgrading(connection, 3)


MESSAGE = """INSERT INTO messages (id, version, time_stamp, acknowledge_id, sender, receiver,
    model_object, data, received, identity_id) VALUES (?, 1, 1, '0', ?, ?, 'chat', '{}', 1, 3)"""
SEND = """INSERT INTO sends (id, kind, sender, identity_id, model_object, acknowledge_id, created)
    VALUES (?, 'message', ?, 3, 'chat', 'x', 1)"""
DELIVERY = """INSERT INTO deliveries (send_id, kind, sender, recipient, acknowledge_id, created,
    acknowledged) VALUES (?, 'message', ?, ?, 'x', 1, ?)"""
ANSWER = "INSERT INTO idempotency VALUES (0, ?, x'00', 7, CAST(? AS BLOB), 1)"


def test_who_wrote_or_acknowledged_has_been_heard(upgraded: Any) -> None:
    """Whose messages are in the inbox, and who acknowledged one, needs no introduction any more."""
    query = upgraded(
        (MESSAGE, 1, BOB, ALICE),
        (MESSAGE, 2, BOB, ALICE),
        (SEND, 7, ALICE),
        (DELIVERY, 7, ALICE, EVE, 5),
        (DELIVERY, 7, ALICE, BOB, None),
        (DELIVERY, 7, BOB, ALICE, None),
    )
    assert set(query("SELECT identity, sender FROM heard_from")) == {
        (ALICE, key_digest(BOB)),
        (ALICE, key_digest(EVE)),
    }


def test_earlier_messages_introduced_nobody(upgraded: Any) -> None:
    """Deliveries and answers of before say that no message introduced its sender."""
    recipients = [{"contact_id": 9, "recipient": "b"}, {"contact_id": None, "recipient": "c"}]
    query = upgraded(
        (SEND, 7, ALICE),
        (DELIVERY, 7, ALICE, BOB, None),
        (ANSWER, "k", json.dumps({"id": 7, "acknowledge_id": "0", "recipients": recipients})),
        (ANSWER, "n", None),
    )
    assert query("SELECT introduced FROM deliveries") == [(0,)]
    [(answer,), (nothing,)] = query("SELECT answer FROM idempotency ORDER BY key")
    assert nothing is None
    assert json.loads(answer) == {
        "id": 7,
        "acknowledge_id": "0",
        "recipients": [{**each, "introduced": False} for each in recipients],
    }


ONE, TWO = "http://drop.example/one", "http://drop.example/two"

ANY_SEND = """INSERT INTO sends (id, kind, sender, identity_id, model_object, acknowledge_id,
    created) VALUES (?1, ?2, ?3, 1, 'x', 'id ' || ?1, 10 * ?1)"""
ANY_DELIVERY = """INSERT INTO deliveries (id, send_id, kind, sender, recipient, acknowledge_id,
    sealed, state, created) SELECT id, id, kind, sender, ?2, acknowledge_id, x'00', ?3, created
    FROM sends WHERE id = ?1"""
POSTING = "INSERT INTO postings (delivery_id, url, recipient, next_attempt) VALUES (?, ?, ?, ?)"


def test_acknowledgements_that_waited(upgraded: Any) -> None:
    """Each that was queued waits once, whatever its drops, for a time to be drawn at the start."""
    query = upgraded(
        (ANY_SEND, 1, "acknowledgement", ALICE),
        (ANY_DELIVERY, 1, BOB, "queued"),
        (POSTING, 1, ONE, BOB, 5),
        (POSTING, 1, TWO, BOB, 5),
        (ANY_SEND, 2, "acknowledgement", ALICE),
        (ANY_DELIVERY, 2, BOB, "queued"),
        (POSTING, 2, ONE, BOB, None),
        (ANY_SEND, 3, "acknowledgement", BOB),
        (ANY_DELIVERY, 3, ALICE, "sent"),
    )
    assert query("SELECT identity, contact, next FROM acknowledgement_pairs") == [
        (ALICE, BOB, None)
    ]
    assert query("SELECT acknowledge_id, created, since, delay FROM acknowledgements") == [
        ("id 1", 10, 10, 0),
        ("id 2", 20, 20, 0),
    ]
    for table in ("sends", "deliveries", "postings"):
        assert query(f"SELECT * FROM {table}") == []


def test_messages_behind_acknowledgements(upgraded: Any) -> None:
    """A message that waited behind an acknowledgement is the next; others wait as before."""
    query = upgraded(
        (ANY_SEND, 1, "acknowledgement", ALICE),
        (ANY_DELIVERY, 1, BOB, "queued"),
        (POSTING, 1, ONE, BOB, 5),
        (ANY_SEND, 2, "message", ALICE),
        (ANY_DELIVERY, 2, BOB, "queued"),
        (POSTING, 2, ONE, BOB, None),
        (ANY_SEND, 3, "message", ALICE),
        (ANY_DELIVERY, 3, BOB, "queued"),
        (POSTING, 3, ONE, BOB, None),
        (POSTING, 3, TWO, BOB, 7),
    )
    states = query("SELECT delivery_id, url, next_attempt > 7 FROM postings ORDER BY id")
    assert states == [(2, ONE, 1), (3, ONE, None), (3, TWO, 0)]
    assert query("SELECT queued FROM state") == [(2,)]
