"""Rows that agree with each other again after some were lost."""

from typing import Any

from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.mending import LOST, mend

SEND = """INSERT INTO sends (id, kind, sender, identity_id, model_object, acknowledge_id, created)
    VALUES (1, 'message', x'01', 1, 'chat', '0', 1)"""
DELIVERY = """INSERT INTO deliveries (id, send_id, kind, sender, recipient, acknowledge_id, sealed,
    state, created) VALUES (?, 1, 'message', x'01', x'02', '0', x'00', 'queued', 5)"""
POSTING = """INSERT INTO postings (id, delivery_id, url, recipient, next_attempt)
    VALUES (?, ?, 'http://x/', x'02', NULL)"""


def mended(database: Database, *statements: tuple[Any, ...], has_events: bool = True) -> list[str]:
    """Run statements, mend the rows, and return what was lost with that."""

    def work(connection: Any) -> list[str]:
        for sql, *values in statements:
            connection.execute(sql, values)
        return [f"{each.table}: {each.rows}" for each in mend(connection, has_events)]

    return result_of(database.run(work))


def test_queued_messages_go_on_or_fail(database: Database, rows: Any) -> None:
    """A message whose postings are lost fails; the next one in line becomes due."""
    lost = mended(
        database,
        (SEND,),
        (DELIVERY, 1),
        (DELIVERY, 2),
        (POSTING, 7, 2),
        (POSTING, 8, 2),
    )
    assert lost == ["deliveries: 1 message that waited to be sent, marked as failed"]
    assert rows("SELECT id, state, reason FROM deliveries") == [
        (1, "failed", LOST),
        (2, "queued", None),
    ]
    assert rows("SELECT id, next_attempt FROM postings") == [(7, 0), (8, None)]
    assert rows("SELECT queued, sent, failed FROM state") == [(1, 0, 1)]


def test_numbers_are_not_given_again(database: Database, rows: Any) -> None:
    """Where the state is lost, the newest number is the highest that anything has."""
    mended(
        database,
        ("INSERT INTO consumers VALUES (0, 'a', 41, 1)",),
        ("INSERT INTO events (seq, kind, detail, created) VALUES (17, 'settings', x'00', 1)",),
        has_events=False,
    )
    assert rows("SELECT last_seq, floor FROM state") == [(41, 41)]


def test_what_is_whole_stays(database: Database, rows: Any) -> None:
    """In an empty database nothing changes, and nothing is lost."""
    before = rows("SELECT * FROM state")
    assert mended(database) == []
    assert rows("SELECT * FROM state") == before
