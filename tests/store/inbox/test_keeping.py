"""Storing what was found in a drop: each message once, and all of a batch or nothing."""

import json
from typing import Any

import pytest

from qabel.store.database.database import Database
from qabel.store.inbox.repository import EncodedPage, InboxRepository
from qabel.store.inbox.seen import DAY, Drop, ReadDone
from qabel.store.journal.cursors import CursorRepository

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
    """The acknowledgement is in the outbox exactly when the message is in the inbox, and once."""
    answer = things.send(kind="acknowledgement", message=None)
    asking = things.message(acknowledgement=answer)
    assert got(inbox.keep(drop, [asking], now=NOW)).acknowledgements == 1
    assert got(inbox.keep(drop, [asking], now=NOW)).acknowledgements == 0
    assert rows("SELECT count(*) FROM sends WHERE kind = 'acknowledgement'") == [(1,)]
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
