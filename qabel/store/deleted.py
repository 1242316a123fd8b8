"""Entries of the journal that say what was deleted: ids, and nothing else of it."""

from collections.abc import Sequence

from qabel.jsontext import encode
from qabel.store.database.connection import Connection
from qabel.store.numbers import add_event, last_seq

DELETED = "deleted"
"""The kind of these entries. Modules get them; clients do not."""


def note_deleted(
    connection: Connection, *, messages: Sequence[int] = (), sends: Sequence[int] = (), now: int
) -> int:
    """Log what was deleted, within a transaction; return the newest number in the journal.

    Args:
        connection: with a transaction open.
        messages: ids in the inbox.
        sends: ids in the outbox.
        now: milliseconds since the epoch.

    """
    if messages or sends:
        detail = encode({"messages": list(messages), "sends": list(sends)})
        add_event(connection, DELETED, detail, now)
    return last_seq(connection)
