"""Changes in the outbox: how postings end, and what that means for deliveries and queues."""

from collections.abc import Callable
from typing import Any

import pytest

from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.outbox import changes
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.outbox.sends import DeliveryState
from tests.store.conftest import Things
from tests.store.outbox.conftest import NOW, A, B

MS = int(NOW * 1000)

Events = Callable[[], list[tuple[int, str]]]
States = Callable[[int], list[tuple[str, str | None]]]


def test_a_delivery_that_every_url_refuses(
    outbox: OutboxRepository, things: Things, add: Any, states: States, events: Events
) -> None:
    """The last refusal makes the delivery fail, with its reason, and each queue continues."""
    first = add(things.delivery(1, A, B))
    second = add(things.delivery(1, A, B))
    change = result_of(outbox.refused(first.ready[0], "bad id", now=NOW))
    assert (change.settled, [each.url for each in change.ready]) == (None, [A])
    change = result_of(outbox.refused(first.ready[1], "too large", now=NOW))
    assert (change.settled, [each.url for each in change.ready]) == (DeliveryState.FAILED, [B])
    assert states(first.id) == [("failed", "too large")]
    assert states(second.id) == [("queued", None)]
    assert events() == [(first.id, "failed")]


@pytest.mark.parametrize("refused_first", [False, True])
def test_one_url_that_accepts_it_is_enough(
    outbox: OutboxRepository, things: Things, add: Any, states: States, refused_first: bool
) -> None:
    """A delivery is sent once no URL is left to try and at least one accepted it."""
    added = add(things.delivery(1, A, B))
    one, other = added.ready
    steps = [lambda: outbox.posted(one, now=NOW), lambda: outbox.refused(other, "no", now=NOW)]
    if refused_first:
        steps.reverse()
    assert result_of(steps[0]()).settled is None
    assert states(added.id)[0][0] == "queued"
    assert result_of(steps[1]()).settled is DeliveryState.SENT
    assert states(added.id) == [("sent", None)]


def test_a_posting_ends_once(outbox: OutboxRepository, add: Any, events: Events) -> None:
    """A posting that ended, or was deleted, is not changed by another end or failed attempt."""
    added = add()
    (posting,) = added.ready
    result_of(outbox.posted(posting, now=NOW))
    before = events(), result_of(outbox.get(added.id))
    assert result_of(outbox.posted(posting, now=NOW)).settled is None
    assert result_of(outbox.refused(posting, "no", now=NOW)).settled is None
    result_of(outbox.failed_attempt(posting, NOW + 5, "away"))
    assert (events(), result_of(outbox.get(added.id))) == before
    assert result_of(outbox.due(NOW + 60, 10)) == []
    result_of(outbox.delete(added.id, now=NOW))
    assert result_of(outbox.posted(posting, now=NOW)).ready == ()


@pytest.mark.parametrize("deleted", [0, 1, 2])
def test_deleting_in_the_middle_of_a_queue(
    outbox: OutboxRepository, things: Things, add: Any, deleted: int
) -> None:
    """Whichever send of a queue is deleted, the others are posted in their order."""
    added = [add(things.delivery(1, A, B)) for _ in range(3)]
    change = result_of(outbox.delete(added[deleted].id, now=NOW))
    assert change is not None
    assert len(change.ready) == (2 if deleted == 0 else 0)
    posted = []
    while due := result_of(outbox.due(NOW, 10)):
        posted += [(each.url, each.send_id) for each in due]
        for each in due:
            result_of(outbox.posted(each, now=NOW))
    left = [each.id for index, each in enumerate(added) if index != deleted]
    for url in (A, B):
        assert [send_id for posted_to, send_id in posted if posted_to == url] == left
    assert result_of(outbox.delete(added[deleted].id, now=NOW)) is None


def test_settled_sends_expire(
    outbox: OutboxRepository, things: Things, add: Any, rows: Any
) -> None:
    """A send expires when all its deliveries were settled long enough ago, and not before."""
    done = add(things.delivery(1, A))
    half = add(things.delivery(2, A), things.delivery(3, A))
    result_of(outbox.posted(done.ready[0], now=NOW))
    result_of(outbox.refused(half.ready[0], "no", now=NOW))
    assert result_of(outbox.expire(NOW, now=NOW)) == 0
    assert result_of(outbox.expire(NOW + 1, now=NOW)) == 1
    assert [each.id for each in result_of(outbox.read(0, 10))] == [half.id]
    result_of(outbox.posted(half.ready[1], now=NOW + 5))
    assert result_of(outbox.expire(NOW + 1, now=NOW)) == 0
    assert result_of(outbox.expire(NOW + 6, now=NOW)) == 1
    assert rows("SELECT count(*) FROM deliveries") == [(0,)]
    assert rows("SELECT count(*) FROM postings") == [(0,)]


def test_only_some_sends_expire_at_once(
    database: Database, outbox: OutboxRepository, things: Things, add: Any
) -> None:
    """Those that were settled first expire first, at most as many as the limit says."""
    added = [add(things.delivery(i, A)) for i in range(3)]
    for age, each in enumerate(reversed(added)):
        result_of(outbox.posted(each.ready[0], now=NOW + age))

    def expire() -> int:
        return result_of(database.run(lambda c: changes.expire(c, MS + 60_000, 2, MS)))

    assert expire() == 2
    assert [each.id for each in result_of(outbox.read(0, 10))] == [added[0].id]
    assert [expire(), expire()] == [1, 0]
