"""Idempotency keys: a request that is sent twice with one key is executed once."""

from typing import Any

import pytest

from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.database.errors import StoreError
from qabel.store.outbox import idempotency
from qabel.store.outbox.idempotency import (
    KEEP_FOR,
    EarlierRequest,
    Idempotency,
    IdempotencyMismatch,
)
from qabel.store.outbox.repository import Added, OutboxRepository
from tests.store.conftest import Things
from tests.store.outbox.conftest import NOW

LATER = NOW + KEEP_FOR / 1000


@pytest.fixture
def add_with_key(outbox: OutboxRepository, things: Things) -> Any:
    """Return a function that adds a send with an idempotency key and a digest."""

    def run(key: str, digest: bytes = b"digest", now: float = NOW, owner: int = 0) -> Added:
        return result_of(
            outbox.add(things.send(), idempotency=Idempotency(owner, key, digest), now=now)
        )

    return run


def test_the_same_key_leads_to_the_same_send(outbox: OutboxRepository, add_with_key: Any) -> None:
    """A repeated request adds nothing, and gets the first answer until the send is deleted."""
    first = add_with_key("key")
    again = add_with_key("key")
    assert (again.id, again.repeated, again.answer, again.ready) == (first.id, True, None, ())
    result_of(outbox.answered(Idempotency(0, "key", b"digest"), b'{"first":1}'))
    result_of(outbox.answered(Idempotency(0, "key", b"digest"), b'{"second":2}'))
    again = add_with_key("key")
    assert (again.id, again.repeated, again.answer) == (first.id, True, b'{"first":1}')
    result_of(outbox.delete(first.id, now=NOW))
    result_of(outbox.answered(Idempotency(0, "key", b"digest"), b'{"late":1}'))
    again = add_with_key("key")
    assert (again.id, again.repeated, again.answer) == (first.id, True, None)
    assert result_of(outbox.read(0, 10)) == []


def test_a_key_is_for_one_request(outbox: OutboxRepository, add_with_key: Any) -> None:
    """A key that comes with another request is an error, and nothing is added."""
    add_with_key("key", b"one")
    with pytest.raises(IdempotencyMismatch, match="use a new key"):
        add_with_key("key", b"two")
    assert len(result_of(outbox.read(0, 10))) == 1
    assert issubclass(IdempotencyMismatch, StoreError)


def test_each_token_has_its_keys(outbox: OutboxRepository, add_with_key: Any) -> None:
    """The same key of two tokens leads to two sends, and the answer to one is not the other's."""
    first, second = add_with_key("key", b"one", owner=1), add_with_key("key", b"two", owner=2)
    assert not second.repeated
    result_of(outbox.answered(Idempotency(2, "key", b"two"), b"{}"))
    assert (add_with_key("key", b"one", owner=1).answer, first.id) == (None, 1)
    assert add_with_key("key", b"two", owner=2).answer == b"{}"


def test_an_expired_key_can_be_used_again(
    outbox: OutboxRepository, add_with_key: Any, rows: Any
) -> None:
    """After a week a key is as good as new, whether it was deleted yet or not."""
    first = add_with_key("key", b"one")
    second = add_with_key("key", b"two", now=LATER)
    assert first.id != second.id
    result_of(outbox.expire(0.0, now=LATER))
    assert rows("SELECT digest FROM idempotency") == [(b"two",)]
    result_of(outbox.expire(0.0, now=2 * LATER - NOW))
    assert rows("SELECT digest FROM idempotency") == []


def test_the_number_of_keys_is_limited(database: Database, add_with_key: Any, rows: Any) -> None:
    """Of more keys than are kept, the oldest are deleted."""
    for i in range(5):
        add_with_key(f"{i}", now=NOW + i)
    result_of(database.run(lambda c: idempotency.expire(c, int(NOW * 1000), 2)))
    assert rows("SELECT key FROM idempotency ORDER BY key") == [("3",), ("4",)]


def test_an_unknown_key_has_no_earlier_request(database: Database) -> None:
    """Nothing is found for a key that was never used, and nothing happens to it."""
    given = Idempotency(0, "key", b"digest")
    result_of(database.run(lambda c: idempotency.answered(c, Idempotency(0, "key", b""), b"{}")))
    assert result_of(database.run(lambda c: idempotency.find(c, given, 0))) is None


def test_keys_and_answers_are_not_shown() -> None:
    """The repr of a key or an answer, which go to logs, shows neither."""
    shown = repr(Idempotency(0, "chosen", b"digest")) + repr(EarlierRequest(range(1, 2), b"answer"))
    assert not [each for each in ("chosen", "digest", "answer=") if each in shown]
