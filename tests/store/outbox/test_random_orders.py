"""Whatever happens to the outbox, in any order, its queues and its counts stay right."""

from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from qabel.deferreds import result_of
from qabel.host.job_thread import InlineWorker
from qabel.store.database.database import Database
from qabel.store.inbox.repository import InboxRepository
from qabel.store.inbox.seen import Drop
from qabel.store.key_record import GivenKey
from qabel.store.outbox.receipts import Receipt
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.outbox.sends import NewDelivery, NewSend, Posting, PostingQueue

COUNTS = """
SELECT queued, sent, failed, messages,
    (SELECT count(*) FROM deliveries WHERE kind = 'message' AND state = 'queued'),
    (SELECT count(*) FROM deliveries WHERE kind = 'message' AND state = 'sent'),
    (SELECT count(*) FROM deliveries WHERE kind = 'message' AND state = 'failed'),
    (SELECT count(*) FROM messages)
FROM state
"""
LINES = """
SELECT url, postings.recipient, sender, postings.id, next_attempt
FROM postings JOIN deliveries ON deliveries.id = delivery_id
WHERE postings.state = 'queued' ORDER BY postings.id
"""
ORPHANS = """
SELECT count(*) FROM deliveries WHERE (state = 'queued') <> (sealed IS NOT NULL)
    OR (state = 'queued') <> EXISTS
        (SELECT 1 FROM postings WHERE delivery_id = deliveries.id AND state = 'queued')
"""
ME = b"\x05" * 32
SENDERS = st.sampled_from([ME, b"\x06" * 32])
RECIPIENTS = st.integers(1, 2)
URLS = st.lists(st.sampled_from(["a", "b"]), max_size=2, unique=True)


class OutboxMachine(RuleBasedStateMachine):
    """Adds, posts, refuses, postpones, acknowledges, deletes and expires sends."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = TemporaryDirectory()
        self.database = Database(
            Path(self.directory.name) / "db", GivenKey(bytes(32)), worker=InlineWorker
        )
        self.database.open()
        self.outbox = OutboxRepository(self.database)
        self.now = 1_800_000_000.0
        self.count = 0
        self.posted: dict[PostingQueue, list[int]] = defaultdict(list)
        self.handed: list[Posting] = []

    def teardown(self) -> None:
        """Close and remove the database."""
        self.database.close()
        self.directory.cleanup()

    @rule(
        deliveries=st.lists(st.tuples(RECIPIENTS, URLS), min_size=1, max_size=2),
        sender=SENDERS,
    )
    def add(self, deliveries: list[tuple[int, list[str]]], sender: bytes) -> None:
        """Add a send."""
        self.count += 1
        send = NewSend(
            sender=sender,
            identity_id=1,
            model_object="m",
            acknowledge_id=f"{self.count % 3}",
            deliveries=[
                NewDelivery(recipient=bytes([who]) * 32, contact_id=None, sealed=b"x", urls=urls)
                for who, urls in deliveries
            ],
        )
        self.handed += result_of(self.outbox.add(send, idempotency=None, now=self.now)).ready

    @rule(data=st.data(), end=st.sampled_from(["posted", "refused", "failed"]))
    def end_attempt(self, data: st.DataObject, end: str) -> None:
        """End an attempt for a posting that is due, or one that may be gone by now."""
        due = result_of(self.outbox.due(self.now, 100)) + self.handed[-3:]
        if not due:
            return
        posting = data.draw(st.sampled_from(due))
        if end == "failed":
            result_of(self.outbox.failed_attempt(posting, self.now + 30, "away"))
            return
        queued = {row[3] for row in self.rows(LINES)}
        if end == "posted":
            outcome = result_of(self.outbox.posted(posting, now=self.now))
        else:
            outcome = result_of(self.outbox.refused(posting, "no", now=self.now))
        self.handed += outcome.ready
        if posting.id in queued:
            self.posted[posting.queue].append(posting.id)

    @rule(
        who=RECIPIENTS,
        receiver=SENDERS,
        ack=st.sampled_from("012"),
        error=st.none() | st.just("unknown"),
    )
    def acknowledge(self, who: int, receiver: bytes, ack: str, error: str | None) -> None:
        """Receive a receipt."""
        self.count += 1
        receipt = Receipt(
            hash=self.count.to_bytes(16, "big"),
            sender=bytes([who]) * 32,
            receiver=receiver,
            acknowledge_id=ack,
            error=error,
            received=int(self.now * 1000),
        )
        drop = Drop("http://localhost/drop", "me")
        result_of(
            InboxRepository(self.database).keep(drop, received_receipts=[receipt], now=self.now)
        )

    @rule(send_id=st.integers(1, 12))
    def delete(self, send_id: int) -> None:
        """Delete a send, if it exists."""
        result_of(self.outbox.delete(send_id, now=self.now))

    @rule(age=st.sampled_from([0.0, 50.0]))
    def expire(self, age: float) -> None:
        """Delete what is settled."""
        result_of(self.outbox.expire(self.now - age, now=self.now))

    @rule()
    def wait(self) -> None:
        """Let time pass."""
        self.now += 31

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run SQL on the database."""
        return result_of(self.database.run(lambda c: c.execute(sql).fetchall()))

    @invariant()
    def counts_are_true(self) -> None:
        """Check the stored counts against the rows."""
        row = self.rows(COUNTS)[0]
        assert row[:4] == row[4:]

    @invariant()
    def lines_are_in_order(self) -> None:
        """Check that only the first in each queue has a time for its next attempt."""
        seen = set()
        for *queue, _, next_attempt in self.rows(LINES):
            assert (next_attempt is not None) == (tuple(queue) not in seen)
            seen.add(tuple(queue))

    @invariant()
    def what_was_posted_was_in_order(self) -> None:
        """Check that no posting ended after a later one of its queue."""
        assert all(ids == sorted(ids) for ids in self.posted.values())

    @invariant()
    def what_is_queued_can_be_posted(self) -> None:
        """Check that a delivery is queued exactly as long as one of its postings is."""
        assert self.rows(ORPHANS) == [(0,)]


OutboxMachine.TestCase.settings = settings(max_examples=15, stateful_step_count=30)
TestOutboxMachine = OutboxMachine.TestCase
