"""The outbox: everything is posted in its order, once it can be, and nothing is forgotten."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from qabel.store.database.database import Database
from qabel.store.database.errors import StoreError
from qabel.store.journal.entries import JournalEntries
from qabel.store.outbox.idempotency import KEEP_FOR, Idempotency, IdempotencyMismatch
from qabel.store.outbox.records import OutboxCounts
from qabel.store.outbox.repository import OutboxRepository, idempotency
from qabel.store.outbox.sends import NO_URL, DeliveryState, Kind, NewDelivery

NOW = 1_800_000_000.0
A, B = "http://localhost/a", "http://localhost/b"


@pytest.fixture
def outbox(database: Database) -> OutboxRepository:
    """Return the outbox of an empty database."""
    return OutboxRepository(database)


@pytest.fixture
def told(database: Database, got: Any) -> Callable[[], list[tuple[int, str]]]:
    """Return what reads the deliveries that events are about: send and state."""

    def read() -> list[tuple[int, str]]:
        details = [json.loads(each.data) for each in got(JournalEntries(database).read(0, 1000))]
        return [(each["id"], each["state"]) for each in details]

    return read


def add(outbox: OutboxRepository, got: Any, things: Any, *deliveries: Any) -> Any:
    """Add a send."""
    return got(outbox.add(things.send(*deliveries), now=NOW))


def states(outbox: OutboxRepository, got: Any, send_id: int) -> list[tuple[str, str | None]]:
    """Read how far a send is with each recipient, and why."""
    return [(each.state.value, each.reason) for each in got(outbox.get(send_id)).deliveries]


def test_a_send_is_kept_and_posted(
    outbox: OutboxRepository, things: Any, got: Any, told: Any
) -> None:
    """It is queued when it is added, and sent when its drop server took it."""
    delivery = things.delivery(1, A)
    added = add(outbox, got, things, delivery)
    (posting,) = added.ready
    assert (posting.url, posting.sealed, posting.attempts) == (A, delivery.sealed, 0)
    assert got(outbox.due(NOW, 10)) == [posting]
    assert states(outbox, got, added.id) == [("queued", None)]
    outcome = got(outbox.posted(posting, now=NOW + 1))
    assert (outcome.ready, outcome.settled) == ((), DeliveryState.SENT)
    assert outcome.last_seq == added.last_seq + 1
    assert states(outbox, got, added.id) == [("sent", None)]
    assert got(outbox.due(NOW + 99, 10)) == []
    assert told() == [(added.id, "sent")]


def test_a_record_says_everything(outbox: OutboxRepository, things: Any, got: Any) -> None:
    """What was sent, to whom, when, how often it was tried, and when it will be again."""
    send = things.send(things.delivery(1, A), things.delivery(2, B), acknowledge_id="ack")
    added = got(outbox.add(send, now=NOW))
    got(outbox.posted(added.ready[0], now=NOW + 1))
    got(outbox.failed_attempt(added.ready[1], NOW + 60, "no answer"))
    record = got(outbox.get(added.id))
    assert (record.id, record.kind, record.created) == (added.id, Kind.MESSAGE, int(NOW * 1000))
    assert (record.sender, record.identity_id) == ("5e" * 32, 1)
    assert (record.model_object, record.acknowledge_id) == ("chat", "ack")
    assert record.message == b'{"msg":"hello"}'
    first, second = record.deliveries
    assert (first.recipient, first.contact_id, first.attempts) == ("01" * 32, 1, 1)
    assert (first.settled, first.next_attempt) == (int(NOW * 1000) + 1000, None)
    assert (second.reason, second.attempts, second.settled) == ("no answer", 1, None)
    assert second.next_attempt == int(NOW * 1000) + 60_000
    assert got(outbox.read(0, 10)) == [record]
    assert got(outbox.get(99)) is None


def test_messages_to_one_recipient_never_overtake(
    outbox: OutboxRepository, things: Any, got: Any
) -> None:
    """A later message to the same drop URL waits for the earlier one; others do not."""
    first = add(outbox, got, things, things.delivery(1, A))
    second = add(outbox, got, things, things.delivery(1, A))
    elsewhere = add(outbox, got, things, things.delivery(1, B))
    other = add(outbox, got, things, things.delivery(2, A))
    assert [len(each.ready) for each in (first, second, elsewhere, other)] == [1, 0, 1, 1]
    got(outbox.failed_attempt(first.ready[0], NOW + 60, "away"))
    assert {each.send_id for each in got(outbox.due(NOW + 59, 10))} == {elsewhere.id, other.id}
    outcome = got(outbox.posted(first.ready[0], now=NOW + 60))
    assert [each.send_id for each in outcome.ready] == [second.id]
    assert got(
        outbox.due(NOW + 60, 1, underway=[elsewhere.ready[0].id, other.ready[0].id])
    ) == list(outcome.ready)


def test_two_messages_in_one_send_to_one_line(
    outbox: OutboxRepository, things: Any, got: Any
) -> None:
    """Deliveries of one send that share a queue wait in it, too."""
    added = add(outbox, got, things, things.delivery(1, A), things.delivery(1, A))
    (ready,) = added.ready
    (after,) = got(outbox.posted(ready, now=NOW)).ready
    assert after.delivery_id != ready.delivery_id
    assert got(outbox.posted(after, now=NOW)).ready == ()


def test_attempts_that_failed_come_up_again(
    outbox: OutboxRepository, things: Any, got: Any
) -> None:
    """The time of the next attempt is exact to the millisecond, and survives a restart."""
    (posting,) = add(outbox, got, things).ready
    assert got(outbox.due(NOW, 10)) == [posting]
    assert got(outbox.due(NOW, 10, underway=[posting.id])) == []
    for attempt, wait in enumerate((0.001, 1.001, 3599.999), 1):
        due = NOW + wait
        got(outbox.failed_attempt(posting, due, "away"))
        assert got(outbox.due(due - 0.001, 10)) == []
        (again,) = got(outbox.due(due, 10))
        assert again.attempts == attempt


def test_the_longest_due_come_first(outbox: OutboxRepository, things: Any, got: Any) -> None:
    """A few at a time are returned in the order of their times."""
    added = [add(outbox, got, things, things.delivery(i, A)) for i in range(5)]
    for index, wait in enumerate((30, 10, 50, 20, 40)):
        got(outbox.failed_attempt(added[index].ready[0], NOW + wait, "away"))
    due = got(outbox.due(NOW + 45, 3))
    assert [each.send_id for each in due] == [added[i].id for i in (1, 3, 0)]


def test_what_every_url_refuses_has_failed(
    outbox: OutboxRepository, things: Any, got: Any, told: Any
) -> None:
    """The last refusal settles it, with its reason; what stood behind goes on."""
    first = add(outbox, got, things, things.delivery(1, A, B))
    second = add(outbox, got, things, things.delivery(1, A, B))
    outcome = got(outbox.refused(first.ready[0], "bad id", now=NOW))
    assert (outcome.settled, [each.url for each in outcome.ready]) == (None, [A])
    outcome = got(outbox.refused(first.ready[1], "too large", now=NOW))
    assert (outcome.settled, [each.url for each in outcome.ready]) == (DeliveryState.FAILED, [B])
    assert states(outbox, got, first.id) == [("failed", "too large")]
    assert states(outbox, got, second.id) == [("queued", None)]
    assert told() == [(first.id, "failed")]


@pytest.mark.parametrize("refused_first", [False, True])
def test_one_url_that_took_it_is_enough_once_all_answered(
    outbox: OutboxRepository, things: Any, got: Any, refused_first: bool
) -> None:
    """A delivery is sent when no URL is left to try and at least one took it."""
    one, other = add(outbox, got, things, things.delivery(1, A, B, A)).ready
    steps = [lambda: outbox.posted(one, now=NOW), lambda: outbox.refused(other, "no", now=NOW)]
    if refused_first:
        steps.reverse()
    assert got(steps[0]()).settled is None
    assert states(outbox, got, 1) == [("queued", None)]
    assert got(steps[1]()).settled is DeliveryState.SENT
    assert states(outbox, got, 1) == [("sent", None)]


def test_a_contact_without_drop_urls(
    outbox: OutboxRepository, things: Any, got: Any, told: Any
) -> None:
    """A delivery that has nowhere to go has failed at once; the others are posted."""
    nowhere = NewDelivery(recipient=bytes(32), contact_id=9, sealed=b"box", urls=())
    added = add(outbox, got, things, nowhere, things.delivery(1, A))
    assert len(added.ready) == 1
    assert states(outbox, got, added.id) == [("failed", NO_URL), ("queued", None)]
    assert told() == [(added.id, "failed")]
    assert added.last_seq == 1


def test_an_end_that_comes_twice_changes_nothing(
    outbox: OutboxRepository, things: Any, got: Any, told: Any
) -> None:
    """What was under way when it was settled or deleted otherwise is let go."""
    (posting,) = add(outbox, got, things).ready
    got(outbox.posted(posting, now=NOW))
    before = told(), got(outbox.get(1))
    assert got(outbox.posted(posting, now=NOW)).settled is None
    assert got(outbox.refused(posting, "no", now=NOW)).settled is None
    got(outbox.failed_attempt(posting, NOW + 5, "away"))
    assert (told(), got(outbox.get(1))) == before
    assert got(outbox.due(NOW + 60, 10)) == []
    got(outbox.delete(1, now=NOW))
    assert got(outbox.posted(posting, now=NOW)).ready == ()


@pytest.mark.parametrize("deleted", [0, 1, 2])
def test_deleting_in_the_middle_of_a_line(
    outbox: OutboxRepository, things: Any, got: Any, deleted: int
) -> None:
    """Whichever send of a queue is deleted, the others are posted in their order."""
    added = [add(outbox, got, things, things.delivery(1, A, B)) for _ in range(3)]
    outcome = got(outbox.delete(added[deleted].id, now=NOW))
    assert len(outcome.ready) == (2 if deleted == 0 else 0)
    posted = []
    while due := got(outbox.due(NOW, 10)):
        posted += [(each.url, each.send_id) for each in due]
        for each in due:
            got(outbox.posted(each, now=NOW))
    left = [each.id for index, each in enumerate(added) if index != deleted]
    assert sorted(posted) == [(A, left[0]), (A, left[1]), (B, left[0]), (B, left[1])]
    assert [send for url, send in posted if url == A] == left
    assert got(outbox.delete(added[deleted].id, now=NOW)) is None


def test_acknowledgements_are_posted_but_not_shown(
    outbox: OutboxRepository, things: Any, got: Any, told: Any, rows: Any
) -> None:
    """The daemon's own answers queue with messages, and are gone once they are posted."""
    answer = got(outbox.add(things.send(kind=Kind.ACKNOWLEDGEMENT), now=NOW))
    add(outbox, got, things)
    assert [each.kind for each in answer.ready] == [Kind.ACKNOWLEDGEMENT]
    assert [each.id for each in got(outbox.read(0, 10))] == [2]
    assert got(outbox.counts()).queued == 1
    assert got(outbox.delete(answer.id, now=NOW)) is None
    assert len(got(outbox.posted(answer.ready[0], now=NOW)).ready) == 1
    assert told() == []
    assert rows("SELECT kind FROM sends") == [("message",)]


