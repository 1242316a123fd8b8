"""The third version of the tables: what becomes of the rows of the second."""

import json
from typing import Any

import pytest

from qabel.store.database.connection import Connection
from qabel.store.database.schema import key_digest, migrations, upgrade

ALICE, BOB, EVE = b"\x0a" * 32, b"\x0b" * 32, b"\x0e" * 32


@pytest.fixture
def connection(empty: Connection) -> Connection:
    """Return a connection to a database of the second version."""
    upgrade(empty, migrations()[:2])
    return empty


@pytest.fixture
def upgraded(connection: Connection) -> Any:
    """Return a function that stores rows, upgrades, and returns a query."""

    def run(*statements: tuple[Any, ...]) -> Any:
        for sql, *values in statements:
            connection.execute(sql, values)
        upgrade(connection, migrations()[:3])
        return lambda sql: connection.execute(sql).fetchall()

    return run


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
