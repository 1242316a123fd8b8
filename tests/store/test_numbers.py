"""The numbers of the journal: one sequence, in the order of commits."""

from collections.abc import Callable
from typing import Any

import pytest

from qabel.deferreds import result_of
from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.inbox.repository import InboxRepository
from qabel.store.journal.events import JournalEvents
from qabel.store.numbers import Subject, add_event, last_seq, take_numbers
from tests.store.conftest import Things

NOW = 1_800_000_000.0
MS = int(NOW * 1000)


@pytest.fixture
def run(database: Database) -> Callable[..., Any]:
    """Return a function that calls another one within a transaction."""

    def call(function: Callable[..., Any], *given: object, **named: object) -> Any:
        return result_of(database.run(lambda connection: function(connection, *given, **named)))

    return call


def test_numbers_are_consecutive(run: Callable[..., Any]) -> None:
    """Numbers begin at 1, and each call gets the next ones."""
    assert run(last_seq) == 0
    assert [run(take_numbers), run(take_numbers, 3), run(take_numbers)] == [1, 2, 5]
    assert run(last_seq) == 5


def test_an_event_is_stored_under_its_number(run: Callable[..., Any], rows: Any) -> None:
    """An event has kind, detail, time and what it is about, if there is one."""
    about = Subject(7, b"k" * 32, 1)
    assert run(add_event, "outbox", b'{"id":1}', MS, about=about) == 1
    assert run(add_event, "settings", b"{}", MS + 1) == 2
    assert rows("SELECT * FROM events") == [
        (1, "outbox", b'{"id":1}', MS, 7, b"k" * 32, 1),
        (2, "settings", b"{}", MS + 1, None, None, None),
    ]


def test_a_failed_transaction_takes_no_number(run: Callable[..., Any]) -> None:
    """A number whose transaction failed is free, since nobody has seen it."""

    def fail(connection: Connection) -> None:
        add_event(connection, "outbox", b"{}", MS)
        raise KeyError

    with pytest.raises(KeyError):
        run(fail)
    assert run(last_seq) == 0


def test_numbers_are_never_used_again(
    database: Database, run: Callable[..., Any], things: Things
) -> None:
    """A number is not assigned again after its message was deleted or its event expired."""
    inbox = InboxRepository(database)
    result_of(inbox.keep(things.drop, [things.message()], now=NOW))
    result_of(inbox.delete(1, now=NOW))
    # What was deleted has a number, too.
    assert run(add_event, "outbox", b"{}", MS) == 3
    assert result_of(JournalEvents(database).prune(NOW + 10, keep_for=0)) == 3
    assert run(add_event, "outbox", b"{}", MS) == 4
