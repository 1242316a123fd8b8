"""The starts of the daemon: which of them gave which numbers of the journal.

Each has a random mark, which is stored with its first number. So a copy of the database that was
put back is told from what became of the original: both continue with the same numbers, but under
different marks. A start that gives no number leaves nothing behind.
"""

import attrs

from qabel.store.database.connection import Connection

KEEP_STARTS = 10_000
"""How many starts are known at most; cursors of older ones are rejected, as unknown ones are."""


@attrs.frozen
class Start:
    """A start of the daemon: its mark, and the newest number of the journal before it."""

    mark: str
    first: int
    """-1 for what was there before there were marks."""


def note_start(connection: Connection, *, keep: int = KEEP_STARTS) -> None:
    """Store the mark of this start, unless it is there, within a transaction.

    Args:
        connection: its ``start_mark`` is stored, if it has one.
        keep: how many starts to keep; if there are more, the oldest are deleted.

    """
    if connection.start_mark is None:
        return
    noted = connection.execute(
        "INSERT OR IGNORE INTO starts (mark, first) SELECT ?, last_seq FROM state",
        (connection.start_mark,),
    )
    if noted.rowcount:
        connection.execute(
            "DELETE FROM starts WHERE first IN "
            "(SELECT first FROM starts ORDER BY first DESC LIMIT -1 OFFSET ?)",
            (keep,),
        )


def load_starts(connection: Connection) -> tuple[Start, ...]:
    """Return the starts that are known, the oldest first."""
    rows = connection.execute("SELECT mark, first FROM starts ORDER BY first")
    return tuple(Start(mark, first) for mark, first in rows)
