"""The sequence that numbers the entries of the journal, and the events among them.

A message's id is its number in this sequence. Whatever else happens is an event with a number of
its own. Numbers are assigned in the order of commits and never twice, so that "everything after
number N" is a question with one answer.
"""

from qabel.store.database.connection import Connection, fetch_one


def take_numbers(connection: Connection, count: int = 1) -> int:
    """Assign the next ``count`` numbers, within a transaction; return the first of them."""
    row = fetch_one(
        connection, "UPDATE state SET last_seq = last_seq + ? RETURNING last_seq", (count,)
    )
    return int(row[0]) - count + 1


def last_seq(connection: Connection) -> int:
    """Return the newest number in use, within a transaction."""
    row = fetch_one(connection, "SELECT last_seq FROM state")
    return int(row[0])


def add_event(
    connection: Connection, kind: str, detail: bytes, now: int, *, identity_id: int | None = None
) -> int:
    """Log an event, within a transaction, and return its number.

    Args:
        connection: with a transaction open.
        kind: one of ``qabel.core.journal.kinds``.
        detail: a JSON object.
        now: milliseconds since the epoch.
        identity_id: the identity that it is about; None for what is about all of them.

    """
    seq = take_numbers(connection)
    connection.execute(
        "INSERT INTO events (seq, kind, detail, created, identity_id) VALUES (?, ?, ?, ?, ?)",
        (seq, kind, detail, now, identity_id),
    )
    return seq
