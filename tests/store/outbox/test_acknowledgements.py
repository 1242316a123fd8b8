"""Acknowledgements that wait: how many, for whom, and until when."""

from collections.abc import Callable
from typing import Any

import pytest

from qabel.deferreds import result_of
from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.outbox import acknowledgements as waiting
from qabel.store.outbox.acknowledgement_turns import begin
from qabel.store.outbox.acknowledgements import MOST_WAITING, AcknowledgementCounts
from tests.store.conftest import Things

ME = b"\x4e" * 32


@pytest.fixture
def run(database: Database) -> Callable[..., Any]:
    """Return a function that calls another with a connection and some arguments."""

    def call(work: Callable[..., Any], *values: object) -> Any:
        def within(connection: Connection) -> Any:
            return work(connection, *values)

        return result_of(database.run(within))

    return call


def contact(number: int) -> bytes:
    """Return the key of one of several contacts."""
    return bytes([number]) * 32


def test_the_first_is_known(run: Any, things: Things, rows: Any) -> None:
    """Adding some returns when the first may be sent, whatever was added before."""
    assert run(waiting.insert, []) is None
    assert run(waiting.insert, [things.acknowledgement(since=100, delay=50)]) == 150
    later = [things.acknowledgement(2, since=100, delay=each) for each in (900, 70)]
    assert run(waiting.insert, later) == 170
    assert rows("SELECT due FROM acknowledgements ORDER BY id") == [(150,), (1000,), (170,)]
    assert run(waiting.counts) == AcknowledgementCounts(waiting=3, given_up=0)


def test_of_too_many_the_oldest_go(run: Any, things: Things, rows: Any) -> None:
    """Each contact has so many at most; the oldest are given up, and counted."""
    run(waiting.insert, [things.acknowledgement(2)])
    for _ in range(2):
        run(waiting.insert, [things.acknowledgement() for _ in range(MOST_WAITING - 3)])
    assert run(waiting.counts) == AcknowledgementCounts(MOST_WAITING + 1, MOST_WAITING - 6)
    assert rows("SELECT min(id), max(id) FROM acknowledgements WHERE pair_id = 2") == [
        (MOST_WAITING - 4, 2 * MOST_WAITING - 5)
    ]


def test_a_contact_that_cannot_be_reached(run: Any, things: Things, rows: Any) -> None:
    """What is added while a contact is not to be asked waits for that, and its delay."""
    run(waiting.insert, [things.acknowledgement()])
    run(lambda c: c.execute("UPDATE acknowledgement_pairs SET paused_until = 500"))
    run(waiting.insert, [things.acknowledgement(since=100, delay=50)])
    assert rows("SELECT created, due FROM acknowledgements ORDER BY id") == [(0, 0), (100, 550)]


def test_clearing_refills_no_bucket(run: Any, things: Things) -> None:
    """When all are deleted, contacts may still get no more than if they were not."""
    run(waiting.insert, [things.acknowledgement() for _ in range(4)])
    run(begin, 0, 4, lambda _: 1, {})
    run(waiting.clear)
    assert run(waiting.counts) == AcknowledgementCounts(waiting=0, given_up=0)
    full_at = run(lambda c: c.execute("SELECT full_at, next FROM acknowledgement_pairs").fetchone())
    assert full_at == (20_000, None)


def test_only_some_may_get_any(run: Any, things: Things, rows: Any) -> None:
    """What waits for others than the given pairs is deleted, and is not counted as given up."""
    run(waiting.insert, [things.acknowledgement(each) for each in (1, 2)])
    run(waiting.insert, [things.acknowledgement(1, identity=bytes(32))])
    run(waiting.keep_only, {(ME, contact(1)), (ME, contact(3))})
    assert rows("SELECT identity, contact FROM acknowledgement_pairs") == [(ME, contact(1))]
    assert run(waiting.counts) == AcknowledgementCounts(waiting=1, given_up=0)


def test_an_identity_is_forgotten(run: Any, things: Things, rows: Any) -> None:
    """Nothing stays of an identity: neither what waits nor how much its contacts got."""
    run(waiting.insert, [things.acknowledgement(1), things.acknowledgement(1, identity=bytes(32))])
    run(waiting.forget_identity, ME)
    assert rows("SELECT identity FROM acknowledgement_pairs") == [(bytes(32),)]
    assert run(waiting.counts) == AcknowledgementCounts(waiting=1, given_up=0)


def test_what_is_too_old_is_given_up(run: Any, things: Things, rows: Any) -> None:
    """What was added before a time goes, and so do contacts that need no limit any more."""
    run(waiting.insert, [things.acknowledgement(each, since=each) for each in (1, 2)])
    run(begin, 1, 1, lambda _: 1, {})
    run(waiting.expire, 2, 5_000)
    assert run(waiting.counts) == AcknowledgementCounts(waiting=1, given_up=1)
    assert rows("SELECT contact FROM acknowledgement_pairs") == [(contact(1),), (contact(2),)]
    run(waiting.expire, 2, 5_001)
    assert rows("SELECT contact FROM acknowledgement_pairs") == [(contact(2),)]


def test_ids_are_not_shown(things: Things) -> None:
    """The repr of an acknowledgement does not tell which message it is about."""
    assert "secret" not in repr(things.acknowledgement(acknowledge_id="secret"))
