"""Deliveries that were stored before they were sealed: each gets its box before it is posted."""

from collections.abc import Sequence

import attrs

from qabel.store.database.connection import Connection
from qabel.store.outbox.sends import Posting

AT_ONCE = 64
"""Messages that are sealed with one transaction at most."""

_FIND = """
SELECT deliveries.id, message, introduced FROM deliveries JOIN sends ON sends.id = send_id
WHERE sealed IS NULL AND state = 'queued' AND deliveries.sender = ? AND recipient = ?
    AND deliveries.id >= ? ORDER BY deliveries.id LIMIT ?
"""


@attrs.frozen(kw_only=True)
class Unsealed:
    """A delivery that has no box yet."""

    delivery_id: int
    message: bytes = attrs.field(repr=False)
    """JSON: what is sent, as its sender sees it."""
    introduced: bool
    """Whether the message is to introduce its sender."""


@attrs.frozen(kw_only=True)
class Box:
    """The box of a delivery."""

    delivery_id: int
    sealed: bytes = attrs.field(repr=False)
    introduced: bool
    """Whether the message introduces its sender."""


def find(connection: Connection, posting: Posting) -> list[Unsealed]:
    """Return what is to be sealed: the delivery of a posting, and some of its queue that follow.

    The first is another one if that of the posting has a box, or is not queued any more.
    """
    rows = connection.execute(
        _FIND, (posting.sender, posting.recipient, posting.delivery_id, AT_ONCE)
    )
    return [
        Unsealed(delivery_id=number, message=message, introduced=bool(introduced))
        for number, message, introduced in rows
    ]


def keep(connection: Connection, posting: Posting, boxes: Sequence[Box]) -> bytes | None:
    """Store boxes, where there are none yet, within a transaction.

    Return the box of a posting; None if its delivery is not queued any more.
    """
    connection.executemany(
        "UPDATE deliveries SET sealed = ?, introduced = ? "
        "WHERE id = ? AND sealed IS NULL AND state = 'queued'",
        [(each.sealed, each.introduced, each.delivery_id) for each in boxes],
    )
    row = connection.execute(
        "SELECT sealed FROM deliveries WHERE id = ? AND state = 'queued'", (posting.delivery_id,)
    ).fetchone()
    return None if row is None else row[0]
