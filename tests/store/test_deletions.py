"""Many deletions: noted, and done in parts."""

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from qabel.deferreds import result_of
from qabel.store import deletions, pace
from qabel.store.database.database import Database
from qabel.store.deletions import DeletionRepository
from qabel.store.inbox.repository import InboxRepository
from qabel.store.outbox.repository import OutboxRepository

NOW = 1_800_000_000.0


def test_parts(
    database: Database, things: Any, rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was noted is deleted in parts, by whoever comes; what waited behind it may start."""
    monkeypatch.setattr(pace, "FIRST", 3)
    monkeypatch.setattr(pace, "MOST", 3)
    monkeypatch.setattr(deletions, "NOTED_AT_ONCE", 2)
    new = [things.message() for _ in range(5)]
    result_of(InboxRepository(database).keep(things.drop, new, now=NOW))
    outbox = OutboxRepository(database)
    url = "http://drop.example/" + 43 * "a"
    added = [result_of(outbox.add(things.send(things.delivery(7, url)), now=NOW)) for _ in "123"]
    gone = [each.id for each in added[:2]]
    noting = DeletionRepository(database).note([1, 2, 3, 4, 99], [*gone, 99])
    result_of(Deferred.fromCoroutine(noting))
    assert rows("SELECT count(*) FROM deletions") == [(6,)]
    # Deleted by others meanwhile.
    result_of(InboxRepository(database).delete(4, now=NOW))
    assert rows("SELECT count(*) FROM deletions") == [(5,)]
    repository, done = DeletionRepository(database), []
    while (some := result_of(repository.delete_some(now=NOW))) is not None:
        done.append(some)
    assert sum(each.messages for each in done) == 3
    assert [number for each in done for number in each.sends] == gone
    assert [each.send_id for some in done for each in some.ready] == [added[2].id]
    assert len(done) == 2
    assert rows("SELECT id FROM messages") == [(5,)]
    assert rows("SELECT id FROM sends") == [(added[2].id,)]
    assert rows("SELECT * FROM deletions") == []
    assert done[-1].last_seq == rows("SELECT last_seq FROM state")[0][0]
