"""What is known of drops and of the messages seen in them."""

from collections.abc import Callable
from typing import Any

import pytest

from qabel.deferreds import result_of
from qabel.drop.transport import HASH_SIZE
from qabel.store.database.database import Database
from qabel.store.inbox import seen
from qabel.store.inbox.seen import DAY, KEEP_FOREIGN_DAYS, Drop, DropState, ReadDone

DROP = Drop("http://localhost/drop", "me")
FOREIGN, OWN, NEW = (bytes([each]) * HASH_SIZE for each in range(3))
NOW = 20_000 * DAY

Run = Callable[..., Any]


@pytest.fixture
def run(database: Database) -> Run:
    """Return what runs one of the functions in a transaction, and returns its result."""
    return lambda work, *args: result_of(database.run(lambda found: work(found, *args)))


@pytest.fixture
def drop_id(run: Run) -> int:
    """Return the id of a drop with one foreign message, beside one of our own."""
    run(seen.start_reading, DROP)
    found = run(seen.find_drop, DROP)
    run(seen.add_foreign, found, [FOREIGN], NOW)
    assert run(seen.add_own, OWN)
    return int(found)


def test_only_what_is_new_is_unseen(run: Run, drop_id: int) -> None:
    """Our own messages are known everywhere, foreign ones in the drop where they were seen."""
    hashes = [FOREIGN, OWN, NEW]
    assert run(seen.find_unseen, drop_id, hashes) == {NEW}
    assert run(seen.find_unseen, None, hashes) == {FOREIGN, NEW}
    assert run(seen.find_unseen, drop_id + 1, hashes) == {FOREIGN, NEW}


def test_looking_for_what_is_new_changes_nothing(run: Run, drop_id: int, rows: Any) -> None:
    """Only refreshing records that the server still has a message."""
    run(seen.find_unseen, drop_id, [FOREIGN])
    assert rows("SELECT day FROM foreign_hashes") == [(NOW // DAY,)]
    run(seen.refresh_foreign, drop_id, [FOREIGN, NEW], NOW + DAY)
    assert rows("SELECT day FROM foreign_hashes") == [(NOW // DAY + 1,)]


def test_an_own_message_is_new_once(run: Run, drop_id: int) -> None:
    """A message of our own counts as new the first time only."""
    assert not run(seen.add_own, OWN)
    assert run(seen.add_own, NEW)


def test_a_drop_of_other_owners_starts_afresh(run: Run, drop_id: int) -> None:
    """Somebody new may open what nobody could before: everything is read and tried again."""
    run(seen.finish_reading, drop_id, ReadDone("17", full=True), NOW)
    assert run(seen.start_reading, DROP) == DropState("17", NOW, NOW)
    changed = Drop(DROP.url, "me and you")
    assert run(seen.find_drop, changed) is None
    assert run(seen.start_reading, changed) == DropState()
    found = run(seen.find_drop, changed)
    assert run(seen.find_unseen, found, [FOREIGN, OWN]) == {FOREIGN}


def test_what_a_server_no_longer_has_is_deleted(run: Run, drop_id: int, rows: Any) -> None:
    """Full readings delete foreign hashes that none of them found for two weeks."""
    run(seen.add_foreign, drop_id, [NEW], NOW)
    for days in range(1, KEEP_FOREIGN_DAYS + 2):
        run(seen.refresh_foreign, drop_id, [FOREIGN], NOW + days * DAY)
        assert len(rows("SELECT * FROM foreign_hashes")) == 2
        run(seen.finish_reading, drop_id, ReadDone(None, full=True), NOW + days * DAY)
    assert rows("SELECT hash FROM foreign_hashes") == [(FOREIGN,)]


def test_reading_in_part_deletes_nothing(run: Run, drop_id: int, rows: Any) -> None:
    """A reading of what is newer than the cursor tells nothing of what the server no longer has."""
    later = NOW + 10 * KEEP_FOREIGN_DAYS * DAY
    run(seen.finish_reading, drop_id, ReadDone("18", full=False), later)
    assert len(rows("SELECT * FROM foreign_hashes")) == 1
    assert run(seen.start_reading, DROP) == DropState("18", later, None)


def test_drops_that_are_no_longer_read_are_forgotten(run: Run, drop_id: int, rows: Any) -> None:
    """They go part by part, so that nobody waits for long; our own messages stay known."""
    run(seen.add_foreign, drop_id, [NEW], NOW)
    assert not run(seen.forget_another, [DROP.url], 1)
    assert run(seen.forget_another, [], 1)
    assert run(seen.find_drop, DROP) == drop_id
    while run(seen.forget_another, [], 1):
        pass
    assert run(seen.find_drop, DROP) is None
    assert rows("SELECT * FROM foreign_hashes") == []
    assert run(seen.find_unseen, None, [OWN, NEW]) == {NEW}
