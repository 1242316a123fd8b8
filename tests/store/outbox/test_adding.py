"""Adding several sends: as a whole, and once for each key."""

from typing import Any

import pytest

from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.outbox.adding import KeyedSend, add_keyed
from qabel.store.outbox.idempotency import OF_MODULES, Idempotency, IdempotencyMismatch
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.tokens import TokenRevoked
from tests.store.conftest import Things
from tests.store.outbox.conftest import NOW

KEY = Idempotency(0, "key", b"digest")


def test_all_or_none(outbox: OutboxRepository, things: Things) -> None:
    """Several sends get ids that follow one another; if one cannot be stored, none is."""
    added = result_of(outbox.add(*(things.send() for _ in range(3)), now=NOW))
    assert list(added.ids) == [1, 2, 3]
    assert [each.send_id for each in added.ready] == [1]
    with pytest.raises(TokenRevoked):
        result_of(outbox.add(things.send(), things.send(token_id=5), now=NOW))
    assert [each.id for each in result_of(outbox.read(0, 10))] == [1, 2, 3]


def test_one_key_for_several(outbox: OutboxRepository, things: Things, rows: Any) -> None:
    """A repeated key leads to all of them; with any of them, what was answered is forgotten."""
    first = result_of(outbox.add(things.send(), things.send(), idempotency=KEY, now=NOW))
    result_of(outbox.answered(KEY, b"[1,2]"))
    again = result_of(outbox.add(things.send(), idempotency=KEY, now=NOW))
    assert (list(again.ids), again.repeated, again.answer) == (list(first.ids), True, b"[1,2]")
    result_of(outbox.delete(first.ids[1], now=NOW))
    assert rows("SELECT answer FROM idempotency") == [(None,)]
    result_of(outbox.answered(KEY, b"[1,2]"))
    assert rows("SELECT answer FROM idempotency") == [(None,)]


def test_other_keys_keep_their_answers(outbox: OutboxRepository, things: Things, rows: Any) -> None:
    """A deletion touches only the key that led to what is deleted."""
    other = Idempotency(0, "other", b"digest")
    first = result_of(outbox.add(things.send(), things.send(), idempotency=KEY, now=NOW))
    second = result_of(outbox.add(things.send(), idempotency=other, now=NOW))
    result_of(outbox.answered(KEY, b"[1,2]"))
    result_of(outbox.answered(other, b"[3]"))
    result_of(outbox.delete(second.id, now=NOW))
    assert rows("SELECT key, answer FROM idempotency ORDER BY key") == [
        ("key", b"[1,2]"),
        ("other", None),
    ]
    assert list(first.ids) == [1, 2]


def test_each_with_a_key(database: Database, outbox: OutboxRepository, things: Things) -> None:
    """What was added under its key is left out; the same key for something else is an error."""

    def add(*keys: tuple[str, bytes] | None) -> list[int]:
        new = [
            KeyedSend(things.send(), None if each is None else Idempotency(OF_MODULES, *each))
            for each in keys
        ]
        ready = result_of(database.run(lambda connection: add_keyed(connection, new, 1)))
        for each in ready:
            result_of(outbox.posted(each, now=NOW))
        return [each.send_id for each in ready]

    assert add(("a", b"1")) == [1]
    assert add(("a", b"1"), None) == [2]
    with pytest.raises(IdempotencyMismatch):
        add(None, ("a", b"2"))
    assert [each.id for each in result_of(outbox.read(0, 10))] == [1, 2]
