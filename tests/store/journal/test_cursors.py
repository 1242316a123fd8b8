"""The cursors of consumers: stored, moved forward, and expired."""

import pytest

from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.inbox.repository import InboxRepository
from qabel.store.journal.cursors import CursorRepository
from qabel.store.journal.events import JournalEvents
from qabel.store.numbers import add_event
from qabel.store.tokens import TokenRepository
from tests.store.conftest import Things

NOW = 1_800_000_000.0


@pytest.fixture
def cursors(database: Database) -> CursorRepository:
    """Return the cursors of an empty database."""
    return CursorRepository(database)


def test_cursors_only_move_forward(cursors: CursorRepository) -> None:
    """Each consumer has a cursor of its own, and the farthest value counts."""
    assert result_of(cursors.move((0, "a"), 5, now=NOW)) == 5
    assert result_of(cursors.move((0, "a"), 3, now=NOW)) == 5
    assert result_of(cursors.move((0, "b"), 1, now=NOW)) == 1
    assert result_of(cursors.load()).consumers == {(0, "a"): 5, (0, "b"): 1}


def test_unused_cursors_expire(cursors: CursorRepository) -> None:
    """A cursor that was last moved before the time is deleted, even if it was moved nowhere."""
    for consumer, age in (("old", 0), ("new", 10), ("kept", 0)):
        result_of(cursors.move((0, consumer), 1, now=NOW + age))
    result_of(cursors.move((0, "kept"), 1, now=NOW + 5))
    assert result_of(cursors.expire(NOW + 5)) == [(0, "old")]
    assert result_of(cursors.load()).consumers == {(0, "new"): 1, (0, "kept"): 1}


def test_each_token_has_its_cursors(database: Database, cursors: CursorRepository) -> None:
    """Consumers with one name are others for each token, and go with it for good."""
    tokens = TokenRepository(database)
    one, other = (result_of(tokens.add(each, [], each.encode(), None, now=NOW)) for each in "ab")
    for number, owner in enumerate((0, one.id, other.id), 1):
        result_of(cursors.move((owner, "a"), number, now=NOW))
    assert result_of(cursors.load()).consumers == {(0, "a"): 1, (1, "a"): 2, (2, "a"): 3}
    result_of(tokens.revoke([one.id]))
    result_of(cursors.move((one.id, "a"), 9, now=NOW))
    assert result_of(cursors.load()).consumers == {(0, "a"): 1, (2, "a"): 3}


def test_the_state_of_an_empty_journal(cursors: CursorRepository) -> None:
    """A new database has one start, with the database's id, and nothing in its journal."""
    state = result_of(cursors.load())
    [start] = state.starts
    assert (len(bytes.fromhex(start.mark)), start.first) == (8, -1)
    assert (state.last_seq, state.floor, state.newest_message, state.messages) == (0, 0, 0, 0)
    assert state.consumers == {}


def test_the_state_of_a_journal(
    database: Database, cursors: CursorRepository, things: Things
) -> None:
    """The state has the newest numbers, the floor of events, and the count of messages."""
    inbox = InboxRepository(database)
    result_of(database.run(lambda c: add_event(c, "outbox", b"{}", int(NOW * 1000))))
    result_of(inbox.keep(things.drop, [things.message() for _ in range(3)], now=NOW))
    result_of(inbox.delete(2, now=NOW))
    result_of(database.run(lambda c: add_event(c, "outbox", b"{}", int(NOW * 1000) + 60_000)))
    result_of(JournalEvents(database).prune(NOW + 30, keep_for=10_000))
    state = result_of(cursors.load())
    assert (state.last_seq, state.floor, state.newest_message, state.messages) == (6, 5, 4, 2)
