"""The journal: one sequence of messages and events, read from any cursor."""

import json
from typing import Any

from qabel.contract.access import OneIdentity
from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.inbox.repository import InboxRepository
from qabel.store.journal.cursors import CursorRepository
from qabel.store.journal.entries import MESSAGE_KIND, JournalEntries
from tests.store.conftest import Things
from tests.store.journal.conftest import NOW


def test_messages_and_events_come_in_one_order(
    database: Database, things: Things, add_events: Any, seqs: Any
) -> None:
    """Messages and events are numbered in one sequence, and read in its order."""
    inbox = InboxRepository(database)
    add_events(0)
    result_of(inbox.keep(things.drop, [things.message(identity_id=4), things.message()], now=NOW))
    add_events(0, 0)
    result_of(inbox.keep(things.drop, [things.message()], now=NOW))
    entries = result_of(JournalEntries(database).read(0, 100))
    kinds = ["outbox", MESSAGE_KIND, MESSAGE_KIND, "outbox", "outbox", MESSAGE_KIND]
    assert [(each.seq, each.kind) for each in entries] == list(enumerate(kinds, 1))
    key = things.message().receiver
    assert [each.identity for each in entries] == [
        None,
        OneIdentity(4, key),
        OneIdentity(1, key),
        None,
        None,
        OneIdentity(1, key),
    ]
    message = json.loads(result_of(inbox.get_encoded(2)))
    assert json.loads(entries[1].data) == {"time": message["received"], **message}
    assert seqs(after=2, limit=3) == [3, 4, 5]
    assert seqs(after=6) == []
    assert result_of(CursorRepository(database).load()).last_seq == 6


def test_contents_are_not_shown(database: Database, things: Things) -> None:
    """The repr of an entry, which may go to a log, does not contain the message."""
    message = things.message(data=b'{"msg":"SECRET"}')
    result_of(InboxRepository(database).keep(things.drop, [message], now=NOW))
    (entry,) = result_of(JournalEntries(database).read(0, 10))
    assert b"SECRET" in entry.data
    assert "SECRET" not in repr(entry)
