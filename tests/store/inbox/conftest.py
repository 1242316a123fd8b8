"""The inbox that the tests of its repository share."""

from typing import Any

import pytest

from qabel.store.database.database import Database
from qabel.store.inbox.repository import (
    InboxRepository,
)
from qabel.store.inbox.seen import DAY, Drop

NOW = 1_800_000_000.0
DAY_SECONDS = DAY / 1000


@pytest.fixture
def inbox(database: Database) -> InboxRepository:
    """Return the inbox of an empty database."""
    return InboxRepository(database)


@pytest.fixture
def drop(inbox: InboxRepository, things: Any, got: Any) -> Drop:
    """Return a drop that is being read."""
    got(inbox.start_reading(things.drop))
    return things.drop
