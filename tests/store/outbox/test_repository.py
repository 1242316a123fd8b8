"""The outbox: a send is stored at once, and posted when it is due."""

from collections.abc import Callable
from typing import Any

from qabel.deferreds import result_of
from qabel.store.outbox.idempotency import KEEP_FOR, Idempotency
from qabel.store.outbox.repository import Added, OutboxRepository
from qabel.store.outbox.sends import DeliveryState
from qabel.store.pace import FIRST
from tests.store.conftest import Things
from tests.store.outbox.conftest import NOW, A


def test_a_send_is_stored_and_posted(
    outbox: OutboxRepository,
    things: Things,
    add: Any,
    states: Any,
    events: Callable[[], list[tuple[int, str]]],
) -> None:
    """A send is queued when it is added, and sent when its drop server has accepted it."""
    delivery = things.delivery(1, A)
    added = add(delivery)
    (posting,) = added.ready
    assert (posting.url, posting.sealed, posting.attempts) == (A, delivery.sealed, 0)
    assert result_of(outbox.due(NOW, 10)) == [posting]
    assert states(added.id) == [("queued", None)]
    change = result_of(outbox.posted(posting, now=NOW + 1))
    assert (change.ready, change.settled) == ((), DeliveryState.SENT)
    assert change.last_seq == added.last_seq + 1
    assert states(added.id) == [("sent", None)]
    assert result_of(outbox.due(NOW + 99, 10)) == []
    assert events() == [(added.id, "sent")]


def test_a_failed_attempt_is_due_again(outbox: OutboxRepository, add: Any) -> None:
    """A posting is due at the time that was given after a failed attempt, to the millisecond."""
    (posting,) = add().ready
    for attempt, wait in enumerate((0.001, 1.001, 3599.999), 1):
        due = NOW + wait
        result_of(outbox.failed_attempt(posting, due, "away"))
        assert result_of(outbox.due(due - 0.001, 10)) == []
        (again,) = result_of(outbox.due(due, 10))
        assert again.attempts == attempt


def test_the_longest_due_come_first(outbox: OutboxRepository, things: Things, add: Any) -> None:
    """Postings are returned in the order they became due, without those that are under way."""
    added = [add(things.delivery(i, A)) for i in range(5)]
    for index, wait in enumerate((30, 10, 50, 20, 40)):
        result_of(outbox.failed_attempt(added[index].ready[0], NOW + wait, "away"))
    due = result_of(outbox.due(NOW + 45, 3))
    assert [each.send_id for each in due] == [added[i].id for i in (1, 3, 0)]
    underway = [each.id for each in due[:2]]
    rest = result_of(outbox.due(NOW + 45, 3, underway=underway))
    assert [each.send_id for each in rest] == [added[i].id for i in (0, 4)]


def test_expiry_is_repeated_until_nothing_is_left(outbox: OutboxRepository, add: Any) -> None:
    """Each call deletes a limited number of sends, and says how many they were."""
    for _ in range(FIRST + 1):
        result_of(outbox.posted(add().ready[0], now=NOW))
    counts = [result_of(outbox.expire(NOW + 1, now=NOW)) for _ in range(3)]
    assert counts == [FIRST, 1, 0]


def test_expiry_covers_all_that_is_old(outbox: OutboxRepository, things: Things, rows: Any) -> None:
    """Old messages and idempotency keys expire together."""
    key = Idempotency(0, "key", b"digest")
    message = result_of(outbox.add(things.send(), idempotency=key, now=NOW))
    result_of(outbox.posted(message.ready[0], now=NOW))
    assert result_of(outbox.expire(NOW + 1, now=NOW + KEEP_FOR / 1000)) == 1
    for table in ("sends", "deliveries", "postings", "idempotency"):
        assert rows(f"SELECT count(*) FROM {table}") == [(0,)]


def test_answers_are_not_shown() -> None:
    """The repr of what an earlier request was answered does not contain the answer."""
    assert "hello" not in repr(Added([1], answer=b"hello"))
