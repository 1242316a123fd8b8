"""Query plans: no frequent query scans a table or sorts, so that large databases stay fast."""

from collections.abc import Callable
from typing import Any

import pytest

from qabel.contract.access import OneIdentity
from qabel.store.database.database import Database
from qabel.store.inbox.message_rows import Filter
from qabel.store.inbox.refused import Reason, Refused
from qabel.store.inbox.repository import InboxRepository
from qabel.store.inbox.seen import ReadDone
from qabel.store.inbox.strangers import DEFAULT_LIMITS, StrangerRepository
from qabel.store.journal.cursors import CursorRepository
from qabel.store.journal.entries import JournalEntries
from qabel.store.journal.events import JournalEvents
from qabel.store.outbox.acknowledgement_repository import AcknowledgementRepository
from qabel.store.outbox.idempotency import Idempotency
from qabel.store.outbox.receipts import Receipt
from qabel.store.outbox.records import SendFilter
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.outbox.unsealed import Box
from qabel.store.webhooks import WebhookRepository

NOW = 1_800_000_000.0

SMALL = {"state", "refused", "consumers", "webhooks", "starts"}
"""Tables with one row, or a few, and what is read once at the start and is bounded."""

GIVEN = {"given", "page", "json_each", "message", "(subquery-1)", "(subquery-2)", "CONSTANT"}
"""Values given to a statement, and rows that it has already narrowed down."""

BOUNDED = {
    # The hashes that were given, so that they go into the tree in its order; and the
    # acknowledgements that wait for one contact.
    ("keep", "USE TEMP B-TREE FOR ORDER BY"),
    # What was not kept of strangers, seldom: when contacts were added or senders unblocked.
    ("recognize", "SCAN foreign_hashes USING COVERING INDEX refused_hashes"),
    # Steps back over as many as are kept at most.
    ("prune", "SCAN events"),
    # Once an hour, and again only as often as there is something to forget.
    ("forget", "SCAN drops USING COVERING INDEX sqlite_autoindex_drops_1"),
    ("expire", "SCAN idempotency USING COVERING INDEX idempotency_by_age"),
}
"""Steps that visit more rows than they return, but a limited number of them."""


@pytest.fixture
def plans(database: Database, got: Any) -> Callable[[Callable[[], Any]], list[str]]:
    """Return a function that calls another, and returns the plan of each statement it ran."""

    def run(ask: Callable[[], Any]) -> list[str]:
        statements: list[str] = []
        got(database.run(lambda c: c.set_trace_callback(statements.append)))
        got(ask())
        got(database.run(lambda c: c.set_trace_callback(None)))
        plans = []
        for statement in dict.fromkeys(statements):
            if statement.split()[0] in ("SELECT", "UPDATE", "DELETE", "INSERT"):
                sql = f"EXPLAIN QUERY PLAN {statement}"
                plans += got(database.run(lambda c, sql=sql: c.execute(sql).fetchall()))
        return [row[3] for row in plans]

    return run


