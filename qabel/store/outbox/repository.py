"""The outbox: what is to be sent, and what became of it."""

import json
from collections.abc import Collection, Iterable, Sequence

import attrs
from twisted.internet.defer import Deferred, fail

from qabel.store import heard_from
from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.outbox import changes, idempotency, moving, records, sends, time_stamps, unsealed
from qabel.store.outbox.adding import Added, add
from qabel.store.outbox.changes import OutboxChange
from qabel.store.outbox.idempotency import Idempotency
from qabel.store.outbox.moving import Addresses
from qabel.store.outbox.records import EVERY_MESSAGE, OutboxCounts, SendFilter, SendRecord
from qabel.store.outbox.sends import NewSend, Posting, PostingState
from qabel.store.outbox.unsealed import Box, Unsealed
from qabel.store.outbox.waiting import no_longer_waiting
from qabel.store.pace import Pace
from qabel.store.purged_keys import Purged, PurgedKeys


@attrs.frozen(eq=False)
class OutboxRepository:
    """The repository of sends, their deliveries to recipients, and the postings to drop URLs.

    Only the caller knows which postings are under way: one that was returned stays due until
    its end is recorded here, so that a crash loses none. Times are seconds since the epoch.
    """

    _database: Database
    _purged: PurgedKeys = attrs.field(factory=PurgedKeys)
    _pace: Pace = attrs.field(factory=Pace, init=False)

    def add(
        self, *sends: NewSend, idempotency: Idempotency | None = None, now: float
    ) -> Deferred[Added]:
        """Store sends, durably: from then on they will be posted, whatever happens.

        They are stored together, or not at all. A key that was used before leads to the earlier
        sends. Fails with IdempotencyMismatch if those were for another request, with Purged if a
        sender does not exist any more, or with TokenRevoked; nothing is added then.
        """
        if self.are_purged(each.sender for each in sends):
            return fail(Purged("The sending identity was deleted."))
        return self._database.run(
            lambda connection: add(connection, sends, idempotency, _milliseconds(now))
        )

    def are_purged(self, senders: Iterable[bytes]) -> bool:
        """Return whether any of some senders does not exist any more, by their public keys."""
        return any(each in self._purged for each in senders)

    def unsealed(self, posting: Posting) -> Deferred[list[Unsealed]]:
        """Return what is to be sealed for a posting: its message, and some that follow it."""
        return self._database.run(lambda connection: unsealed.find(connection, posting))

    def keep_boxes(self, posting: Posting, boxes: Sequence[Box]) -> Deferred[bytes | None]:
        """Store boxes; fires with that of a posting, or with None if it is not queued any more.

        A box that was stored before stays.
        """
        return self._database.run(lambda connection: unsealed.keep(connection, posting, boxes))

    def answered(self, given: Idempotency, answer: bytes) -> Deferred[None]:
        """Store what the first request with an idempotency key was answered."""
        return self._database.run(
            lambda connection: idempotency.answered(connection, given, answer)
        )

    def due(
        self, now: float, limit: int, *, underway: Iterable[int] = ()
    ) -> Deferred[list[Posting]]:
        """Return the postings to try now, those that have been due longest first.

        Args:
            now: seconds since the epoch.
            limit: how many at most.
            underway: ids of postings to leave out.

        """
        left_out = json.dumps(list(underway))
        return self._database.run(
            lambda connection: list(
                sends.postings(
                    connection,
                    "next_attempt <= ? AND postings.id NOT IN (SELECT value FROM json_each(?)) "
                    "ORDER BY next_attempt, postings.id LIMIT ?",
                    _milliseconds(now),
                    left_out,
                    limit,
                )
            )
        )

    def posted(
        self, posting: Posting, *, now: float, may_wait: bool = False
    ) -> Deferred[OutboxChange]:
        """Record that a drop server accepted a posting. ``may_wait`` is that of `Database.run`."""
        return self._end(posting, PostingState.POSTED, None, now, may_wait)

    def refused(self, posting: Posting, reason: str, *, now: float) -> Deferred[OutboxChange]:
        """Record that a drop server will never accept a posting. Others may still."""
        return self._end(posting, PostingState.REFUSED, reason, now)

    def failed_attempt(self, posting: Posting, next_attempt: float, reason: str) -> Deferred[None]:
        """Record a failed attempt, and when to try again; what is behind it in the queue waits."""
        until = _milliseconds(next_attempt)
        return self._database.run(
            lambda connection: changes.postpone(connection, posting, until, reason)
        )

    def get(self, send_id: int, which: SendFilter = EVERY_MESSAGE) -> Deferred[SendRecord | None]:
        """Return one send, or None if there is none like that."""
        return self._database.run(lambda connection: records.get(connection, send_id, which))

    def read(
        self, after: int, limit: int, which: SendFilter = EVERY_MESSAGE
    ) -> Deferred[list[SendRecord]]:
        """Return sends with ids above ``after``, oldest first, at most ``limit``.

        Acknowledgements are not among them.
        """
        return self._database.run(lambda connection: records.read(connection, after, limit, which))

    def delete(
        self, send_id: int, which: SendFilter = EVERY_MESSAGE, *, now: float
    ) -> Deferred[OutboxChange | None]:
        """Delete a send, and post no more of it; fires with None if there was none like that."""
        current = _milliseconds(now)
        return self._database.run(
            lambda connection: changes.delete_send(connection, send_id, which, current)
        )

    def follow(self, addresses: Addresses, *, now: float) -> Deferred[int]:
        """Have what is queued follow its recipients, as ``qabel.store.outbox.moving``.

        Fires with the newest number in the journal.
        """
        current = _milliseconds(now)
        return self._database.run(lambda connection: moving.follow(connection, addresses, current))

    def no_longer_waiting(self, posting_ids: Iterable[int]) -> Deferred[list[int]]:
        """Return which of these postings are not queued any more."""
        given = list(posting_ids)
        return self._database.run(lambda connection: no_longer_waiting(connection, given))

    def newest_time_stamps(self) -> Deferred[dict[bytes, int]]:
        """Return the newest time stamp that each identity has used, by its public key."""
        return self._database.run(time_stamps.load)

    def heard_from(
        self, sender: bytes, recipients: Collection[bytes]
    ) -> Deferred[frozenset[bytes]]:
        """Return those of the recipients of whom the sender has opened anything: they know it."""
        return self._database.run(
            lambda connection: heard_from.find(connection, sender, recipients)
        )

    def counts(self) -> Deferred[OutboxCounts]:
        """Return how many deliveries of messages are queued, sent and failed."""
        return self._database.run(records.counts)

    def expire(self, before: float | None, *, now: float) -> Deferred[int]:
        """Delete what was settled before a time, and old idempotency keys.

        Not everything is done at once: fires with how many sends were deleted; call again if any.
        Without a time only keys are deleted.
        """
        current = _milliseconds(now)

        def work(connection: Connection) -> int:
            idempotency.expire(connection, current)
            if before is None:
                return 0
            with self._pace.measured() as size:
                return changes.expire(connection, _milliseconds(before), size, current)

        return self._database.run(work)

    def _end(
        self,
        posting: Posting,
        state: PostingState,
        reason: str | None,
        now: float,
        may_wait: bool = False,
    ) -> Deferred[OutboxChange]:
        return self._database.run(
            lambda connection: changes.end_posting(
                connection, posting, state, reason, _milliseconds(now)
            ),
            may_wait=may_wait,
        )


def _milliseconds(seconds: float) -> int:
    # Rounded, so that a posting is due at the time to which it was postponed.
    return round(seconds * 1000)
