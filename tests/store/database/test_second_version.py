"""The second version of the tables: what becomes of the rows of the first."""

import json
from typing import Any

import pytest

from qabel.store.database.connection import Connection
from qabel.store.database.schema import key_digest, migrations, upgrade
from qabel.store.inbox.message_rows import NewMessage
from tests.store.database.upgrading import Upgrade, upgrading

ALICE, BOB = b"\x0a" * 32, b"\x0b" * 32


def synced(**deleted: int) -> str:
    """Return a document with Alice as identity 3, and Bob, deleted or not, as identity 4."""
    identities = [
        {"id": 3, "keys": {"public_key": ALICE.hex()}, "deleted": 0},
        {"id": 4, "keys": {"public_key": BOB.hex()}, "deleted": deleted.get("bob", 0)},
    ]
    contacts = [{"id": 9, "keys": {"public_key": BOB.hex()}, "deleted": 5}]
    return json.dumps({"identities": identities, "contacts": contacts})


@pytest.fixture
def connection(empty: Connection) -> Connection:
    """Return a connection to a database of the first version."""
    upgrade(empty, migrations()[:1])
    return empty


@pytest.fixture
def upgraded(connection: Connection) -> Upgrade:
    """Return a function that stores rows, upgrades, and returns a query."""
    return upgrading(connection, 2)


SEND = "INSERT INTO sends VALUES (?, 'message', ?, ?, 'chat', '0', NULL, 1)"
TOKEN = "INSERT INTO tokens VALUES (?, 'phone', ?, ?, ?, 1, NULL)"
MESSAGE = "INSERT INTO messages VALUES (?, 1, 1, '0', ?, ?, 'chat', '{}', NULL, 1, ?, ?)"
DELIVERY = """INSERT INTO deliveries
    VALUES (?, ?, 'message', ?, ?, ?, '0', NULL, 'queued', NULL, 1, NULL, NULL)"""
DOCUMENT = "INSERT INTO documents VALUES ('synced', CAST(? AS BLOB))"


def test_events_get_what_they_are_about(upgraded: Any) -> None:
    """Events of sends get the send and its identity, and go with it; others get none."""
    query = upgraded(
        (SEND, 7, ALICE, 3),
        ("INSERT INTO events VALUES (1, 'outbox', CAST('{\"id\":7}' AS BLOB), 1)",),
        ("INSERT INTO events VALUES (2, 'outbox', CAST('{\"id\":8}' AS BLOB), 1)",),
        ("INSERT INTO events VALUES (3, 'settings', CAST('{}' AS BLOB), 1)",),
    )
    assert query("SELECT identity_id, identity, send_id FROM events ORDER BY seq") == [
        (3, ALICE, 7),
        (None, None, None),
    ]


def test_webhooks_keep_their_cursor(upgraded: Any) -> None:
    """The cursor of a webhook stays; undelivered messages that were deleted go."""
    query = upgraded(
        ("INSERT INTO webhooks VALUES (1, 'http://x/', x'00', '[]', 5, 1, 0, 2, NULL, NULL)",),
        (MESSAGE, 1, BOB, ALICE, 3, None),
        ("INSERT INTO undelivered VALUES (1, 1, 'drop', x'00', 'no', 1)",),
        ("INSERT INTO undelivered VALUES (1, 2, 'drop', x'00', 'no', 1)",),
        ("INSERT INTO undelivered VALUES (1, 3, 'settings', x'00', 'no', 1)",),
    )
    assert query("SELECT url, cursor FROM webhooks") == [("http://x/", 5)]
    assert query("SELECT seq FROM undelivered ORDER BY seq") == [(1,), (3,)]


def test_what_was_deleted_in_the_first_version_goes(upgraded: Any) -> None:
    """Events, answers and undelivered entries of sends that are gone are deleted."""
    query = upgraded(
        (SEND, 7, ALICE, 3),
        ("INSERT INTO webhooks VALUES (1, 'http://x/', x'00', '[]', 5, 1, 0, 2, NULL, NULL)",),
        *(
            ("INSERT INTO undelivered VALUES (1, ?, 'outbox', CAST(? AS BLOB), 'no', 1)", *row)
            for row in [(1, '{"id":7}'), (2, '{"id":8}')]
        ),
        ("INSERT INTO events VALUES (2, 'outbox', CAST('{\"id\":8}' AS BLOB), 1)",),
        ("INSERT INTO idempotency VALUES ('k', x'00', 8, CAST('[true]{}' AS BLOB), 1)",),
    )
    assert query("SELECT seq FROM undelivered") == [(1,)]
    assert query("SELECT answer FROM idempotency") == [(None,)]
    assert query("SELECT * FROM events") == []
    query("DELETE FROM sends")
    assert query("SELECT * FROM undelivered") == []


