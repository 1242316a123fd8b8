"""An outbox in an empty database, and ways to look at it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.journal.entries import JournalEntries
from qabel.store.outbox.repository import Added, OutboxRepository
from qabel.store.outbox.sends import NewDelivery
from tests.store.conftest import Things

NOW = 1_800_000_000.0
A, B = "http://localhost/a", "http://localhost/b"


@pytest.fixture
def outbox(database: Database) -> OutboxRepository:
    """Return the outbox of an empty database."""
    return OutboxRepository(database)


@pytest.fixture
def add(outbox: OutboxRepository, things: Things) -> Callable[..., Added]:
    """Return a function that adds a send with these deliveries, or with one."""

    def run(*deliveries: NewDelivery, now: float = NOW, **given: Any) -> Added:
        return result_of(outbox.add(things.send(*deliveries, **given), now=now))

    return run


@pytest.fixture
def states(outbox: OutboxRepository) -> Callable[[int], list[tuple[str, str | None]]]:
    """Return a function that reads state and reason of each delivery of a send."""

    def run(send_id: int) -> list[tuple[str, str | None]]:
        record = result_of(outbox.get(send_id))
        assert record is not None
        return [(each.state.value, each.reason) for each in record.deliveries]

    return run


@pytest.fixture
def events(database: Database) -> Callable[[], list[tuple[int, str]]]:
    """Return a function that reads the send and the state that each event is about."""

    def run() -> list[tuple[int, str]]:
        entries = result_of(JournalEntries(database).read(0, 1000))
        details = [json.loads(each.data) for each in entries]
        return [(each["id"], each["state"]) for each in details]

    return run
