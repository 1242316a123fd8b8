"""Queued deliveries follow their recipients: to new drop URLs, or to the end of the contact."""

from collections.abc import Callable, Sequence

from qabel.store.database.connection import Connection
from qabel.store.numbers import last_seq
from qabel.store.outbox import sends
from qabel.store.outbox.changes import settle_if_done
from qabel.store.outbox.sends import NO_URL, PostingQueue, PostingState

NO_CONTACT = "The recipient was deleted from the contacts of the sender, or has another key now."
"""The reason of a delivery whose recipient went before it was sent."""

Addresses = Callable[[bytes, bytes], Sequence[str] | None]
"""Returns the drop URLs of a contact, by the keys of the sender and of the recipient.

None means that there is no such contact.
"""


def follow(connection: Connection, addresses: Addresses, now: int) -> int:
    """Post what is queued to the present drop URLs of its recipients, and no others.

    It keeps its order, and nothing that is queued for, or settled at, a URL that stays is posted
    there again. What is queued for somebody who is no contact any more ends. Doing this again
    changes nothing.

    Args:
        connection: with a transaction open.
        addresses: returns the drop URLs.
        now: milliseconds since the epoch.

    Returns:
        The newest number in the journal.

    """
    queued: dict[tuple[bytes, bytes], list[int]] = {}
    for delivery_id, sender, recipient in connection.execute(
        "SELECT id, sender, recipient FROM deliveries WHERE id IN "
        "(SELECT delivery_id FROM postings WHERE state = 'queued') ORDER BY id"
    ).fetchall():
        queued.setdefault((bytes(sender), bytes(recipient)), []).append(delivery_id)
    changed: set[PostingQueue] = set()
    for (sender, recipient), deliveries in queued.items():
        urls = addresses(sender, recipient)
        for delivery_id in deliveries:
            moved = _move(connection, delivery_id, recipient, urls or ())
            if moved:
                reason = NO_CONTACT if urls is None else NO_URL
                settle_if_done(connection, delivery_id, reason, now)
                changed.update((url, recipient, sender) for url in moved)
    _line_up(connection, changed, now)
    sends.advance_idle(connection, now)
    return last_seq(connection)


def _move(
    connection: Connection, delivery_id: int, recipient: bytes, urls: Sequence[str]
) -> set[str]:
    """Post one delivery to these URLs; return those whose queues changed by that."""
    states: dict[str, str] = dict(
        connection.execute(
            "SELECT url, state FROM postings WHERE delivery_id = ?", (delivery_id,)
        ).fetchall()
    )
    left = {url for url, state in states.items() if state == PostingState.QUEUED} - set(urls)
    new = [url for url in dict.fromkeys(urls) if url not in states]
    connection.executemany(
        "DELETE FROM postings WHERE delivery_id = ? AND url = ?",
        ((delivery_id, url) for url in left),
    )
    connection.executemany(
        "INSERT INTO postings (delivery_id, url, recipient) VALUES (?, ?, ?)",
        ((delivery_id, url, recipient) for url in new),
    )
    return left | set(new)


def _line_up(connection: Connection, queues: set[PostingQueue], now: int) -> None:
    """Make only the first in each queue due."""
    connection.executemany(
        "UPDATE postings SET next_attempt = NULL "
        "WHERE url = ? AND recipient = ? AND state = 'queued' "
        "AND (SELECT sender FROM deliveries WHERE id = delivery_id) = ?",
        queues,
    )
    sends.advance(connection, queues, now)
