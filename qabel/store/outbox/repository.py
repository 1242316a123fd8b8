"""The outbox: what was asked to be sent, until it is sent, and what became of it."""

import json
from collections.abc import Iterable

import attrs
from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.journal.numbers import last_seq
from qabel.store.outbox import idempotency, outcomes, records, sends
from qabel.store.outbox.idempotency import Idempotency
from qabel.store.outbox.outcomes import Outcome
from qabel.store.outbox.records import OutboxCounts, SendRecord
from qabel.store.outbox.sends import NewSend, Posting, PostingState

EXPIRE_AT_ONCE = 500
"""Sends forgotten in one transaction."""


@attrs.frozen
class Added:
    """That a send was added, or had been under the same idempotency key."""

    id: int
    ready: tuple[Posting, ...] = ()
    """Postings that may start now; the others are behind earlier ones."""
    repeated: bool = False
    """Nothing was added: the send is that of an earlier request, and may be deleted since."""
    answer: bytes | None = attrs.field(default=None, repr=False)
    """What the earlier request was answered, if it was."""
    last_seq: int = 0
    """The newest number in the log."""


class Outbox:
    """Sends, their deliveries to recipients, and the postings of these to drop URLs.

    Which postings are under way only the caller knows: one that was handed out stays due until
    its end is noted here, so that a crash loses none. Times are seconds since the epoch.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, send: NewSend, *, idempotency: Idempotency | None = None, now: float
    ) -> Deferred[Added]:
        """Keep a send, durably: from here on it will be posted, whatever happens.

        A key that came before leads to the earlier send. Fails with IdempotencyMismatch if that
        was for another request; nothing is added then.
        """
        return self._database.run(
            lambda connection: _add(connection, send, idempotency, _milliseconds(now))
        )

    def answered(self, key: str, answer: bytes) -> Deferred[None]:
        """Keep what the first request with an idempotency key was answered."""
        return self._database.run(lambda connection: idempotency.answered(connection, key, answer))

    def due(
        self, now: float, limit: int, *, underway: Iterable[int] = ()
    ) -> Deferred[list[Posting]]:
        """Give the postings that are to be tried now, those that are due longest first.

        Args:
            now: seconds since the epoch.
            limit: how many at most.
            underway: ids of postings to pass over.

        """
        passed_over = json.dumps(list(underway))
        return self._database.run(
            lambda connection: list(
                sends.postings(
                    connection,
                    "next_attempt <= ? AND postings.id NOT IN (SELECT value FROM json_each(?)) "
                    "ORDER BY next_attempt, postings.id LIMIT ?",
                    _milliseconds(now),
                    passed_over,
                    limit,
                )
            )
        )

    def posted(self, posting: Posting, *, now: float) -> Deferred[Outcome]:
        """Note that a drop server took it."""
        return self._end(posting, PostingState.POSTED, None, now)

    def refused(self, posting: Posting, reason: str, *, now: float) -> Deferred[Outcome]:
        """Note that a drop server will never take it. The others may still."""
        return self._end(posting, PostingState.REFUSED, reason, now)

    def failed_attempt(self, posting: Posting, next_attempt: float, reason: str) -> Deferred[None]:
        """Note that it did not work for now, and when to try again; its line waits for it."""
        until = _milliseconds(next_attempt)
        return self._database.run(
            lambda connection: outcomes.put_off(connection, posting, until, reason)
        )

    def get(self, send_id: int) -> Deferred[SendRecord | None]:
        """Give one send, or None if there is none with that id."""
        return self._database.run(lambda connection: records.get(connection, send_id))

    def read(
        self, after: int, limit: int, identity_id: int | None = None
    ) -> Deferred[list[SendRecord]]:
        """Give sends with ids above ``after``, oldest first, at most ``limit``.

        Acknowledgements are not among them. ``identity_id`` narrows it to one sender's.
        """
        return self._database.run(
            lambda connection: records.read(connection, after, limit, identity_id)
        )

    def delete(self, send_id: int, *, now: float) -> Deferred[Outcome | None]:
        """Delete a send, and post no more of it; fires with None if there was none."""
        return self._database.run(
            lambda connection: outcomes.delete_send(connection, send_id, _milliseconds(now))
        )

    def counts(self) -> Deferred[OutboxCounts]:
        """Give how many deliveries of messages are queued, sent and failed."""
        return self._database.run(records.counts)

    def expire(self, before: float, *, now: float) -> Deferred[tuple[int, Outcome]]:
        """Forget what was settled before a time, and old idempotency keys.

        Acknowledgements that could not be posted since then are given up. It does not do all at
        once: fires with how many sends of messages it forgot, to be called again if any.
        """
        limit, current = _milliseconds(before), _milliseconds(now)

        def work(connection: Connection) -> tuple[int, Outcome]:
            idempotency.expire(connection, current)
            count = outcomes.expire(connection, limit, EXPIRE_AT_ONCE)
            return count, outcomes.expire_acknowledgements(
                connection, limit, current, EXPIRE_AT_ONCE
            )

        return self._database.run(work)

    def _end(
        self, posting: Posting, state: PostingState, reason: str | None, now: float
    ) -> Deferred[Outcome]:
        return self._database.run(
            lambda connection: outcomes.end_posting(
                connection, posting, state, reason, _milliseconds(now)
            )
        )


def _add(connection: Connection, send: NewSend, given: Idempotency | None, now: int) -> Added:
    if given is not None:
        earlier = _earlier(connection, given, now)
        if earlier is not None:
            return earlier
    send_id, ready = sends.insert(connection, send, now)
    if given is not None:
        idempotency.keep(connection, given, send_id, now)
    return Added(send_id, tuple(ready), last_seq=last_seq(connection))


def _earlier(connection: Connection, given: Idempotency, now: int) -> Added | None:
    found = idempotency.find(connection, given, now)
    if found is None:
        return None
    return Added(found.send_id, (), True, found.answer, last_seq(connection))


def _milliseconds(seconds: float) -> int:
    # Rounded, so that a posting is due at the time to which it was put off.
    return round(seconds * 1000)
