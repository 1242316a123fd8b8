"""The keys with which sources are numbered: one for each day, the same for all front ends."""

import os
from typing import Any

from attrs import define, field
from psycopg import Connection

from qabel.dropserver.postgresql.source_numbers import KEY_SIZE, number_source
from qabel.host.http_server.sources import Source


@define(eq=False, repr=False)
class SourceKeys:
    """Knows the key of today."""

    _day: int = field(default=-1, init=False)
    _key: bytes = field(default=b"", init=False)
    _connection: "Connection[Any] | None" = field(default=None, init=False)
    """The one by which it is known: a database that was started anew may have another key."""

    def refresh(self, connection: "Connection[Any]", day: int) -> None:
        """Have the key of a day, counted from 1970; the first front end draws it.

        Raises psycopg.Error.
        """
        if day == self._day and connection is self._connection:
            return
        connection.execute(
            "INSERT INTO source_key VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (day, os.urandom(KEY_SIZE)),
        )
        row = connection.execute("SELECT key FROM source_key WHERE day = %s", (day,)).fetchone()
        if row is not None:
            self._day, self._key, self._connection = day, row[0], connection

    def number(self, source: Source) -> int:
        """Return the number of a source today."""
        return number_source(source, self._day, self._key)


def forget_keys(connection: "Connection[Any]", day: int) -> None:
    """Delete the keys of the days before a day, from the disk, too. Raises psycopg.Error.

    A row that is deleted stays in the table's file until it is overwritten, which may take months.
    So the table gets another file. It is in no log either, as it is an unlogged one.
    """
    row = connection.execute("SELECT FROM source_key WHERE day < %s LIMIT 1", (day,)).fetchone()
    if row is None:
        return
    with connection.transaction():
        connection.execute("LOCK TABLE source_key")
        kept = connection.execute(
            "SELECT day, key FROM source_key WHERE day >= %s", (day,)
        ).fetchall()
        connection.execute("TRUNCATE source_key")
        for each in kept:
            connection.execute("INSERT INTO source_key VALUES (%s, %s)", each)