def test_the_same_key_leads_to_the_same_send(
    outbox: OutboxRepository, things: Any, got: Any
) -> None:
    """Asked twice is sent once, and answered the same, also when the send is gone."""
    key = Idempotency("key", b"digest")
    first = got(outbox.add(things.send(), idempotency=key, now=NOW))
    again = got(outbox.add(things.send(), idempotency=key, now=NOW))
    assert (again.id, again.repeated, again.answer, again.ready) == (first.id, True, None, ())
    got(outbox.answered("key", b'{"first":1}'))
    got(outbox.answered("key", b'{"second":2}'))
    got(outbox.delete(first.id, now=NOW))
    again = got(outbox.add(things.send(), idempotency=key, now=NOW))
    assert (again.id, again.repeated, again.answer) == (first.id, True, b'{"first":1}')
    assert got(outbox.read(0, 10)) == []


def test_a_key_for_something_else_is_refused(
    outbox: OutboxRepository, things: Any, got: Any
) -> None:
    """The same key with another request is a mistake, and sends nothing."""
    got(outbox.add(things.send(), idempotency=Idempotency("key", b"one"), now=NOW))
    with pytest.raises(IdempotencyMismatch, match="use a new key"):
        got(outbox.add(things.send(), idempotency=Idempotency("key", b"two"), now=NOW))
    assert len(got(outbox.read(0, 10))) == 1
    assert issubclass(IdempotencyMismatch, StoreError)


