"""The fourth version of the tables: what becomes of the rows of the third."""

from typing import Any

import pytest

from qabel.store.database.connection import Connection
from qabel.store.database.schema import migrations, upgrade
from tests.store.database.upgrading import Upgrade, upgrading

ALICE, BOB = b"\x0a" * 32, b"\x0b" * 32

MESSAGE = """INSERT INTO messages (id, version, time_stamp, acknowledge_id, sender, receiver,
    model_object, data, received, identity_id) VALUES (?, 1, 1, '0', ?, ?, 'chat', '{}', ?, 3)"""
SEND = """INSERT INTO sends (id, kind, sender, identity_id, model_object, acknowledge_id, created)
    VALUES (?, 'message', ?, 3, 'chat', 'x', ?)"""


@pytest.fixture
def connection(empty: Connection) -> Connection:
    """Return a connection to a database of the third version."""
    upgrade(empty, migrations()[:3])
    return empty


@pytest.fixture
def upgraded(connection: Connection) -> Upgrade:
    """Return a function that stores rows, upgrades, and returns a query."""
    return upgrading(connection, 4)


def test_what_was_sent_stands_behind_what_had_been_received(upgraded: Any) -> None:
    """By the times of both; a message that came at the same time comes first."""
    query = upgraded(
        (SEND, 1, ALICE, 5),
        (MESSAGE, 4, BOB, ALICE, 10),
        (MESSAGE, 7, BOB, ALICE, 20),
        (SEND, 2, ALICE, 15),
        (SEND, 3, ALICE, 20),
        (SEND, 4, ALICE, 99),
    )
    assert query("SELECT id, seq FROM sends ORDER BY id") == [(1, 0), (2, 4), (3, 7), (4, 7)]


def test_without_any_messages(upgraded: Any) -> None:
    """What was sent while nothing had been received is at the beginning."""
    assert upgraded((SEND, 1, ALICE, 5))("SELECT id, seq FROM sends") == [(1, 0)]


def test_there_are_no_modules_yet(upgraded: Any) -> None:
    """No module has read anything."""
    assert upgraded()("SELECT * FROM modules") == []
