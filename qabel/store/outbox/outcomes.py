"""What becomes of postings, deliveries and sends, within a transaction. Times in milliseconds."""

import json

import attrs

from qabel.store.database.connection import Connection, fetch_one
from qabel.store.journal.numbers import last_seq
from qabel.store.outbox import sends
from qabel.store.outbox.sends import DeliveryState, Posting, PostingState


@attrs.frozen
class Outcome:
    """What followed from a change in the outbox."""

    ready: tuple[Posting, ...] = ()
    """Postings that were behind another one and may start now."""
    settled: DeliveryState | None = None
    """What became of the delivery, if this was the last that it waited for."""
    last_seq: int = 0
    """The newest number in the log."""


def end_posting(
    connection: Connection, posting: Posting, state: PostingState, reason: str | None, now: int
) -> Outcome:
    """Note how a posting ended. One that was ended or deleted meanwhile stays as it is."""
    ended = connection.execute(
        "UPDATE postings SET state = ?, reason = ?, attempts = attempts + 1, next_attempt = NULL "
        "WHERE id = ? AND state = 'queued' RETURNING url, recipient",
        (state, reason, posting.id),
    ).fetchall()
    if not ended:
        return Outcome(last_seq=last_seq(connection))
    settled = _settle_if_done(connection, posting.delivery_id, reason, now)
    ready = sends.advance(connection, ended, now)
    return Outcome(ready, settled, last_seq(connection))


def put_off(connection: Connection, posting: Posting, until: int, reason: str) -> None:
    """Note an attempt that failed for now, and when to try again."""
    connection.execute(
        "UPDATE postings SET attempts = attempts + 1, next_attempt = ?, reason = ? "
        "WHERE id = ? AND state = 'queued'",
        (until, reason, posting.id),
    )


def delete_send(connection: Connection, send_id: int, now: int) -> Outcome | None:
    """Delete a send of a message; what stood behind it in line goes on. None if there is none."""
    lines = connection.execute(
        "SELECT url, postings.recipient FROM deliveries JOIN postings "
        "ON delivery_id = deliveries.id WHERE send_id = ? AND postings.state = 'queued'",
        (send_id,),
    ).fetchall()
    deleted = connection.execute("DELETE FROM sends WHERE id = ? AND kind = 'message'", (send_id,))
    if not deleted.rowcount:
        return None
    return Outcome(sends.advance(connection, lines, now), None, last_seq(connection))


def expire(connection: Connection, before: int, limit: int) -> int:
    """Forget sends that were settled before a time; gives how many, ``limit`` at most."""
    rows = connection.execute(
        "SELECT send_id FROM deliveries AS one "
        "WHERE settled < :before AND kind = 'message' AND NOT EXISTS "
        "(SELECT 1 FROM deliveries AS other WHERE other.send_id = one.send_id "
        "AND (other.settled IS NULL OR other.settled >= :before)) ORDER BY settled LIMIT :limit",
        {"before": before, "limit": limit},
    ).fetchall()
    return _delete(connection, [row[0] for row in rows])


def expire_acknowledgements(connection: Connection, before: int, now: int, limit: int) -> Outcome:
    """Give up acknowledgements that could not be posted since before a time."""
    ids = [
        row[0]
        for row in connection.execute(
            "SELECT id FROM sends WHERE kind = 'acknowledgement' AND created < ? "
            "ORDER BY created LIMIT ?",
            (before, limit),
        )
    ]
    lines = connection.execute(
        "SELECT url, postings.recipient FROM json_each(?) AS given "
        "CROSS JOIN deliveries ON send_id = given.value "
        "CROSS JOIN postings ON delivery_id = deliveries.id WHERE postings.state = 'queued'",
        (json.dumps(ids),),
    ).fetchall()
    _delete(connection, ids)
    return Outcome(sends.advance(connection, lines, now), None, last_seq(connection))


def _delete(connection: Connection, ids: list[int]) -> int:
    return connection.execute(
        "DELETE FROM sends WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),)
    ).rowcount


def _settle_if_done(
    connection: Connection, delivery_id: int, reason: str | None, now: int
) -> DeliveryState | None:
    """Settle a delivery once all its drop URLs are settled; one that took it is enough."""
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
