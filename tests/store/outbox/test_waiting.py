"""Postings that wait, and what waits before them."""

from typing import Any

from qabel.deferreds import result_of
from qabel.store.outbox.repository import OutboxRepository
from tests.store.conftest import Things
from tests.store.outbox.conftest import NOW, A, B


def test_each_says_how_many_are_before_it(
    outbox: OutboxRepository, things: Things, add: Any
) -> None:
    """Of a queued delivery each posting is listed, with the number of those before it."""
    first, second = add(things.delivery(1, A)), add(things.delivery(1, A, B))
    add(things.delivery(2, A))
    add(things.delivery(1, A), sender=b"\x77" * 32)
    third = add(things.delivery(1, A))
    result_of(outbox.failed_attempt(first.ready[0], NOW + 60, "away"))
    shown = [
        [(each.url, each.reason, each.ahead) for each in record.deliveries[0].waiting]
        for record in result_of(outbox.read(0, 10))
    ]
    assert shown == [
        [(A, "away", 0)],
        [(A, None, 1), (B, None, 0)],
        [(A, None, 0)],
        [(A, None, 0)],
        [(A, None, 2)],
    ]
    result_of(outbox.posted(first.ready[0], now=NOW))
    record = result_of(outbox.get(third.id))
    assert record is not None
    assert record.deliveries[0].waiting[0].queue == first.ready[0].queue
    assert [each.ahead for each in record.deliveries[0].waiting] == [1]
    settled = result_of(outbox.get(first.id))
    assert settled is not None
    assert settled.deliveries[0].waiting == ()
    assert second.id != third.id


def test_what_is_no_longer_waiting(outbox: OutboxRepository, things: Things, add: Any) -> None:
    """Postings that were settled or deleted are told from those that are queued."""
    posted, deleted, queued = (add(things.delivery(each, A)) for each in (1, 2, 3))
    result_of(outbox.posted(posted.ready[0], now=NOW))
    result_of(outbox.delete(deleted.id, now=NOW))
    ids = [each.ready[0].id for each in (posted, deleted, queued)]
    assert result_of(outbox.no_longer_waiting(ids)) == ids[:2]
