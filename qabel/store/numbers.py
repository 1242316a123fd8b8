"""The sequence that numbers the entries of the journal, and the events among them.

A message's id is its number in this sequence. Whatever else happens is an event with a number of
its own. Numbers are assigned in the order of commits and never twice, so that "everything after
number N" is a question with one answer.
"""

import attrs

from qabel.store.database.connection import Connection, fetch_one
from qabel.store.starts import note_start


def take_numbers(connection: Connection, count: int = 1) -> int:
    """Assign the next ``count`` numbers, within a transaction; return the first of them."""
    # In the same transaction, so that no reader has a number of a start that is not on the disk.
    note_start(connection)
    row = fetch_one(
        connection, "UPDATE state SET last_seq = last_seq + ? RETURNING last_seq", (count,)
    )
    return int(row[0]) - count + 1


def last_seq(connection: Connection) -> int:
    """Return the newest number in use, within a transaction."""
    row = fetch_one(connection, "SELECT last_seq FROM state")
    return int(row[0])


@attrs.frozen
class Subject:
    """What an event is about: an identity, by its id and public key, and perhaps a send of it."""

    identity_id: int
    identity: bytes
    send_id: int | None


def add_event(
    connection: Connection, kind: str, detail: bytes, now: int, *, about: Subject | None = None
) -> int:
    """Log an event, within a transaction, and return its number.

    Args:
        connection: with a transaction open.
        kind: one of ``qabel.core.journal.kinds``.
        detail: a JSON object.
        now: milliseconds since the epoch.
        about: what it is about; None for what is about no single identity.

    """
    seq = take_numbers(connection)
    subject = (None, None, None) if about is None else attrs.astuple(about)
    connection.execute(
        "INSERT INTO events (seq, kind, detail, created, identity_id, identity, send_id) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (seq, kind, detail, now, *subject),
    )
    return seq
