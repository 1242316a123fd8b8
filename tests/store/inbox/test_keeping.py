"""Storing what was found in a drop: each message once, and all of a batch or nothing."""

import json
from typing import Any

import pytest

from qabel.crypto import key_digest
from qabel.store.database.database import Database
from qabel.store.inbox.repository import EncodedPage, InboxRepository
from qabel.store.inbox.seen import DAY, Drop, ReadDone
from qabel.store.inbox.strangers import StrangerLimits
from qabel.store.journal.cursors import CursorRepository
from qabel.store.outbox.receipts import Receipt
from qabel.store.outbox.repository import OutboxRepository

NOW = 1_800_000_000.0
DAY_SECONDS = DAY / 1000


def ids(page: EncodedPage) -> list[int]:
    """Return the ids of the messages of a page."""
    return [each["id"] for each in json.loads(page.body)]


def test_messages_are_kept_in_order_and_numbered(
    database: Database, inbox: InboxRepository, drop: Drop, things: Any, got: Any
) -> None:
    """Ids rise with each message, and reading goes on from any of them."""
    batches = [[things.message() for _ in range(size)] for size in (3, 1, 2)]
    kept = [got(inbox.keep(drop, batch, now=NOW)) for batch in batches]
    assert [[each.id for each in one.messages] for one in kept] == [[1, 2, 3], [4], [5, 6]]
    assert [one.last_seq for one in kept] == [3, 4, 6]
    assert ids(got(inbox.read_page(0, 100))) == [1, 2, 3, 4, 5, 6]
    assert ids(got(inbox.read_page(2, 2))) == [3, 4]
    assert got(CursorRepository(database).load()).messages == 6


def test_a_message_is_kept_once_whatever_the_drop(
    database: Database, inbox: InboxRepository, drop: Drop, things: Any, got: Any
) -> None:
    """The same bytes from another drop, or twice in one batch, are the same message."""
    one, other = things.message(), Drop("http://localhost/other", "owners")
    got(inbox.start_reading(other))
    assert len(got(inbox.keep(drop, [one, one], now=NOW)).messages) == 1
    assert got(inbox.keep(other, [one], now=NOW)).messages == ()
    assert got(inbox.record_found(other, [one.hash], now=NOW)) == set()
    assert got(CursorRepository(database).load()).messages == 1


def test_an_answer_goes_out_with_the_message_that_asks_for_it(
    inbox: InboxRepository, drop: Drop, things: Any, got: Any, rows: Any
) -> None:
    """The acknowledgement waits exactly when the message is in the inbox, and once."""
    answer = things.acknowledgement(since=5, delay=2)
    asking = things.message(acknowledgement=answer)
    kept = got(inbox.keep(drop, [asking], now=NOW))
    assert (kept.acknowledgements, kept.next_acknowledgement) == (1, 7)
    kept = got(inbox.keep(drop, [asking], now=NOW))
    assert (kept.acknowledgements, kept.next_acknowledgement) == (0, None)
    assert rows("SELECT count(*) FROM acknowledgements") == [(1,)]
    assert rows("SELECT queued FROM state") == [(0,)]


def test_what_cannot_be_kept_as_a_whole_is_not_kept_at_all(
    database: Database, inbox: InboxRepository, drop: Drop, things: Any, got: Any
) -> None:
    """When one of a batch fails, no message, hash or cursor of it is kept."""
    good, bad = things.message(), things.message(time_stamp=2**70)
    with pytest.raises(OverflowError):
        got(inbox.keep(drop, [good, bad], done=ReadDone("9", full=True), now=NOW))
    assert got(CursorRepository(database).load()).messages == 0
    assert got(inbox.start_reading(drop)).cursor is None
    assert got(inbox.record_found(drop, [good.hash], now=NOW)) == {good.hash}


def test_who_was_heard_is_noted(
    inbox: InboxRepository, drop: Drop, things: Any, got: Any, rows: Any
) -> None:
    """Whoever wrote is noted with what is kept, for the identity that he wrote to."""
    batch = [things.message(), things.message(), things.message(receiver=b"2" * 32)]
    got(inbox.keep(drop, batch, now=NOW))
    sender = key_digest(batch[0].sender)
    assert rows("SELECT identity, sender FROM heard_from ORDER BY identity") == [
        (b"2" * 32, sender),
        (batch[0].receiver, sender),
    ]
    got(inbox.delete(1, now=1.0))
    assert len(rows("SELECT * FROM heard_from")) == 2


@pytest.mark.parametrize(("is_from_contact", "noted"), [(True, 1), (False, 0)])
def test_receipts_about_nothing_are_noted_of_contacts(
    inbox: InboxRepository,
    drop: Drop,
    things: Any,
    got: Any,
    rows: Any,
    is_from_contact: bool,
    noted: int,
) -> None:
    """A contact may acknowledge what was deleted; strangers leave nothing with receipts."""
    receipt = Receipt(
        hash=things.digest(),
        sender=b"1" * 32,
        receiver=b"2" * 32,
        acknowledge_id="x",
        is_from_contact=is_from_contact,
        received=1,
    )
    got(inbox.keep(drop, received_receipts=[receipt], now=NOW))
    assert rows("SELECT count(*) FROM heard_from") == [(noted,)]


def test_a_receipt_of_what_was_sent_is_noted(
    database: Database, inbox: InboxRepository, drop: Drop, things: Any, got: Any, rows: Any
) -> None:
    """Who acknowledges something that was sent is noted, also if the contact was deleted since."""
    send = things.send(things.delivery(9), acknowledge_id="ack")
    got(OutboxRepository(database).add(send, now=NOW))
    receipt = Receipt(
        hash=things.digest(),
        sender=bytes([9]) * 32,
        receiver=send.sender,
        acknowledge_id="ack",
        received=1,
    )
    got(inbox.keep(drop, received_receipts=[receipt], now=NOW))
    assert rows("SELECT identity, sender FROM heard_from") == [
        (send.sender, key_digest(receipt.sender))
    ]


def test_refused_strangers_leave_nothing(
    inbox: InboxRepository, drop: Drop, things: Any, got: Any, rows: Any
) -> None:
    """Nothing is noted of strangers whose messages are not kept."""
    limits = StrangerLimits(frozenset(), 0)
    got(inbox.keep(drop, [things.message(contact_id=None)], limits=limits, now=NOW))
    assert rows("SELECT * FROM heard_from") == []
