"""Sends: which postings may start, in which order, and what the journal says about them."""

import json
from collections.abc import Callable
from typing import Any

from qabel.contract.access import OneIdentity
from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.journal.entries import JournalEntries
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.outbox.sends import NO_URL, NewDelivery
from tests.store.conftest import Things
from tests.store.outbox.conftest import NOW, A, B

Events = Callable[[], list[tuple[int, str]]]
States = Callable[[int], list[tuple[str, str | None]]]


def test_messages_to_one_recipient_stay_in_order(
    outbox: OutboxRepository, things: Things, add: Any
) -> None:
    """A message waits for an earlier one to the same recipient and drop URL, and for no other."""
    first = add(things.delivery(1, A))
    second = add(things.delivery(1, A))
    elsewhere = add(things.delivery(1, B))
    other = add(things.delivery(2, A))
    assert [len(each.ready) for each in (first, second, elsewhere, other)] == [1, 0, 1, 1]
    result_of(outbox.failed_attempt(first.ready[0], NOW + 60, "away"))
    due = result_of(outbox.due(NOW + 59, 10))
    assert {each.send_id for each in due} == {elsewhere.id, other.id}
    change = result_of(outbox.posted(first.ready[0], now=NOW + 60))
    assert [each.send_id for each in change.ready] == [second.id]


def test_messages_of_different_senders_do_not_wait_for_each_other(
    outbox: OutboxRepository, things: Things, add: Any
) -> None:
    """What one identity has queued for a drop holds up nothing that another sends there."""
    first = add(things.delivery(1, A))
    other = add(things.delivery(1, A), sender=b"\x77" * 32)
    second = add(things.delivery(1, A))
    [mine], [theirs] = first.ready, other.ready
    assert (mine.sender, theirs.sender) == (b"\x5e" * 32, b"\x77" * 32)
    assert result_of(outbox.posted(theirs, now=NOW)).ready == ()
    [next_one] = result_of(outbox.posted(mine, now=NOW)).ready
    assert (next_one.send_id, next_one.queue) == (second.id, mine.queue)
    deleting = add(things.delivery(1, A), sender=b"\x77" * 32)
    behind = add(things.delivery(1, A), sender=b"\x77" * 32)
    change = result_of(outbox.delete(deleting.id, now=NOW))
    assert change is not None
    assert [each.send_id for each in change.ready] == [behind.id]


def test_deliveries_of_one_send_share_a_queue(
    outbox: OutboxRepository, things: Things, add: Any
) -> None:
    """Two deliveries of one send to the same recipient and drop URL are posted one by one."""
    (first,) = add(things.delivery(1, A), things.delivery(1, A)).ready
    (second,) = result_of(outbox.posted(first, now=NOW)).ready
    assert second.delivery_id != first.delivery_id
    assert result_of(outbox.posted(second, now=NOW)).ready == ()


def test_a_drop_url_that_is_given_twice(things: Things, add: Any) -> None:
    """A delivery is posted to each of its drop URLs once, however often one is given."""
    assert [each.url for each in add(things.delivery(1, A, B, A)).ready] == [A, B]


def test_a_recipient_without_drop_urls(
    things: Things, add: Any, states: States, events: Events
) -> None:
    """A delivery without a drop URL has failed at once, and the others are posted."""
    nowhere = NewDelivery(recipient=bytes(32), contact_id=9, sealed=b"box", urls=())
    added = add(nowhere, things.delivery(1, A))
    assert len(added.ready) == 1
    assert states(added.id) == [("failed", NO_URL), ("queued", None)]
    assert events() == [(added.id, "failed")]
    assert added.last_seq == 2


def test_the_event_about_a_delivery(
    database: Database, outbox: OutboxRepository, things: Things, add: Any
) -> None:
    """An event has the whole state of the delivery, and belongs to the sending identity."""
    added = add(things.delivery(7, A), identity_id=4)
    result_of(outbox.refused(added.ready[0], "too large", now=NOW))
    (event,) = result_of(JournalEntries(database).read(0, 10))
    assert (event.seq, event.kind, event.identity) == (
        2,
        "outbox",
        OneIdentity(4, things.send().sender),
    )
    assert json.loads(event.data) == {
        "time": int(NOW * 1000),
        "identity_id": 4,
        "id": added.id,
        "recipient": "07" * 32,
        "contact_id": 7,
        "state": "failed",
        "reason": "too large",
        "acknowledged": None,
    }


def test_sealed_bytes_are_deleted_when_a_delivery_is_settled(
    outbox: OutboxRepository, things: Things, add: Any, rows: Any
) -> None:
    """The sealed message is stored until its delivery is sent or failed, and no longer."""
    delivery = things.delivery(1, A)
    added = add(delivery)
    assert rows("SELECT sealed FROM deliveries") == [(delivery.sealed,)]
    result_of(outbox.posted(added.ready[0], now=NOW))
    assert rows("SELECT sealed FROM deliveries") == [(None,)]


def test_postings_show_no_secrets(add: Any, things: Things) -> None:
    """The repr of a posting has neither the drop URL nor the sealed message."""
    delivery = things.delivery(1, A)
    (posting,) = add(delivery).ready
    assert A not in repr(posting)
    assert repr(delivery.sealed) not in repr(posting)