@pytest.fixture
def asks(database: Database, things: Any, got: Any) -> dict[str, Callable[[], Any]]:
    """Return all calls that a daemon with a large database makes again and again."""
    inbox, outbox = InboxRepository(database), OutboxRepository(database)
    events, places, feed = (
        JournalEvents(database),
        CursorRepository(database),
        JournalEntries(database),
    )
    drop = things.drop
    got(inbox.start_reading(drop))
    hashes = [things.digest() for _ in range(3)]
    answered = things.message(acknowledgement=things.acknowledgement())
    got(inbox.keep(drop, [answered], foreign=hashes, now=NOW))
    posting = got(outbox.add(things.send(), now=NOW)).ready[0]
    receipt = Receipt(
        hash=things.digest(),
        sender=bytes(32),
        receiver=bytes(32),
        acknowledge_id="1",
        received=5,
    )
    done = ReadDone("1", full=True)
    refused = [Refused(things.digest(), Reason.STRANGER, 400, bytes(8))]
    strangers = StrangerRepository(database)
    got(inbox.keep(drop, [things.message(contact_id=None)], refused=refused, now=NOW))
    key = Idempotency(0, "key", b"digest")
    box = Box(delivery_id=1, sealed=b"box", introduced=False)
    acknowledgements = AcknowledgementRepository(database)
    [due] = got(acknowledgements.begin(1, 1, lambda _: 1, {})).due
    filters = [
        Filter(),
        Filter(identity_id=1),
        Filter(contact_id=1),
        Filter(model_object="m"),
        Filter(identity_id=1, model_object="m"),
        Filter(contact_id=1, model_object="m"),
        Filter(identity_id=1, contact_id=1, model_object="m"),
    ]
    found: dict[str, Callable[[], Any]] = {
        "start_reading": lambda: inbox.start_reading(drop),
        "record_found": lambda: inbox.record_found(drop, hashes, now=NOW + 1e6),
        "keep": lambda: inbox.keep(
            drop,
            [things.message(acknowledgement=things.acknowledgement())],
            foreign=hashes,
            refused=refused,
            received_receipts=[receipt],
            done=done,
            now=NOW,
        ),
        "strangers": strangers.counts,
        "look_again": lambda: strangers.look_again(DEFAULT_LIMITS, [drop.url]),
        "recognize": lambda: strangers.recognize({(bytes(32), bytes(32)): 7}, []),
        "expire messages": lambda: inbox.expire(NOW, 0, now=NOW),
        "get": lambda: inbox.get_encoded(1),
        "forget": lambda: inbox.forget_another_drop([]),
        "feed": lambda: feed.read(0, 100),
        "prune": lambda: events.prune(NOW),
        "load": places.load,
        "move": lambda: places.move((0, "a"), 1, now=NOW),
        "add": lambda: outbox.add(things.send(), idempotency=key, now=NOW),
        "due": lambda: outbox.due(NOW, 10, underway=[1]),
        "unsealed": lambda: outbox.unsealed(posting),
        "keep_boxes": lambda: outbox.keep_boxes(posting, [box]),
        "answered": lambda: outbox.answered(key, b"{}"),
        "failed_attempt": lambda: outbox.failed_attempt(posting, NOW, "away"),
        "posted": lambda: outbox.posted(posting, now=NOW),
        "sends": lambda: outbox.read(0, 10),
        "sends of one": lambda: outbox.read(0, 10, SendFilter(OneIdentity(1, b"k"), 1)),
        "sends of a token": lambda: outbox.read(0, 10, SendFilter(None, 1)),
        "send": lambda: outbox.get(1),
        "send of one": lambda: outbox.get(1, SendFilter(OneIdentity(1, b"k"), 1)),
        "delete of one": lambda: outbox.delete(1, SendFilter(OneIdentity(1, b"k"), 1), now=NOW),
        "counts": outbox.counts,
        "heard from": lambda: outbox.heard_from(bytes(32), [b"a" * 32, b"b" * 32]),
        "expire": lambda: outbox.expire(NOW, now=NOW),
        "delete": lambda: outbox.delete(1, now=NOW),
        "begin": lambda: acknowledgements.begin(5, 10, lambda _: 1, {}),
        "acknowledgement sent": lambda: acknowledgements.sent(due),
        "acknowledgement refused": lambda: acknowledgements.refused(due, 5, None),
        "acknowledgement failed": lambda: acknowledgements.failed(due, 5, 5, lambda: 1),
        "undelivered": lambda: WebhookRepository(database).undelivered(1),
    }
    for index, which in enumerate(filters):
        found[f"read_page {index}"] = lambda which=which: inbox.read_page(0, 10, which)
    return found


def test_every_table_is_searched_by_an_index(plans: Any, asks: Any) -> None:
    """No call scans a table that grows, or sorts what it found."""
    bad = []
    for name, ask in asks.items():
        for step in plans(ask):
            words = step.split()
            if words[0] == "SCAN" and words[1] not in SMALL | GIVEN:
                bad.append((name, step))
            if "TEMP B-TREE" in step:
                bad.append((name, step))
    assert set(bad) <= BOUNDED


@pytest.mark.parametrize(
    ("which", "index"),
    [
        (1, "messages_by_identity"),
        (2, "messages_by_contact"),
        (3, "messages_by_model"),
        (4, "messages_by_identity_and_model"),
        (5, "messages_by_contact_and_model"),
    ],
)
def test_narrowed_readings_use_their_index(plans: Any, asks: Any, which: int, index: str) -> None:
    """Reading the messages of one contact or module uses the index made for that."""
    steps = plans(asks[f"read_page {which}"])
    assert any(f"INDEX {index} " in step for step in steps), steps


def test_the_journal_is_merged_without_sorting(plans: Any, asks: Any) -> None:
    """Messages and events are read in the order of their numbers, and merged without sorting."""
    steps = plans(asks["feed"])
    assert "MERGE (UNION ALL)" in steps
