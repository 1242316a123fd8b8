"""The one sequence that numbers all that readers can be told of, and the events in it.

A message's id is its number in this sequence. What else happens is an event with a number of
its own. Numbers are given in the order of commits and never twice, so that "everything after
number N" is a question with one answer.
"""

from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection, fetch_one
from qabel.store.database.database import Database

KEEP_EVENTS_FOR = 7 * 24 * 3600 * 1000
"""Milliseconds that an event can be read again."""

KEEP_EVENTS = 100_000
"""How many events are kept at most."""


def number(connection: Connection, count: int = 1) -> int:
    """Take ``count`` numbers of the sequence, within a transaction; gives the first of them."""
    row = fetch_one(
        connection, "UPDATE state SET last_seq = last_seq + ? RETURNING last_seq", (count,)
    )
    return int(row[0]) - count + 1


def last_seq(connection: Connection) -> int:
    """Give the newest number that was given, within a transaction."""
    row = fetch_one(connection, "SELECT last_seq FROM state")
    return int(row[0])


def add_event(connection: Connection, kind: str, detail: bytes, now: int) -> int:
    """Log an event, within a transaction; gives its number. ``now`` is in ms since the epoch."""
    seq = number(connection)
    connection.execute(
        "INSERT INTO events (seq, kind, detail, created) VALUES (?, ?, ?, ?)",
        (seq, kind, detail, now),
    )
    return seq


class Events:
    """What is kept of the events in the log, which ``qabel.store.journal.entries`` reads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def prune(
        self, now: float, *, keep_for: int = KEEP_EVENTS_FOR, at_most: int = KEEP_EVENTS
    ) -> "Deferred[int]":
        """Forget old events; fires with the floor: all up to this number are gone.

        Args:
            now: seconds since the epoch.
            keep_for: milliseconds; older ones go.
            at_most: of more than that, the oldest go.

        """
        before = int(now * 1000) - keep_for
        return self._database.run(lambda connection: _prune(connection, before, at_most))


def _prune(connection: Connection, before: int, at_most: int) -> int:
    # Oldest first, by number: a clock that jumped must not make holes in the log.
    row = fetch_one(
        connection,
        "SELECT max("
        "coalesce((SELECT seq FROM events ORDER BY seq DESC LIMIT 1 OFFSET ?), 0), "
        "coalesce((SELECT min(seq) - 1 FROM events WHERE created >= ?), "
        "(SELECT max(seq) FROM events), 0))",
        (at_most, before),
    )
    if connection.execute("DELETE FROM events WHERE seq <= ?", (row[0],)).rowcount:
        connection.execute("UPDATE state SET floor = max(floor, ?)", (row[0],))
    floor = fetch_one(connection, "SELECT floor FROM state")
    return int(floor[0])