def test_used_ids_are_collected(upgraded: Any) -> None:
    """Ids in the settings, and those that only messages and sends still have, are never free."""
    query = upgraded(
        (DOCUMENT, synced()),
        (MESSAGE, 1, BOB, ALICE, 2, 8),
        (SEND, 1, BOB, 6),
        (DELIVERY, 1, 1, BOB, ALICE, 12),
    )
    assert set(query("SELECT kind, id, digest FROM used_ids")) == {
        ("identities", 3, key_digest(ALICE)),
        ("identities", 4, key_digest(BOB)),
        ("identities", 2, key_digest(ALICE)),
        ("identities", 6, key_digest(BOB)),
        ("contacts", 9, key_digest(BOB)),
        ("contacts", 8, key_digest(BOB)),
        ("contacts", 12, key_digest(ALICE)),
    }
    assert query("SELECT kind, last FROM given_ids") == [("contacts", 12), ("identities", 6)]


def test_the_ids_of_an_empty_database(upgraded: Any) -> None:
    """Without any ids, the first one is still to be given."""
    assert upgraded()("SELECT last FROM given_ids") == [(0,), (0,)]


def test_tokens_are_bound_to_keys(upgraded: Any) -> None:
    """A token for an identity gets its key; one whose identity is gone or deleted ends."""
    query = upgraded(
        (DOCUMENT, synced(bob=1)),
        *((TOKEN, number, '["read"]', bytes([number]), who) for number, who in [(1, 3), (2, 4)]),
        (TOKEN, 3, '["send"]', b"3", 5),
        (TOKEN, 4, '["read"]', b"4", None),
    )
    assert query("SELECT id, identity FROM tokens ORDER BY id") == [(1, ALICE), (4, None)]


def test_tokens_keep_what_they_may(upgraded: Any) -> None:
    """The scope settings included what has scopes of its own now; others stay."""
    query = upgraded(
        (TOKEN, 1, '["read", "settings"]', b"1", None), (TOKEN, 2, '["read"]', b"2", None)
    )
    first, second = (json.loads(scopes) for (scopes,) in query("SELECT scopes FROM tokens"))
    assert set(first) == {"read", "settings", "contacts", "keys", "preferences", "servers"}
    assert second == ["read"]


def test_each_token_goes_on_where_it_was(upgraded: Any) -> None:
    """Each token gets a copy of the cursors that were shared, and so does the owner."""
    query = upgraded(
        (TOKEN, 1, '["read"]', b"1", None),
        ("INSERT INTO consumers VALUES ('default', 5, 1)",),
    )
    assert query("SELECT owner, name, seq FROM consumers") == [(0, "default", 5), (1, "default", 5)]
    query("DELETE FROM tokens")
    assert query("SELECT owner FROM consumers") == [(0,)]


def test_idempotency_keys_get_owners(upgraded: Any) -> None:
    """Answers become plain JSON, and a key repeated by any token still sends nothing twice."""
    query = upgraded(
        (TOKEN, 1, '["send"]', b"1", None),
        (SEND, 7, ALICE, 3),
        ("INSERT INTO idempotency VALUES ('k', x'00', 7, CAST('[true]{\"a\":[1]}' AS BLOB), 1)",),
        ("INSERT INTO idempotency VALUES ('n', x'00', 7, NULL, 1)",),
    )
    assert query("SELECT owner, key, answer FROM idempotency") == [
        (0, "k", b'{"a":[1]}'),
        (0, "n", None),
        (1, "k", b'{"a":[1]}'),
        (1, "n", None),
    ]
    query("DELETE FROM sends")
    assert query("SELECT DISTINCT answer FROM idempotency") == [(None,)]


def test_the_messages_of_strangers_are_measured(upgraded: Any) -> None:
    """Messages of strangers count as they would if they came now, those of contacts do not."""
    query = upgraded((MESSAGE, 1, BOB, ALICE, 3, None), (MESSAGE, 2, BOB, ALICE, 3, 9))
    [(bytes_of_one,), (of_contact,)] = query("SELECT stranger FROM messages ORDER BY id")
    now = NewMessage(
        hash=b"",
        version=1,
        time_stamp=1,
        acknowledge_id="0",
        sender=BOB,
        receiver=ALICE,
        model_object="chat",
        data=b"{}",
        received=1,
        identity_id=3,
        contact_id=None,
    )
    assert (bytes_of_one, of_contact) == (now.stranger, 0)
    assert query("SELECT stranger_bytes, messages FROM state") == [(bytes_of_one, 2)]
    query("DELETE FROM messages WHERE id = 1")
    assert query("SELECT stranger_bytes, messages FROM state") == [(0, 1)]


def test_time_stamps_continue(upgraded: Any) -> None:
    """The newest send of each identity bounds its further time stamps from below."""
    query = upgraded((SEND, 1, ALICE, 3), (SEND, 2, ALICE, 3), (SEND, 3, BOB, 4))
    assert query("SELECT sender, newest FROM time_stamps") == [(ALICE, 1), (BOB, 1)]


def test_cursors_of_the_first_version_stay_valid(connection: Connection, upgraded: Any) -> None:
    """What was given before there were marks has the id of the database as its mark."""
    [(database_id,)] = connection.execute("SELECT database_id FROM state").fetchall()
    query = upgraded(("UPDATE state SET last_seq = 17",))
    assert query("SELECT mark, first FROM starts") == [(database_id, -1)]
