"""The retention of events: what is deleted, and how the floor tells readers."""

from typing import Any

from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.inbox.repository import InboxRepository
from qabel.store.journal.cursors import CursorRepository
from qabel.store.journal.events import JournalEvents
from tests.store.conftest import Things
from tests.store.journal.conftest import NOW


def test_old_events_expire(database: Database, things: Things, add_events: Any, seqs: Any) -> None:
    """Old events are deleted and messages are not; the floor is the last deleted number."""
    result_of(InboxRepository(database).keep(things.drop, [things.message()], now=NOW))
    add_events(-20, -10, 0)
    prune = JournalEvents(database).prune
    assert result_of(prune(NOW, keep_for=30_000)) == 0
    assert result_of(prune(NOW, keep_for=15_000)) == 2
    assert seqs() == [1, 3, 4]
    assert result_of(prune(NOW + 60, keep_for=15_000)) == 4
    assert seqs() == [1]
    assert result_of(prune(NOW + 60, keep_for=15_000)) == 4
    assert result_of(CursorRepository(database).load()).floor == 4


def test_the_number_of_events_is_limited(database: Database, add_events: Any, seqs: Any) -> None:
    """Of more events than are kept, the oldest are deleted, whatever their age."""
    add_events(*[0] * 10)
    assert result_of(JournalEvents(database).prune(NOW, at_most=4)) == 6
    assert seqs() == [7, 8, 9, 10]


def test_a_clock_that_jumped_leaves_no_holes(
    database: Database, add_events: Any, seqs: Any
) -> None:
    """Events are deleted in the order of their numbers, even if their times are out of order."""
    add_events(-5, 100, -50, 0)
    assert result_of(JournalEvents(database).prune(NOW, keep_for=20_000)) == 0
    assert result_of(JournalEvents(database).prune(NOW + 30, keep_for=20_000)) == 1
    assert seqs() == [2, 3, 4]


def test_an_empty_journal_has_nothing_to_expire(database: Database) -> None:
    """Without events there is nothing to delete, and the floor stays."""
    assert result_of(JournalEvents(database).prune(NOW)) == 0
