"""Receipts: what recipients report about messages that were sent to them."""

from typing import Any

import pytest

from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.inbox.repository import InboxRepository
from qabel.store.outbox.receipts import Receipt
from qabel.store.outbox.records import OutboxCounts
from qabel.store.outbox.repository import OutboxRepository
from tests.store.conftest import Things
from tests.store.outbox.conftest import NOW, A, B

ME, THEM = b"\x5e" * 32, b"\x01" * 32


@pytest.fixture
def receive(database: Database, things: Things) -> Any:
    """Return a function that receives a receipt, and returns how many deliveries it changed."""

    def run(**given: Any) -> int:
        values = {"sender": THEM, "receiver": ME, "acknowledge_id": "ack", "received": 5}
        receipt = Receipt(hash=things.digest(), **{**values, **given})
        return result_of(
            InboxRepository(database).keep(things.drop, received_receipts=[receipt], now=NOW)
        ).receipts

    return run


def send(outbox: OutboxRepository, things: Things, *urls: str) -> Any:
    """Send a message that asks for an acknowledgement."""
    delivery = things.delivery(1, *urls or (A,))
    return result_of(outbox.add(things.send(delivery, acknowledge_id="ack"), now=NOW))


def delivery(outbox: OutboxRepository, send_id: int = 1) -> tuple[Any, ...]:
    """Return state, reason and time of the receipt of a send's only delivery."""
    (found,) = result_of(outbox.get(send_id)).deliveries
    return found.state.value, found.reason, found.acknowledged


def test_a_receipt_counts_once(
    outbox: OutboxRepository, things: Things, receive: Any, rows: Any
) -> None:
    """The first receipt records when the message arrived, and later ones change nothing."""
    added = send(outbox, things)
    result_of(outbox.posted(added.ready[0], now=NOW))
    assert receive() == 1
    assert delivery(outbox) == ("sent", None, 5)
    assert receive(received=9) == 0
    assert delivery(outbox) == ("sent", None, 5)
    assert rows("SELECT count(*) FROM events") == [(2,)]


def test_what_was_acknowledged_is_not_posted_again(
    outbox: OutboxRepository, things: Things, receive: Any
) -> None:
    """A message that arrived is not posted to its other drop URLs, and their queues continue."""
    first = send(outbox, things, A, B)
    second = result_of(outbox.add(things.send(things.delivery(1, A, B)), now=NOW))
    assert receive() == 1
    assert delivery(outbox) == ("sent", None, 5)
    assert [each.send_id for each in result_of(outbox.due(NOW, 10))] == [second.id, second.id]
    assert result_of(outbox.posted(first.ready[0], now=NOW)).settled is None
    assert result_of(outbox.counts()) == OutboxCounts(1, 1, 0, int(NOW * 1000))


def test_a_recipient_that_cannot_use_the_message(
    outbox: OutboxRepository, things: Things, receive: Any
) -> None:
    """A receipt with an error makes the delivery fail, with that error as its reason."""
    result_of(outbox.posted(send(outbox, things).ready[0], now=NOW))
    assert receive(error="no module") == 1
    assert delivery(outbox) == ("failed", "no module", 5)
    assert result_of(outbox.counts()) == OutboxCounts(0, 0, 1, None)


@pytest.mark.parametrize(
    "given",
    [{"sender": ME}, {"receiver": THEM}, {"acknowledge_id": "other"}, {"acknowledge_id": "0"}],
)
def test_nobody_else_can_acknowledge(
    outbox: OutboxRepository, things: Things, receive: Any, given: Any
) -> None:
    """A receipt counts only if sender, receiver and id are those of the message."""
    send(outbox, things)
    result_of(outbox.add(things.send(things.delivery(1, A), acknowledge_id="0"), now=NOW))
    assert receive(**given) == 0
    assert delivery(outbox, 1) == delivery(outbox, 2) == ("queued", None, None)


def test_a_receipt_is_for_one_recipient(
    outbox: OutboxRepository, things: Things, receive: Any
) -> None:
    """Each recipient of a message acknowledges only its own delivery."""
    deliveries = [things.delivery(1, A), things.delivery(2, A)]
    result_of(outbox.add(things.send(*deliveries, acknowledge_id="ack"), now=NOW))
    assert receive(sender=b"\x02" * 32) == 1
    states = [each.state.value for each in result_of(outbox.get(1)).deliveries]
    assert states == ["queued", "sent"]


def test_a_receipt_that_is_fetched_again(
    database: Database, outbox: OutboxRepository, things: Things
) -> None:
    """The same bytes from the server count once, even if another message could match."""
    send(outbox, things)
    send(outbox, things)
    receipt = Receipt(
        hash=things.digest(), sender=THEM, receiver=ME, acknowledge_id="ack", received=5
    )
    inbox = InboxRepository(database)
    for expected in (1, 0):
        kept = result_of(inbox.keep(things.drop, received_receipts=[receipt, receipt], now=NOW))
        assert kept.receipts == expected
    assert [delivery(outbox, i)[2] for i in (1, 2)] == [5, None]
