"""Sends as they are shown: what was sent, and its state for each recipient."""

import json
from collections.abc import Iterable, Mapping

import attrs

from qabel.contract.access import OneIdentity
from qabel.store.database.connection import Connection, fetch_one
from qabel.store.outbox.sends import DeliveryState
from qabel.store.outbox.waiting import WaitingPosting, find_waiting


@attrs.frozen(kw_only=True)
class DeliveryRecord:
    """A send to one of its recipients. Times in milliseconds since the epoch."""

    recipient: str
    """64 hex digits."""
    contact_id: int | None
    state: DeliveryState
    reason: str | None
    """Why it failed, or why the last attempt did."""
    created: int
    settled: int | None
    """When it was sent or failed."""
    acknowledged: int | None
    """When the recipient's receipt arrived."""
    attempts: int
    """How often posting was tried, for all drop URLs together."""
    next_attempt: int | None
    """None if it is settled, or waits behind others."""
    introduced: bool = False
    """Whether the message introduces its sender."""
    waiting: tuple[WaitingPosting, ...] = ()
    """The postings that are queued."""


@attrs.frozen(kw_only=True)
class SendRecord:
    """A send with its deliveries, in the order of its recipients."""

    id: int
    sender: str
    """64 hex digits."""
    identity_id: int
    token_id: int | None
    """The token that it was sent with; None for the owner of the daemon."""
    model_object: str
    acknowledge_id: str
    message: bytes | None = attrs.field(repr=False)
    """JSON: what was sent."""
    created: int
    deliveries: tuple[DeliveryRecord, ...]


@attrs.frozen
class OutboxCounts:
    """How many deliveries of messages there are in each state."""

    queued: int
    sent: int
    failed: int
    oldest_queued: int | None
    """When the one that has waited longest was added, in milliseconds since the epoch."""


@attrs.frozen
class SendFilter:
    """Which sends of messages to return: those that match all given values."""

    identity: OneIdentity | None = None
    token_id: int | None = None

    @property
    def sql(self) -> str:
        """The condition."""
        sql = "kind = 'message'"
        if self.identity is not None:
            sql += " AND identity_id = :identity_id AND sender = :sender"
        return sql if self.token_id is None else f"{sql} AND token_id = :token_id"

    @property
    def parameters(self) -> Mapping[str, object]:
        """The values for ``sql``."""
        found: dict[str, object] = {"token_id": self.token_id}
        if self.identity is not None:
            found |= {"identity_id": self.identity.id, "sender": self.identity.key}
        return found


EVERY_MESSAGE = SendFilter()

_SENDS = (
    "SELECT id, lower(hex(sender)), identity_id, token_id, model_object, acknowledge_id, "
    "message, created FROM sends WHERE {} ORDER BY id LIMIT :limit"
)
# The join is done in the order it is written: from the few sends to their deliveries.
_DELIVERIES = """
SELECT send_id, deliveries.id, lower(hex(recipient)), contact_id, state,
    coalesce(reason, (SELECT reason FROM postings WHERE delivery_id = deliveries.id
        AND state = 'queued' AND reason IS NOT NULL ORDER BY id LIMIT 1)),
    created, settled, acknowledged,
    (SELECT coalesce(sum(attempts), 0) FROM postings WHERE delivery_id = deliveries.id),
    (SELECT min(next_attempt) FROM postings WHERE delivery_id = deliveries.id), introduced
FROM json_each(?) AS page CROSS JOIN deliveries ON send_id = page.value
"""


def get(connection: Connection, send_id: int, which: SendFilter) -> SendRecord | None:
    """Return one send; None if there is none with that id."""
    values = {**which.parameters, "id": send_id, "limit": 1}
    found = _read(connection, f"{which.sql} AND id = :id", values)
    return found[0] if found else None


def read(connection: Connection, after: int, limit: int, which: SendFilter) -> list[SendRecord]:
    """Return sends with ids above ``after``, oldest first, at most ``limit``."""
    values = {**which.parameters, "after": after, "limit": limit}
    return _read(connection, f"{which.sql} AND id > :after", values)


def counts(connection: Connection) -> OutboxCounts:
    """Return how many deliveries there are in each state, without counting them."""
    row = fetch_one(
        connection,
        "SELECT queued, sent, failed, (SELECT min(created) FROM deliveries "
        "WHERE state = 'queued' AND kind = 'message') FROM state",
    )
    return OutboxCounts(*row)


def _read(connection: Connection, which: str, values: Mapping[str, object]) -> list[SendRecord]:
    rows = connection.execute(_SENDS.format(which), values).fetchall()
    deliveries = _deliveries(connection, (row[0] for row in rows))
    return [
        SendRecord(
            id=row[0],
            sender=row[1],
            identity_id=row[2],
            token_id=row[3],
            model_object=row[4],
            acknowledge_id=row[5],
            message=row[6],
            created=row[7],
            deliveries=tuple(deliveries.get(row[0], ())),
        )
        for row in rows
    ]


def _deliveries(connection: Connection, sends: Iterable[int]) -> dict[int, list[DeliveryRecord]]:
    found: dict[int, list[DeliveryRecord]] = {}
    rows = connection.execute(_DELIVERIES, (json.dumps(list(sends)),)).fetchall()
    queued = [row[1] for row in rows if row[4] == DeliveryState.QUEUED]
    waiting = find_waiting(connection, queued) if queued else {}
    for row in sorted(rows, key=lambda row: row[1]):
        delivery = DeliveryRecord(
            recipient=row[2],
            contact_id=row[3],
            state=DeliveryState(row[4]),
            reason=row[5],
            created=row[6],
            settled=row[7],
            acknowledged=row[8],
            attempts=row[9],
            next_attempt=row[10],
            introduced=bool(row[11]),
            waiting=waiting.get(row[1], ()),
        )
        found.setdefault(row[0], []).append(delivery)
    return found
