"""Receipts: what recipients say about what was sent to them."""

from typing import Any

import pytest

from qabel.store.database.database import Database
from qabel.store.inbox.repository import InboxRepository
from qabel.store.outbox.receipts import Receipt
from qabel.store.outbox.records import OutboxCounts
from qabel.store.outbox.repository import OutboxRepository

NOW = 1_800_000_000.0
ME, THEM = b"\x5e" * 32, b"\x01" * 32
A, B = "http://localhost/a", "http://localhost/b"


@pytest.fixture
def outbox(database: Database) -> OutboxRepository:
    """Return the outbox of an empty database."""
    return OutboxRepository(database)


@pytest.fixture
def receive(database: Database, things: Any, got: Any) -> Any:
    """Return what receives a receipt, and returns how many deliveries changed by it."""

    def run(**given: Any) -> int:
        values = {"sender": THEM, "receiver": ME, "acknowledge_id": "ack", "received": 5}
        receipt = Receipt(hash=things.digest(), **{**values, **given})
        return got(
            InboxRepository(database).keep(things.drop, received_receipts=[receipt], now=NOW)
        ).receipts

    return run


def send(outbox: OutboxRepository, things: Any, got: Any, *urls: str) -> Any:
    """Send a message that asks for an acknowledgement."""
    delivery = things.delivery(1, *urls or (A,))
    return got(outbox.add(things.send(delivery, acknowledge_id="ack"), now=NOW))


def delivery(outbox: OutboxRepository, got: Any, send_id: int = 1) -> tuple[Any, ...]:
    """Read how far the one delivery of a send is."""
    (found,) = got(outbox.get(send_id)).deliveries
    return found.state.value, found.reason, found.acknowledged


def test_a_receipt_is_noted_once(
    outbox: OutboxRepository, things: Any, got: Any, receive: Any, rows: Any
) -> None:
    """The first one tells that the message came; later ones change nothing."""
    added = send(outbox, things, got)
    got(outbox.posted(added.ready[0], now=NOW))
    assert receive() == 1
    assert delivery(outbox, got) == ("sent", None, 5)
    assert receive(received=9) == 0
    assert delivery(outbox, got) == ("sent", None, 5)
    assert rows("SELECT count(*) FROM events") == [(2,)]


def test_what_was_acknowledged_is_not_posted_again(
    outbox: OutboxRepository, things: Any, got: Any, receive: Any
) -> None:
    """A message that arrived by one URL need not go to the others; the queues move up."""
    first = send(outbox, things, got, A, B)
    second = got(outbox.add(things.send(things.delivery(1, A, B)), now=NOW))
    assert receive() == 1
    assert delivery(outbox, got) == ("sent", None, 5)
    assert [each.send_id for each in got(outbox.due(NOW, 10))] == [second.id, second.id]
    assert got(outbox.posted(first.ready[0], now=NOW)).settled is None
    assert got(outbox.counts()) == OutboxCounts(1, 1, 0, int(NOW * 1000))


def test_a_recipient_that_cannot_use_it(
    outbox: OutboxRepository, things: Any, got: Any, receive: Any
) -> None:
    """What its recipient has no module for has failed, with that reason."""
    got(outbox.posted(send(outbox, things, got).ready[0], now=NOW))
    assert receive(error="no module") == 1
    assert delivery(outbox, got) == ("failed", "no module", 5)
    assert got(outbox.counts()) == OutboxCounts(0, 0, 1, None)


@pytest.mark.parametrize(
    "given",
    [{"sender": ME}, {"receiver": THEM}, {"acknowledge_id": "other"}, {"acknowledge_id": "0"}],
)
def test_nobody_else_can_acknowledge(
    outbox: OutboxRepository, things: Any, got: Any, receive: Any, given: Any
) -> None:
    """Sender, receiver and id must all be those of the message."""
    send(outbox, things, got)
    got(outbox.add(things.send(things.delivery(1, A), acknowledge_id="0"), now=NOW))
    assert receive(**given) == 0
    assert delivery(outbox, got, 1) == delivery(outbox, got, 2) == ("queued", None, None)


def test_a_receipt_is_for_one_recipient(
    outbox: OutboxRepository, things: Any, got: Any, receive: Any
) -> None:
    """Of a message to several, each acknowledges for itself."""
    deliveries = [things.delivery(1, A), things.delivery(2, A)]
    got(outbox.add(things.send(*deliveries, acknowledge_id="ack"), now=NOW))
    assert receive(sender=b"\x02" * 32) == 1
    states = [each.state.value for each in got(outbox.get(1)).deliveries]
    assert states == ["queued", "sent"]


def test_a_receipt_that_is_received_again_is_known(
    database: Database, outbox: OutboxRepository, things: Any, got: Any
) -> None:
    """The same bytes from the server count once, though another message could match."""
    send(outbox, things, got)
    send(outbox, things, got)
    receipt = Receipt(
        hash=things.digest(), sender=THEM, receiver=ME, acknowledge_id="ack", received=5
    )
    inbox = InboxRepository(database)
    for expected in (1, 0):
        kept = got(inbox.keep(things.drop, received_receipts=[receipt, receipt], now=NOW))
        assert kept.receipts == expected
    assert [delivery(outbox, got, i)[2] for i in (1, 2)] == [5, None]
