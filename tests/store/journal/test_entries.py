"""The journal: one sequence of messages and events, read from any cursor."""

import json
from typing import Any

import pytest

from qabel.store.database.database import Database
from qabel.store.inbox.repository import InboxRepository
from qabel.store.journal.cursors import CursorRepository
from qabel.store.journal.entries import MESSAGE_KIND, JournalEntries
from qabel.store.journal.events import JournalEvents
from qabel.store.numbers import add_event

NOW = 1_800_000_000.0
MS = int(NOW * 1000)


@pytest.fixture
def events(database: Database, got: Any) -> Any:
    """Return what adds events that were created at certain times, in seconds from now."""

    def add(*ages: float) -> list[int]:
        def work(connection: Any) -> list[int]:
            return [add_event(connection, "outbox", b"{}", MS + int(age * 1000)) for age in ages]

        return got(database.run(work))

    return add


def seqs(database: Database, got: Any, after: int = 0, limit: int = 1000) -> list[int]:
    """Read the numbers of entries."""
    return [each.seq for each in got(JournalEntries(database).read(after, limit))]


def test_messages_and_events_come_in_one_order(
    database: Database, things: Any, got: Any, events: Any
) -> None:
    """Both have numbers of one sequence, and are read together by them."""
    inbox = InboxRepository(database)
    events(0)
    got(inbox.keep(things.drop, [things.message(identity_id=4), things.message()], now=NOW))
    events(0, 0)
    got(inbox.keep(things.drop, [things.message()], now=NOW))
    entries = got(JournalEntries(database).read(0, 100))
    kinds = ["outbox", MESSAGE_KIND, MESSAGE_KIND, "outbox", "outbox", MESSAGE_KIND]
    assert [(each.seq, each.kind) for each in entries] == list(enumerate(kinds, 1))
    assert [each.identity_id for each in entries] == [None, 4, 1, None, None, 1]
    assert json.loads(entries[1].data) == json.loads(got(inbox.get_encoded(2)))
    assert seqs(database, got, after=2, limit=3) == [3, 4, 5]
    assert seqs(database, got, after=6) == []
    assert got(CursorRepository(database).load()).last_seq == 6


def test_numbers_are_never_given_twice(
    database: Database, things: Any, got: Any, events: Any
) -> None:
    """Not after what had them is deleted, nor after a transaction failed."""
    inbox = InboxRepository(database)
    got(inbox.keep(things.drop, [things.message()], now=NOW))
    got(inbox.delete(1))
    assert events(0) == [2]

    def fail(connection: Any) -> None:
        add_event(connection, "outbox", b"{}", MS)
        raise KeyError

    with pytest.raises(KeyError):
        got(database.run(fail))
    got(JournalEvents(database).prune(NOW + 10, keep_for=0))
    assert events(0) == [3]


def test_old_events_go_and_the_floor_says_so(
    database: Database, things: Any, got: Any, events: Any
) -> None:
    """Events are kept for some time; messages stay; the floor is the last number that is gone."""
    got(InboxRepository(database).keep(things.drop, [things.message()], now=NOW))
    events(-20, -10, 0)
    prune = JournalEvents(database).prune
    assert got(prune(NOW, keep_for=30_000)) == 0
    assert got(prune(NOW, keep_for=15_000)) == 2
    assert seqs(database, got) == [1, 3, 4]
    assert got(prune(NOW + 60, keep_for=15_000)) == 4
    assert seqs(database, got) == [1]
    assert got(prune(NOW + 60, keep_for=15_000)) == 4
    assert got(CursorRepository(database).load()).floor == 4


def test_only_so_many_events_are_kept(database: Database, got: Any, events: Any) -> None:
    """Of more than that, the oldest go, however young they are."""
    events(*[0] * 10)
    assert got(JournalEvents(database).prune(NOW, at_most=4)) == 6
    assert seqs(database, got) == [7, 8, 9, 10]


def test_a_clock_that_jumped_makes_no_holes(database: Database, got: Any, events: Any) -> None:
    """Events go from the oldest number on: none in the middle, whatever time it bears."""
    events(-5, 100, -50, 0)
    assert got(JournalEvents(database).prune(NOW, keep_for=20_000)) == 0
    assert got(JournalEvents(database).prune(NOW + 30, keep_for=20_000)) == 1
    assert seqs(database, got) == [2, 3, 4]
