"""A front end of a database, which need not be there at the start."""

import pytest
import pytest_twisted
from twisted.internet import reactor

from qabel.dropserver.message_values import DAY, MEGABYTE
from qabel.dropserver.postgresql.engine import PostgresEngine
from qabel.dropserver.wanted import Wanted
from qabel.host.push.push_hub import PushHub
from tests.dropserver.postgresql.test_configuration import agreed
from tests.dropserver.postgresql.test_front_ends import until


@pytest_twisted.ensureDeferred
async def test_it_says_what_the_database_says(database: str) -> None:
    """Before it knows, it says what it was told."""
    agreed(database, Wanted(quota=5 * MEGABYTE, lifetime=3 * DAY))
    engine = PostgresEngine(database, Wanted(), reactor, on_refused=pytest.fail)
    assert engine.retention.lifetime == 7 * DAY
    store, feed = engine.open(PushHub())
    try:
        assert await store.open("a" * 43, None, 1) is None
        assert engine.retention.lifetime == 3 * DAY
        await until(lambda: feed.is_ready)
    finally:
        feed.close()
        await store.close()
    assert "postgresql://" not in repr(engine)
