"""Webhooks: URLs to which journal entries are delivered, and the cursor of each."""

import json
from collections.abc import Sequence

import attrs
from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection
from qabel.store.database.database import Database

KEEP_UNDELIVERED = 1000
"""Entries listed for a webhook at most; of more than that, the oldest are dropped."""


@attrs.frozen(kw_only=True)
class Webhook:
    """A URL to which journal entries are delivered. Times in milliseconds since the epoch."""

    id: int
    url: str = attrs.field(repr=False)
    secret: bytes = attrs.field(repr=False)
    kinds: tuple[str, ...]
    """The kinds of entries that are delivered; empty for all."""
    cursor: int
    """The number of the last entry that was delivered or given up."""
    created: int
    failures: int
    """Consecutive ones."""
    last_error: str | None
    last_success: int | None
    preset: str | None = None
    """The push service whose interface the receiver has; None for calls with the entry."""


@attrs.frozen(kw_only=True)
class Undelivered:
    """An entry that could not be delivered to a webhook."""

    seq: int
    kind: str
    body: bytes = attrs.field(repr=False)
    error: str
    given_up: int
    """Milliseconds since the epoch."""


_FIELDS = tuple(field.name for field in attrs.fields(Webhook))
_COLUMNS = ", ".join(_FIELDS)
_UNDELIVERED = tuple(field.name for field in attrs.fields(Undelivered))


@attrs.frozen(eq=False)
class WebhookRepository:
    """The repository of webhooks. ``now`` is in seconds since the epoch everywhere."""

    _database: Database

    def add(
        self,
        url: str,
        secret: bytes,
        kinds: Sequence[str],
        cursor: int,
        *,
        now: float,
        preset: str | None = None,
    ) -> "Deferred[Webhook]":
        """Store a webhook, to which the entries after ``cursor`` are to be delivered."""

        def work(connection: Connection) -> Webhook:
            row = connection.execute(
                "INSERT INTO webhooks (url, secret, kinds, cursor, created, preset) "
                f"VALUES (?, ?, ?, ?, ?, ?) RETURNING {_COLUMNS}",
                (url, secret, json.dumps(list(kinds)), cursor, int(now * 1000), preset),
            ).fetchall()[0]
            return _webhook(row)

        return self._database.run(work)

    def all(self) -> "Deferred[list[Webhook]]":
        """Return all webhooks, oldest first."""
        sql = f"SELECT {_COLUMNS} FROM webhooks ORDER BY id"
        return self._database.run(lambda connection: [*map(_webhook, connection.execute(sql))])

    def delete(self, webhook_id: int) -> "Deferred[bool]":
        """Delete a webhook and its undelivered entries; fires with whether there was one."""
        return self._database.run(
            lambda connection: (
                connection.execute("DELETE FROM webhooks WHERE id = ?", (webhook_id,)).rowcount > 0
            )
        )

    def delivered(self, webhook_id: int, cursor: int, *, now: float) -> "Deferred[None]":
        """Record that everything up to ``cursor`` was delivered."""

        def work(connection: Connection) -> None:
            _advance(connection, webhook_id, cursor)
            connection.execute(
                "UPDATE webhooks SET failures = 0, last_error = NULL, last_success = ? "
                "WHERE id = ?",
                (int(now * 1000), webhook_id),
            )

        return self._database.run(work)

    def failed(self, webhook_id: int, error: str) -> "Deferred[None]":
        """Record that a delivery failed, and will be tried again."""

        def work(connection: Connection) -> None:
            connection.execute(
                "UPDATE webhooks SET failures = failures + 1, last_error = ? WHERE id = ?",
                (error, webhook_id),
            )

        return self._database.run(work)

    def skip(self, webhook_id: int, seq: int) -> "Deferred[None]":
        """Record that an entry need not be delivered: it was deleted."""

        def work(connection: Connection) -> None:
            _advance(connection, webhook_id, seq)
            connection.execute(
                "UPDATE webhooks SET failures = 0, last_error = NULL WHERE id = ?", (webhook_id,)
            )

        return self._database.run(work)

    def give_up(
        self, webhook_id: int, seq: int, kind: str, body: bytes, error: str, *, now: float
    ) -> "Deferred[None]":
        """Give up an entry that cannot be delivered, and list it as undelivered."""

        def work(connection: Connection) -> None:
            if not _advance(connection, webhook_id, seq):
                return
            connection.execute(
                "UPDATE webhooks SET failures = 0, last_error = ? WHERE id = ?",
                (error, webhook_id),
            )
            # What was deleted while its delivery was tried is not kept here either.
            connection.execute(
                "INSERT OR REPLACE INTO undelivered "
                "(webhook_id, seq, kind, body, error, given_up, send_id) "
                "SELECT ?1, ?2, ?3, ?4, ?5, ?6, (SELECT send_id FROM events WHERE seq = ?2) "
                "WHERE ?3 IN ('gap', 'damage') OR EXISTS (SELECT 1 FROM messages WHERE id = ?2) "
                "OR EXISTS (SELECT 1 FROM events WHERE seq = ?2)",
                (webhook_id, seq, kind, body, error, int(now * 1000)),
            )
            connection.execute(
                "DELETE FROM undelivered WHERE webhook_id = ?1 AND seq <= (SELECT seq "
                "FROM undelivered WHERE webhook_id = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
                (webhook_id, KEEP_UNDELIVERED),
            )

        return self._database.run(work)

    def undelivered_counts(self) -> "Deferred[dict[int, int]]":
        """Return how many entries could not be delivered to each webhook that has some."""
        # An index is much smaller than the table, which has the bodies.
        sql = (
            "SELECT webhook_id, count(*) FROM undelivered INDEXED BY undelivered_by_seq "
            "GROUP BY webhook_id"
        )
        return self._database.run(
            lambda connection: {row[0]: row[1] for row in connection.execute(sql)}
        )

    def undelivered(
        self, webhook_id: int, *, after: int = 0, limit: int = KEEP_UNDELIVERED
    ) -> "Deferred[list[Undelivered]]":
        """Return the entries that could not be delivered to a webhook, oldest first."""

        def work(connection: Connection) -> list[Undelivered]:
            rows = connection.execute(
                f"SELECT {', '.join(_UNDELIVERED)} FROM undelivered "
                "WHERE webhook_id = ? AND seq > ? ORDER BY seq LIMIT ?",
                (webhook_id, after, limit),
            )
            return [Undelivered(**dict(zip(_UNDELIVERED, row, strict=True))) for row in rows]

        return self._database.run(work)

    def forget_undelivered(self, webhook_id: int, upto: int) -> "Deferred[int]":
        """Remove entries with numbers up to ``upto`` from the list; fires with how many."""
        return self._database.run(
            lambda connection: (
                connection.execute(
                    "DELETE FROM undelivered WHERE webhook_id = ? AND seq <= ?", (webhook_id, upto)
                ).rowcount
            )
        )


def _advance(connection: Connection, webhook_id: int, cursor: int) -> bool:
    """Advance the cursor of a webhook, never back; return whether there is such a webhook."""
    moved = connection.execute(
        "UPDATE webhooks SET cursor = max(cursor, ?) WHERE id = ?", (cursor, webhook_id)
    )
    return moved.rowcount > 0


def _webhook(row: tuple[object, ...]) -> Webhook:
    values: dict[str, object] = dict(zip(_FIELDS, row, strict=True))
    values["kinds"] = tuple(json.loads(str(values["kinds"])))
    return Webhook(**values)  # type: ignore[arg-type]
