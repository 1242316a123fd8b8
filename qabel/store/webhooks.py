"""Webhooks: who is told of what is in the log, and how far."""

import json
from collections.abc import Sequence

import attrs
from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection
from qabel.store.database.database import Database

KEEP_UNDELIVERED = 1000
"""Entries listed for a webhook at most; of more than that, the oldest go."""


@attrs.frozen(kw_only=True)
class Webhook:
    """A URL that is told of new entries in the log. Times in milliseconds since the epoch."""

    id: int
    url: str = attrs.field(repr=False)
    secret: bytes = attrs.field(repr=False)
    kinds: tuple[str, ...]
    """The kinds of entries that it is told of; none for all."""
    place: int
    """The number of the last entry that it was told of, or that was passed over."""
    created: int
    failures: int
    """In a row."""
    last_error: str | None
    last_success: int | None


@attrs.frozen(kw_only=True)
class Undelivered:
    """An entry that a webhook could not be told of."""

    seq: int
    kind: str
    body: bytes = attrs.field(repr=False)
    error: str
    given_up: int
    """Milliseconds since the epoch."""


_COLUMNS = tuple(field.name for field in attrs.fields(Webhook))
_UNDELIVERED = tuple(field.name for field in attrs.fields(Undelivered))


class Webhooks:
    """The shelf that webhooks stand on. ``now`` is in seconds since the epoch everywhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, url: str, secret: bytes, kinds: Sequence[str], place: int, *, now: float
    ) -> "Deferred[Webhook]":
        """Keep a webhook that is to be told of what comes after ``place``."""

        def work(connection: Connection) -> Webhook:
            row = connection.execute(
                "INSERT INTO webhooks (url, secret, kinds, place, created) VALUES (?, ?, ?, ?, ?) "
                f"RETURNING {', '.join(_COLUMNS)}",
                (url, secret, json.dumps(list(kinds)), place, int(now * 1000)),
            ).fetchall()[0]
            return _webhook(row)

        return self._database.run(work)

    def all(self) -> "Deferred[list[Webhook]]":
        """Give every webhook, oldest first."""
        sql = f"SELECT {', '.join(_COLUMNS)} FROM webhooks ORDER BY id"
        return self._database.run(lambda connection: [*map(_webhook, connection.execute(sql))])

    def delete(self, webhook_id: int) -> "Deferred[bool]":
        """Forget a webhook with what it was not told; fires with whether there was one."""
        return self._database.run(
            lambda connection: (
                connection.execute("DELETE FROM webhooks WHERE id = ?", (webhook_id,)).rowcount > 0
            )
        )

    def delivered(self, webhook_id: int, place: int, *, now: float) -> "Deferred[None]":
        """Note that it was told of everything up to ``place``."""

        def work(connection: Connection) -> None:
            _advance(connection, webhook_id, place)
            connection.execute(
                "UPDATE webhooks SET failures = 0, last_error = NULL, last_success = ? "
                "WHERE id = ?",
                (int(now * 1000), webhook_id),
            )

        return self._database.run(work)

    def failed(self, webhook_id: int, error: str) -> "Deferred[None]":
        """Note that telling it did not work for now."""

        def work(connection: Connection) -> None:
            connection.execute(
                "UPDATE webhooks SET failures = failures + 1, last_error = ? WHERE id = ?",
                (error, webhook_id),
            )

        return self._database.run(work)

    def give_up(
        self, webhook_id: int, seq: int, kind: str, body: bytes, error: str, *, now: float
    ) -> "Deferred[None]":
        """Pass over an entry that it cannot be told of, and list it as undelivered."""

        def work(connection: Connection) -> None:
            if not _advance(connection, webhook_id, seq):
                return
            connection.execute(
                "UPDATE webhooks SET failures = 0, last_error = ? WHERE id = ?",
                (error, webhook_id),
            )
            connection.execute(
                "INSERT OR REPLACE INTO undelivered "
                "(webhook_id, seq, kind, body, error, given_up) VALUES (?, ?, ?, ?, ?, ?)",
                (webhook_id, seq, kind, body, error, int(now * 1000)),
            )
            connection.execute(
                "DELETE FROM undelivered WHERE webhook_id = ?1 AND seq <= (SELECT seq "
                "FROM undelivered WHERE webhook_id = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
                (webhook_id, KEEP_UNDELIVERED),
            )

        return self._database.run(work)

    def undelivered(
        self, webhook_id: int, *, after: int = 0, limit: int = KEEP_UNDELIVERED
    ) -> "Deferred[list[Undelivered]]":
        """Give what a webhook was not told, oldest first."""

        def work(connection: Connection) -> list[Undelivered]:
            rows = connection.execute(
                f"SELECT {', '.join(_UNDELIVERED)} FROM undelivered "
                "WHERE webhook_id = ? AND seq > ? ORDER BY seq LIMIT ?",
                (webhook_id, after, limit),
            )
            return [Undelivered(**dict(zip(_UNDELIVERED, row, strict=True))) for row in rows]

        return self._database.run(work)

    def forget_undelivered(self, webhook_id: int, upto: int) -> "Deferred[int]":
        """Take entries with numbers up to ``upto`` off the list; fires with how many."""
        return self._database.run(
            lambda connection: (
                connection.execute(
                    "DELETE FROM undelivered WHERE webhook_id = ? AND seq <= ?", (webhook_id, upto)
                ).rowcount
            )
        )


def _advance(connection: Connection, webhook_id: int, place: int) -> bool:
    """Move its place, never back; tells whether there is such a webhook."""
    moved = connection.execute(
        "UPDATE webhooks SET place = max(place, ?) WHERE id = ?", (place, webhook_id)
    )
    return moved.rowcount > 0


def _webhook(row: tuple[object, ...]) -> Webhook:
    values: dict[str, object] = dict(zip(_COLUMNS, row, strict=True))
    values["kinds"] = tuple(json.loads(str(values["kinds"])))
    return Webhook(**values)  # type: ignore[arg-type]
