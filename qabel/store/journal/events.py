"""How long events stay in the journal."""

import attrs
from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection, fetch_one
from qabel.store.database.database import Database

KEEP_EVENTS_FOR = 7 * 24 * 3600 * 1000
"""Milliseconds that an event stays readable."""

KEEP_EVENTS = 100_000
"""How many events are kept at most."""


@attrs.frozen(eq=False)
class JournalEvents:
    """The retention of events, which ``qabel.store.journal.entries`` reads."""

    _database: Database

    def prune(
        self, now: float, *, keep_for: int = KEEP_EVENTS_FOR, at_most: int = KEEP_EVENTS
    ) -> "Deferred[int]":
        """Delete old events; fires with the floor: all events up to this number are gone.

        Args:
            now: seconds since the epoch.
            keep_for: milliseconds; older events are deleted.
            at_most: of more than that, the oldest are deleted.

        """
        before = int(now * 1000) - keep_for
        return self._database.run(lambda connection: _prune(connection, before, at_most))


def _prune(connection: Connection, before: int, at_most: int) -> int:
    # Oldest first, by number: a clock that jumped must not leave holes in the journal.
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
