"""The repository of the acknowledgements that wait to be sent."""

from collections.abc import Callable, Collection, Mapping

import attrs
from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.outbox import acknowledgement_turns as turns
from qabel.store.outbox import acknowledgements as rows
from qabel.store.outbox.acknowledgement_turns import Begun, Draw, DueAcknowledgement
from qabel.store.outbox.acknowledgements import AcknowledgementCounts, Pair


@attrs.frozen(eq=False)
class AcknowledgementRepository:
    """The repository of the acknowledgements that wait to be sent.

    They are added with the messages that they acknowledge. Only the caller knows which are being
    sent: one that was begun waits until its end is recorded here, so that a crash loses none. Times
    are as in ``qabel.store.outbox.acknowledgements``.
    """

    _database: Database

    def redraw(self, now: int, draw: Draw) -> Deferred[None]:
        """Move all that wait by a draw each: at the start, and whenever nothing could be sent."""
        return self._database.run(lambda connection: turns.redraw(connection, now, draw))

    def begin(
        self,
        now: int,
        limit: int,
        make_time_stamp: Callable[[bytes], int],
        under_way: Mapping[int, int],
    ) -> Deferred[Begun]:
        """Return what may be sent now, at most ``limit``, and when to look again.

        Args:
            now: the time.
            limit: how many at most.
            make_time_stamp: returns a new time stamp of an identity, in any thread.
            under_way: the ids of what is being sent already, each with that of its pair.

        """
        given = dict(under_way)
        return self._database.run(
            lambda connection: turns.begin(connection, now, limit, make_time_stamp, given)
        )

    def sent(self, of: DueAcknowledgement) -> Deferred[None]:
        """Record that a drop server took an acknowledgement."""
        return self._database.run(lambda connection: turns.sent(connection, of))

    def refused(self, of: DueAcknowledgement, now: int, draw: Draw | None) -> Deferred[None]:
        """Record that a drop server refused one for good; without a draw, it is given up."""
        return self._database.run(lambda connection: turns.refused(connection, of, now, draw))

    def failed(self, of: DueAcknowledgement, now: int, pause: int, draw: Draw) -> Deferred[None]:
        """Record a failed attempt, and send nothing to the contact for a pause in milliseconds."""
        return self._database.run(lambda connection: turns.failed(connection, of, now, pause, draw))

    def dropped(self, of: DueAcknowledgement) -> Deferred[None]:
        """Delete an acknowledgement that nobody is to get any more."""
        return self._database.run(lambda connection: turns.dropped(connection, of))

    def keep_only(self, pairs: Collection[Pair] | None) -> Deferred[None]:
        """Delete what waits for others than these contacts; None for all that wait."""

        def work(connection: Connection) -> None:
            if pairs is None:
                rows.clear(connection)
            else:
                rows.keep_only(connection, pairs)

        return self._database.run(work)

    def expire(self, before: int, now: int) -> Deferred[None]:
        """Give up what was added before a time, and forget contacts that need no limit now."""
        return self._database.run(lambda connection: rows.expire(connection, before, now))

    def counts(self) -> Deferred[AcknowledgementCounts]:
        """Return how many wait, and how many were given up."""
        return self._database.run(rows.counts)
