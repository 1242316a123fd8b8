"""The newest time stamp of each identity, in the database."""

from typing import Any

from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.outbox.time_stamps import MOST_AHEAD
from qabel.store.purge import Purge, PurgedIdentity

ME, OTHER = b"\x0a" * 32, b"\x0b" * 32
NOW = 1_800_000_000_000


def newest(outbox: OutboxRepository) -> dict[bytes, int]:
    """Return what is stored."""
    return result_of(outbox.newest_time_stamps())


def test_the_newest_counts(outbox: OutboxRepository, add: Any) -> None:
    """The newest of each sender is kept, in whatever order they are stored."""
    add(sender=ME, time_stamp=NOW + 1)
    add(sender=ME, time_stamp=NOW)
    add(sender=OTHER, time_stamp=NOW + 7)
    add(sender=OTHER)
    assert newest(outbox) == {ME: NOW + 1, OTHER: NOW + 7}


def test_it_outlives_what_it_came_with(outbox: OutboxRepository, add: Any) -> None:
    """A message that is deleted leaves its time stamp."""
    added = add(sender=ME, time_stamp=NOW)
    result_of(outbox.delete(added.id, now=1.0))
    assert newest(outbox) == {ME: NOW}


def test_a_wrong_future_is_replaced(outbox: OutboxRepository, add: Any) -> None:
    """A time stamp of more than a week ahead gives way to one of a clock that is right again."""
    add(sender=ME, time_stamp=NOW + MOST_AHEAD + 1)
    add(sender=ME, time_stamp=NOW)
    assert newest(outbox) == {ME: NOW}


def test_a_purge_leaves_nothing(outbox: OutboxRepository, database: Database, add: Any) -> None:
    """Of a purged identity no time stamp is left."""
    add(sender=ME, time_stamp=NOW)
    result_of(database.run(Purge(PurgedIdentity(id=1, key=ME, drops=()), 1.0)))
    assert newest(outbox) == {}
