"""Sends: their deliveries to recipients, and the postings of those to drop URLs.

Postings of one sender for one recipient to one drop URL form a queue, in the order they were added.
Only the first in each queue has a time for its next attempt: those behind it move up when it is
settled. So a message never overtakes an earlier one, and an unreachable drop server delays only
what is posted to it. Nothing waits for another sender: what happens to the message of one identity
would show in when those of another come.
"""

import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import TypeAlias

import attrs

from qabel.store.database.connection import Connection, fetch_one
from qabel.store.numbers import Subject, add_event, take_numbers
from qabel.store.outbox import time_stamps

NO_URL = "The recipient has no drop URL."
"""The reason of a delivery that failed before it began."""


_MESSAGE = "message"
"""The kind of all sends: the first version kept acknowledgements as sends, too."""


class DeliveryState(StrEnum):
    """The state of a delivery to one recipient."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class PostingState(StrEnum):
    """The state of the posting of a delivery to one drop URL."""

    QUEUED = "queued"
    POSTED = "posted"
    REFUSED = "refused"


@attrs.frozen(kw_only=True)
class NewDelivery:
    """A message for one recipient, and the drop URLs to post it to."""

    recipient: bytes
    contact_id: int | None
    sealed: bytes | None = attrs.field(repr=False)
    """The box; None if it is sealed before it is first posted."""
    urls: Sequence[str] = attrs.field(repr=False)
    introduced: bool = False
    """Whether the message introduces its sender."""


@attrs.frozen(kw_only=True)
class NewSend:
    """One message to any number of recipients."""

    sender: bytes
    identity_id: int
    token_id: int | None = None
    """The token that it is sent with; None for the owner of the daemon."""
    model_object: str
    acknowledge_id: str = "0"
    message: bytes | None = attrs.field(default=None, repr=False)
    """JSON: what was sent, for its sender to see; the sealed form cannot be opened again."""
    time_stamp: int | None = None
    """Later time stamps of the sender are to be higher, in milliseconds; None if it is not new."""
    deliveries: Sequence[NewDelivery]


PostingQueue: TypeAlias = tuple[str, bytes, bytes]
"""A queue is identified by its drop URL, the recipient's key and the sender's key."""


@attrs.frozen(kw_only=True)
class Posting:
    """Something to post now: a box, which is never sealed again, and a drop URL."""

    id: int
    delivery_id: int
    send_id: int
    sender: bytes
    recipient: bytes
    url: str = attrs.field(repr=False)
    sealed: bytes | None = attrs.field(repr=False)
    """The box; None if the message was stored unsealed."""
    attempts: int
    """How many attempts there were before."""

    @property
    def queue(self) -> PostingQueue:
        """The queue that it is in."""
        return self.url, self.recipient, self.sender


# The join is done in the order it is written: along the queue to the delivery of each posting.
_IN_QUEUE = (
    "FROM postings CROSS JOIN deliveries ON deliveries.id = delivery_id "
    "WHERE url = {} AND postings.recipient = {} AND sender = {} AND postings.state = 'queued'"
)

_POSTING_COLUMNS = tuple(field.name for field in attrs.fields(Posting))


def insert(connection: Connection, send: NewSend, now: int) -> tuple[int, list[Posting]]:
    """Add a send, within a transaction; return its id, and what can be posted at once.

    ``now`` is in milliseconds since the epoch.
    """
    send_id = connection.execute(
        "INSERT INTO sends (seq, kind, sender, identity_id, token_id, model_object, "
        "acknowledge_id, message, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            take_numbers(connection),
            _MESSAGE,
            send.sender,
            send.identity_id,
            send.token_id,
            send.model_object,
            send.acknowledge_id,
            send.message,
            now,
        ),
    ).lastrowid
    if send.time_stamp is not None:
        time_stamps.keep(connection, send.sender, send.time_stamp)
    ready = [
        posting
        for delivery in send.deliveries
        for posting in _insert_delivery(connection, send_id, send, delivery, now)
    ]
    if not all(delivery.urls for delivery in send.deliveries):
        _fail_without_url(connection, send_id, now)
    return send_id, ready


def _fail_without_url(connection: Connection, send_id: int, now: int) -> None:
    nowhere = connection.execute(
        "SELECT id FROM deliveries WHERE send_id = ? "
        "AND NOT EXISTS (SELECT 1 FROM postings WHERE delivery_id = deliveries.id)",
        (send_id,),
    ).fetchall()
    for (delivery_id,) in nowhere:
        settle(connection, delivery_id, DeliveryState.FAILED, NO_URL, now)


def _insert_delivery(
    connection: Connection, send_id: int, send: NewSend, delivery: NewDelivery, now: int
) -> list[Posting]:
    delivery_id = connection.execute(
        "INSERT INTO deliveries "
        "(send_id, kind, sender, recipient, contact_id, acknowledge_id, sealed, created, "
        "introduced) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            send_id,
            _MESSAGE,
            send.sender,
            delivery.recipient,
            delivery.contact_id,
            send.acknowledge_id,
            delivery.sealed,
            now,
            delivery.introduced,
        ),
    ).lastrowid
    ready = []
    for url in dict.fromkeys(delivery.urls):
        queue = url, delivery.recipient, send.sender
        posting_id, next_attempt = _insert_posting(connection, delivery_id, queue, now)
        if next_attempt is not None:
            posting = Posting(
                id=posting_id,
                delivery_id=delivery_id,
                send_id=send_id,
                sender=send.sender,
                recipient=delivery.recipient,
                url=url,
                sealed=delivery.sealed,
                attempts=0,
            )
            ready.append(posting)
    return ready


def _insert_posting(
    connection: Connection, delivery_id: int, queue: PostingQueue, now: int
) -> tuple[int, int | None]:
    row = connection.execute(
        "INSERT INTO postings (delivery_id, url, recipient, next_attempt) VALUES (?1, ?3, ?4, "
        f"CASE WHEN EXISTS (SELECT 1 {_IN_QUEUE.format('?3', '?4', '?5')}) THEN NULL ELSE ?2 END) "
        "RETURNING id, next_attempt",
        (delivery_id, now, *queue),
    ).fetchall()[0]
    return row[0], row[1]


def advance(
    connection: Connection, queues: Iterable[PostingQueue], now: int
) -> tuple[Posting, ...]:
    """Make the first in each queue due; return those that became due."""
    due = [
        row[0]
        for queue in dict.fromkeys(queues)
        for row in connection.execute(
            "UPDATE postings SET next_attempt = ? WHERE next_attempt IS NULL AND id = "
            f"(SELECT postings.id {_IN_QUEUE.format('?', '?', '?')} "
            "ORDER BY delivery_id LIMIT 1) "
            "RETURNING id",
            (now, *queue),
        ).fetchall()
    ]
    if not due:
        return ()
    return postings(connection, "postings.id IN (SELECT value FROM json_each(?))", json.dumps(due))


def advance_idle(connection: Connection, now: int) -> None:
    """Make the first due in each queue where nothing is.

    Earlier versions had postings wait for those of other senders.
    """
    connection.execute(
        "UPDATE postings SET next_attempt = ? WHERE id IN (SELECT id FROM "
        "(SELECT postings.id AS id, min(delivery_id) FROM postings "
        "JOIN deliveries ON deliveries.id = delivery_id WHERE postings.state = 'queued' "
        "GROUP BY url, postings.recipient, sender HAVING count(next_attempt) = 0))",
        (now,),
    )


def postings(connection: Connection, condition: str, *values: object) -> tuple[Posting, ...]:
    """Return postings with what they post; ``condition`` is the SQL after WHERE."""
    rows = connection.execute(
        "SELECT postings.id, delivery_id, send_id, sender, postings.recipient, url, sealed, "
        f"attempts FROM postings JOIN deliveries ON deliveries.id = delivery_id WHERE {condition}",
        values,
    )
    return tuple(Posting(**dict(zip(_POSTING_COLUMNS, row, strict=True))) for row in rows)


def settle(
    connection: Connection, delivery_id: int, state: DeliveryState, reason: str | None, now: int
) -> None:
    """Record the final state of a delivery, and add an event about it to the journal."""
    connection.execute(
        "UPDATE deliveries SET state = ?, reason = ?, settled = ?, sealed = NULL WHERE id = ?",
        (state, reason, now, delivery_id),
    )
    add_delivery_event(connection, delivery_id, now)


def add_delivery_event(connection: Connection, delivery_id: int, now: int) -> None:
    """Add an event of kind ``outbox`` with the current state of a delivery."""
    row = fetch_one(
        connection,
        "SELECT identity_id, deliveries.sender, send_id, lower(hex(recipient)), contact_id, state, "
        "reason, acknowledged FROM deliveries JOIN sends ON sends.id = send_id "
        "WHERE deliveries.id = ?",
        (delivery_id,),
    )
    names = ("id", "recipient", "contact_id", "state", "reason", "acknowledged")
    detail = json.dumps(dict(zip(names, row[2:], strict=True)), separators=(",", ":"))
    add_event(connection, "outbox", detail.encode(), now, about=Subject(*row[:3]))
