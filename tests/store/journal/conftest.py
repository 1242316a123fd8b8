"""A journal to add events to and to read."""

from collections.abc import Callable

import pytest

from qabel.deferreds import result_of
from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.journal.entries import JournalEntries
from qabel.store.numbers import add_event

NOW = 1_800_000_000.0


@pytest.fixture
def add_events(database: Database) -> Callable[..., list[int]]:
    """Return a function that adds events created at certain times, in seconds from now."""

    def add(*ages: float) -> list[int]:
        def work(connection: Connection) -> list[int]:
            times = [int((NOW + age) * 1000) for age in ages]
            return [add_event(connection, "outbox", b"{}", time) for time in times]

        return result_of(database.run(work))

    return add


@pytest.fixture
def seqs(database: Database) -> Callable[..., list[int]]:
    """Return a function that reads the numbers of the entries after one."""

    def read(after: int = 0, limit: int = 1000) -> list[int]:
        return [each.seq for each in result_of(JournalEntries(database).read(after, limit))]

    return read
