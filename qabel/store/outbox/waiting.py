"""Postings that wait: which they are, and what waits before them."""

import json
from collections.abc import Sequence

import attrs

from qabel.store.database.connection import Connection
from qabel.store.outbox.sends import PostingQueue

MOST_COUNTED = 1000
"""How many postings before another one are counted: of more, it only matters that they are many."""

# The join is done in the order it is written: from the few deliveries to their postings, which the
# index has in the order of their ids.
_WAITING = """
SELECT delivery_id, postings.id, url, postings.recipient, own.sender, postings.reason,
    (SELECT count(*) FROM (
        SELECT 1 FROM postings AS other CROSS JOIN deliveries AS its ON its.id = other.delivery_id
        WHERE other.url = postings.url AND other.recipient = postings.recipient
        AND other.state = 'queued' AND other.delivery_id < postings.delivery_id
        AND its.sender = own.sender LIMIT ?))
FROM json_each(?) AS page CROSS JOIN deliveries AS own ON own.id = page.value
CROSS JOIN postings ON delivery_id = own.id
WHERE postings.state = 'queued'
"""


@attrs.frozen
class WaitingPosting:
    """A posting that is queued."""

    id: int
    url: str = attrs.field(repr=False)
    recipient: bytes
    sender: bytes
    reason: str | None
    """Why the last attempt failed; None before the first one."""
    ahead: int
    """How many earlier messages of the same sender to the same drop are queued.

    At most ``MOST_COUNTED``.
    """

    @property
    def queue(self) -> PostingQueue:
        """The queue that it is in."""
        return self.url, self.recipient, self.sender


def find_waiting(
    connection: Connection, deliveries: Sequence[int]
) -> dict[int, tuple[WaitingPosting, ...]]:
    """Return the queued postings of some deliveries, by the ids of the deliveries."""
    found: dict[int, tuple[WaitingPosting, ...]] = {}
    for row in connection.execute(_WAITING, (MOST_COUNTED, json.dumps(list(deliveries)))):
        found[row[0]] = (*found.get(row[0], ()), WaitingPosting(*row[1:]))
    return found


def no_longer_waiting(connection: Connection, posting_ids: Sequence[int]) -> list[int]:
    """Return which postings are not queued any more: they were settled otherwise, or deleted."""
    return [
        row[0]
        for row in connection.execute(
            "SELECT value FROM json_each(?) WHERE NOT EXISTS "
            "(SELECT 1 FROM postings WHERE id = value AND state = 'queued')",
            (json.dumps(list(posting_ids)),),
        )
    ]
