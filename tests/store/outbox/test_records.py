"""Records of sends: what the outbox shows of each, page by page."""

from typing import Any

import pytest

from qabel.contract.access import OneIdentity
from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.outbox.records import OutboxCounts, SendFilter, SendRecord
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.tokens import TokenRepository, TokenRevoked
from tests.store.conftest import Things
from tests.store.outbox.conftest import NOW, A, B

MS = int(NOW * 1000)


def get(outbox: OutboxRepository, send_id: int) -> SendRecord:
    """Return a send that must exist."""
    record = result_of(outbox.get(send_id))
    assert record is not None
    return record


def test_a_record_is_complete(outbox: OutboxRepository, things: Things, add: Any) -> None:
    """A record says what was sent to whom, and the state and attempts of each delivery."""
    added = add(things.delivery(1, A), things.delivery(2, B), acknowledge_id="ack")
    result_of(outbox.posted(added.ready[0], now=NOW + 1))
    result_of(outbox.failed_attempt(added.ready[1], NOW + 60, "no answer"))
    record = get(outbox, added.id)
    assert (record.id, record.created) == (added.id, MS)
    assert (record.sender, record.identity_id) == ("5e" * 32, 1)
    assert (record.model_object, record.acknowledge_id) == ("chat", "ack")
    assert record.message == b'{"msg":"hello"}'
    first, second = record.deliveries
    assert (first.recipient, first.contact_id, first.attempts) == ("01" * 32, 1, 1)
    assert (first.settled, first.next_attempt) == (MS + 1000, None)
    assert (second.reason, second.attempts, second.settled) == ("no answer", 1, None)
    assert second.next_attempt == MS + 60_000
    assert result_of(outbox.read(0, 10)) == [record]
    assert result_of(outbox.get(99)) is None


def test_a_delivery_to_several_urls(outbox: OutboxRepository, things: Things, add: Any) -> None:
    """Attempts are counted for all drop URLs together, and the earliest next one is shown."""
    added = add(things.delivery(1, A, B))
    one, other = added.ready
    for wait in (30, 60):
        result_of(outbox.failed_attempt(one, NOW + wait, "away"))
    result_of(outbox.failed_attempt(other, NOW + 45, "broken"))
    (delivery,) = get(outbox, added.id).deliveries
    assert (delivery.attempts, delivery.next_attempt) == (3, MS + 45_000)
    assert delivery.reason == "away"
    result_of(outbox.refused(one, "no", now=NOW))
    (delivery,) = get(outbox, added.id).deliveries
    assert (delivery.attempts, delivery.reason) == (4, "broken")


def test_pages(outbox: OutboxRepository, add: Any) -> None:
    """Sends are listed in the order they were added, all or those of one identity."""
    for i in range(6):
        add(identity_id=i % 2)
    assert [each.id for each in result_of(outbox.read(0, 4))] == [1, 2, 3, 4]
    assert [each.id for each in result_of(outbox.read(4, 4))] == [5, 6]
    one, another = OneIdentity(1, b"\x5e" * 32), OneIdentity(1, b"another key")
    assert [each.id for each in result_of(outbox.read(0, 2, SendFilter(one)))] == [2, 4]
    assert result_of(outbox.read(0, 2, SendFilter(another))) == []
    assert result_of(outbox.read(6, 4)) == []


def test_sends_of_a_token(database: Database, outbox: OutboxRepository, add: Any) -> None:
    """Those of one token are read and deleted through its filter, and others are not there."""
    token = result_of(TokenRepository(database).add("t", ["send"], b"d", None, now=NOW))
    others, own = add(), add(token_id=token.id)
    which = SendFilter(token_id=token.id)
    assert [each.id for each in result_of(outbox.read(0, 9, which))] == [own.id]
    assert result_of(outbox.get(others.id, which)) is None
    assert result_of(outbox.delete(others.id, which, now=NOW)) is None
    assert result_of(outbox.get(others.id)) is not None
    assert result_of(outbox.delete(own.id, which, now=NOW)) is not None


def test_nothing_is_added_with_a_revoked_token(outbox: OutboxRepository, add: Any) -> None:
    """A send of a token that does not exist any more is not stored."""
    with pytest.raises(TokenRevoked):
        add(token_id=7)
    assert result_of(outbox.read(0, 9)) == []


def test_counts_and_the_age_of_the_oldest(
    outbox: OutboxRepository, things: Things, add: Any
) -> None:
    """The counts say how many deliveries are in each state, and how long the oldest waits."""
    assert result_of(outbox.counts()) == OutboxCounts(0, 0, 0, None)
    first = add(things.delivery(1, A), things.delivery(2, B))
    second = add(things.delivery(3, A), now=NOW + 5)
    assert result_of(outbox.counts()) == OutboxCounts(3, 0, 0, MS)
    result_of(outbox.posted(first.ready[0], now=NOW))
    result_of(outbox.refused(first.ready[1], "no", now=NOW))
    assert result_of(outbox.counts()) == OutboxCounts(1, 1, 1, MS + 5000)
    result_of(outbox.delete(first.id, now=NOW))
    result_of(outbox.delete(second.id, now=NOW))
    assert result_of(outbox.counts()) == OutboxCounts(0, 0, 0, None)


def test_messages_are_not_shown(outbox: OutboxRepository, add: Any) -> None:
    """The repr of a record, which may go to a log, does not contain the message."""
    assert "hello" not in repr(get(outbox, add().id))