def test_keys_are_forgotten_in_time(
    outbox: OutboxRepository, things: Any, got: Any, rows: Any
) -> None:
    """After some days a key is as good as new, whether it was cleared away yet or not."""
    later = NOW + KEEP_FOR / 1000
    key = Idempotency("key", b"one")
    first = got(outbox.add(things.send(), idempotency=key, now=NOW))
    second = got(outbox.add(things.send(), idempotency=Idempotency("key", b"two"), now=later))
    assert first.id != second.id
    got(outbox.expire(0.0, now=later))
    assert rows("SELECT count(*) FROM idempotency") == [(1,)]
    got(outbox.expire(0.0, now=2 * later - NOW))
    assert rows("SELECT count(*) FROM idempotency") == [(0,)]


def test_keys_do_not_grow_without_bound(
    outbox: OutboxRepository, things: Any, got: Any, rows: Any
) -> None:
    """Of more keys than are kept, the oldest are forgotten."""
    for i in range(5):
        key = Idempotency(f"{i}", b"digest")
        got(outbox.add(things.send(), idempotency=key, now=NOW + i))
    got(outbox._database.run(lambda c: idempotency.expire(c, int(NOW * 1000), 2)))
    assert rows("SELECT key FROM idempotency ORDER BY key") == [("3",), ("4",)]


