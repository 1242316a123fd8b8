"""Receipts: what recipients report about messages that were sent to them."""

import attrs

from qabel.store.database.connection import Connection
from qabel.store.outbox import sends
from qabel.store.outbox.sends import DeliveryState, add_delivery_event


@attrs.frozen(kw_only=True)
class Receipt:
    """A message about one of our own messages: that it arrived, or what was wrong with it."""

    hash: bytes
    """Of the bytes from the server (``qabel.drop.transport.HASH_SIZE``)."""
    sender: bytes
    """The key of the receipt's sender: the recipient of the message that it is about."""
    receiver: bytes
    """The key of the identity that sent that message."""
    acknowledge_id: str
    is_from_contact: bool = False
    """Whether its sender is a contact: that it wrote is noted, whatever it is about."""
    error: str | None = None
    """Why the recipient could not use the message; None if all is well."""
    received: int
    """Milliseconds since the epoch."""


def apply(connection: Connection, receipt: Receipt) -> bool:
    """Record a receipt with the delivery that it is about, within a transaction.

    The message has arrived, so what is still queued of its delivery is not posted again. Return
    whether anything changed: a second receipt, or one about an unknown message, changes nothing.
    """
    row = connection.execute(
        "SELECT id, state FROM deliveries WHERE recipient = ? AND acknowledge_id = ? "
        "AND sender = ? AND acknowledge_id <> '0' AND kind = 'message' AND acknowledged IS NULL "
        "ORDER BY id LIMIT 1",
        (receipt.sender, receipt.acknowledge_id, receipt.receiver),
    ).fetchone()
    if row is None:
        return False
    delivery_id, before = row
    now = receipt.received
    connection.execute("UPDATE deliveries SET acknowledged = ? WHERE id = ?", (now, delivery_id))
    if receipt.error is not None:
        sends.settle(connection, delivery_id, DeliveryState.FAILED, receipt.error, now)
    elif before != DeliveryState.SENT:
        sends.settle(connection, delivery_id, DeliveryState.SENT, None, now)
    else:
        add_delivery_event(connection, delivery_id, now)
    _stop_posting(connection, delivery_id, receipt.receiver, now)
    return True


def _stop_posting(connection: Connection, delivery_id: int, sender: bytes, now: int) -> None:
    queues = connection.execute(
        "UPDATE postings SET state = 'posted', next_attempt = NULL "
        "WHERE delivery_id = ? AND state = 'queued' RETURNING url, recipient",
        (delivery_id,),
    ).fetchall()
    sends.advance(connection, ((url, recipient, sender) for url, recipient in queues), now)
