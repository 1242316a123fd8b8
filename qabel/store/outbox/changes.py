"""Changes of postings, deliveries and sends, within a transaction. Times in milliseconds."""

import json
from collections.abc import Sequence

import attrs

from qabel.store.database.connection import Connection, fetch_one
from qabel.store.deleted import note_deleted
from qabel.store.numbers import last_seq
from qabel.store.outbox import sends
from qabel.store.outbox.records import SendFilter
from qabel.store.outbox.sends import DeliveryState, Posting, PostingState

EARLIEST = 1_577_836_800_000
"""The year 2020: times before that are those of a wrong clock, and what has them has no age."""


@attrs.frozen
class OutboxChange:
    """What followed from a change in the outbox."""

    ready: tuple[Posting, ...] = ()
    """Postings that waited behind another one and may start now."""
    settled: DeliveryState | None = None
    """The final state of the delivery, if this was the last posting that it waited for."""
    last_seq: int = 0
    """The newest number in the journal."""


def end_posting(
    connection: Connection, posting: Posting, state: PostingState, reason: str | None, now: int
) -> OutboxChange:
    """Record how a posting ended. One that ended or was deleted meanwhile is not changed."""
    ended = connection.execute(
        "UPDATE postings SET state = ?, reason = ?, attempts = attempts + 1, next_attempt = NULL "
        "WHERE id = ? AND state = 'queued' RETURNING id",
        (state, reason, posting.id),
    ).fetchall()
    if not ended:
        return OutboxChange(last_seq=last_seq(connection))
    settled = settle_if_done(connection, posting.delivery_id, reason, now)
    ready = sends.advance(connection, [posting.queue], now)
    return OutboxChange(ready, settled, last_seq(connection))


def postpone(connection: Connection, posting: Posting, until: int, reason: str) -> None:
    """Record an attempt that failed, and when to try again."""
    connection.execute(
        "UPDATE postings SET attempts = attempts + 1, next_attempt = ?, reason = ? "
        "WHERE id = ? AND state = 'queued'",
        (until, reason, posting.id),
    )


def delete_send(
    connection: Connection, send_id: int, which: SendFilter, now: int
) -> OutboxChange | None:
    """Delete a send of a message; what waited behind it moves up. None if there is none."""
    found = connection.execute(
        f"SELECT 1 FROM sends WHERE {which.sql} AND id = :id", {**which.parameters, "id": send_id}
    ).fetchone()
    if found is None:
        return None
    return delete_sends(connection, [send_id], now)


def delete_sends(connection: Connection, ids: Sequence[int], now: int) -> OutboxChange:
    """Delete sends, whatever they are; what waited behind them moves up."""
    queues = connection.execute(
        "SELECT url, postings.recipient, sender FROM json_each(?) AS given "
        "CROSS JOIN deliveries ON send_id = given.value "
        "CROSS JOIN postings ON delivery_id = deliveries.id WHERE postings.state = 'queued'",
        (json.dumps(ids),),
    ).fetchall()
    _delete(connection, ids, now)
    # Several may be of one queue.
    ready = sends.advance(connection, list(dict.fromkeys(queues)), now)
    return OutboxChange(ready, None, last_seq(connection))


def expire(connection: Connection, before: int, limit: int, now: int) -> int:
    """Delete sends that were settled before a time; return how many, at most ``limit``."""
    rows = connection.execute(
        "SELECT send_id FROM deliveries AS one "
        "WHERE settled >= :earliest AND settled < :before AND kind = 'message' AND NOT EXISTS "
        "(SELECT 1 FROM deliveries AS other WHERE other.send_id = one.send_id "
        "AND (other.settled IS NULL OR other.settled >= :before)) ORDER BY settled LIMIT :limit",
        {"earliest": EARLIEST, "before": before, "limit": limit},
    ).fetchall()
    return _delete(connection, [row[0] for row in rows], now)


def _delete(connection: Connection, ids: Sequence[int], now: int) -> int:
    count = connection.execute(
        "DELETE FROM sends WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),)
    ).rowcount
    note_deleted(connection, sends=ids, now=now)
    return count


def settle_if_done(
    connection: Connection, delivery_id: int, reason: str | None, now: int
) -> DeliveryState | None:
    """Settle a delivery once all its postings are settled; one that succeeded is enough."""
    row = fetch_one(
        connection,
        "SELECT total(state = 'queued'), total(state = 'posted') FROM postings "
        "WHERE delivery_id = ?",
        (delivery_id,),
    )
    queued, posted = row
    if queued:
        return None
    state = DeliveryState.SENT if posted else DeliveryState.FAILED
    sends.settle(connection, delivery_id, state, None if posted else reason, now)
    return state