def test_settled_sends_are_forgotten_in_time(
    outbox: OutboxRepository, things: Any, got: Any, rows: Any
) -> None:
    """A send goes when all its deliveries are settled for long enough; what is queued stays."""
    done = add(outbox, got, things, things.delivery(1, A))
    half = add(outbox, got, things, things.delivery(2, A), things.delivery(3, A))
    got(outbox.posted(done.ready[0], now=NOW))
    got(outbox.refused(half.ready[0], "no", now=NOW))
    assert got(outbox.expire(NOW, now=NOW))[0] == 0
    assert got(outbox.expire(NOW + 1, now=NOW))[0] == 1
    assert [each.id for each in got(outbox.read(0, 10))] == [half.id]
    got(outbox.posted(half.ready[1], now=NOW + 5))
    assert got(outbox.expire(NOW + 1, now=NOW))[0] == 0
    assert got(outbox.expire(NOW + 6, now=NOW))[0] == 1
    assert rows("SELECT count(*) FROM deliveries") == [(0,)]
    assert rows("SELECT count(*) FROM postings") == [(0,)]


def test_old_acknowledgements_are_given_up(outbox: OutboxRepository, things: Any, got: Any) -> None:
    """An answer that could not be posted for long makes way for what stands behind it."""
    got(outbox.add(things.send(kind=Kind.ACKNOWLEDGEMENT), now=NOW))
    message = got(outbox.add(things.send(), now=NOW + 10))
    assert message.ready == ()
    count, outcome = got(outbox.expire(NOW + 5, now=NOW + 20))
    assert count == 0
    assert [each.send_id for each in outcome.ready] == [message.id]


def test_reading_page_by_page(outbox: OutboxRepository, things: Any, got: Any) -> None:
    """Sends are listed in the order they were added, all or one identity's."""
    for i in range(6):
        got(outbox.add(things.send(identity_id=i % 2), now=NOW))
    assert [each.id for each in got(outbox.read(0, 4))] == [1, 2, 3, 4]
    assert [each.id for each in got(outbox.read(4, 4))] == [5, 6]
    assert [each.id for each in got(outbox.read(0, 2, identity_id=1))] == [2, 4]
    assert got(outbox.read(6, 4)) == []


def test_counts_and_the_age_of_the_oldest(outbox: OutboxRepository, things: Any, got: Any) -> None:
    """How much there is in each state, and since when the oldest waits."""
    assert got(outbox.counts()) == OutboxCounts(0, 0, 0, None)
    first = got(outbox.add(things.send(things.delivery(1, A), things.delivery(2, B)), now=NOW))
    second = got(outbox.add(things.send(things.delivery(3, A)), now=NOW + 5))
    assert got(outbox.counts()) == OutboxCounts(3, 0, 0, int(NOW * 1000))
    got(outbox.posted(first.ready[0], now=NOW))
    got(outbox.refused(first.ready[1], "no", now=NOW))
    assert got(outbox.counts()) == OutboxCounts(1, 1, 1, int(NOW * 1000) + 5000)
    got(outbox.delete(first.id, now=NOW))
    got(outbox.delete(second.id, now=NOW))
    assert got(outbox.counts()) == OutboxCounts(0, 0, 0, None)
