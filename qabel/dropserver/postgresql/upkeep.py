"""What one of the front ends does for all: new partitions, old ones, sums and keys.

Whoever holds a lock of the database does it; the others come back later. It is done in small parts:
those who post and read wait for none of them.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from attrs import define
from psycopg import Connection, Cursor
from psycopg.errors import LockNotAvailable
from psycopg.sql import SQL, Composed, Identifier

from qabel.dropserver.message_values import Retention
from qabel.dropserver.postgresql.link import DatabaseLink
from qabel.dropserver.postgresql.schema import DAY, add_partitions, partitions
from qabel.dropserver.postgresql.source_keys import forget_keys
from qabel.dropserver.stamps import SECOND

UPKEEP_LOCK = 0x51614475

_LOCK_PATIENCE = "2s"
"""How long it is waited for somebody who reads what is to be deleted, such as a backup."""

_FOLD_BATCH = 20_000
"""Changes that are added to the sums in one transaction."""

_FORGET_PAGES = 500
"""Pages of the table of drops that are gone through in one transaction."""

_KEPT_LONGER = 2 * DAY
"""Microseconds that a drop's latest stamp is kept longer than its messages."""

_FOLD = """
WITH gone AS (
    DELETE FROM usage_change WHERE ctid = ANY(ARRAY(SELECT ctid FROM usage_change LIMIT %s))
    RETURNING day, source, messages, charged
), folded AS (
    INSERT INTO usage AS u (day, source, messages, charged)
    SELECT day, source, sum(messages), sum(charged) FROM gone GROUP BY day, source
    ON CONFLICT (day, source) DO UPDATE SET
        messages = u.messages + EXCLUDED.messages, charged = u.charged + EXCLUDED.charged
)
SELECT count(*) FROM gone
"""

# Rows that somebody has locked are about to be raised.
_FORGET_DROPS = """
DELETE FROM drops WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM drops
    WHERE ctid >= format('(%%s,0)', %s::bigint)::tid AND ctid < format('(%%s,0)', %s::bigint)::tid
        AND latest < %s
    FOR UPDATE SKIP LOCKED
))
"""

_DROP_PAGES = "SELECT pg_relation_size('drops') / current_setting('block_size')::bigint"

_PENDING = """
SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid
WHERE inhparent = 'message'::regclass AND inhdetachpending
"""

_DETACHED = """
SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^message_[0-9]+$'
    AND relnamespace = current_schema()::regnamespace
    AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = pg_class.oid)
"""


def keep_up(
    link: DatabaseLink, retention: Retention, is_ending: Callable[[], bool] = lambda: False
) -> bool:
    """Do what is due; return whether it was this front end that did.

    It ends before all is done once ``is_ending`` returns True. Raises DatabaseAway.
    """
    with link.use() as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (UPKEEP_LOCK,)).fetchone()
        if row is None or not row[0]:
            return False
        try:
            connection.execute(f"SET lock_timeout = '{_LOCK_PATIENCE}'")
            _Upkeep(link, connection, retention, is_ending).run()
        finally:
            if not connection.closed:
                link.begin_anew()
                connection.execute("SELECT pg_advisory_unlock(%s)", (UPKEEP_LOCK,))
    return True


@define(eq=False, repr=False)
class _Upkeep:
    """What is done with the lock, on a connection of a link that is in use."""

    _link: DatabaseLink
    _connection: "Connection[Any]"
    _retention: Retention
    _is_ending: Callable[[], bool]

    def run(self) -> None:
        with self._connection.transaction():
            add_partitions(self._connection)
        while self._ask(_FOLD, _FOLD_BATCH) == _FOLD_BATCH:
            if self._is_ending():
                return
        today = self._ask("SELECT stamp_day(now_stamp())")
        horizon = self._ask("SELECT now_stamp()") - int(self._retention.lifetime * SECOND)
        self._forget_keys(today)
        # A day's partition goes once a day: so often is enough for what takes long, too.
        if self._drop_partitions(horizon):
            self._forget_drops(horizon - _KEPT_LONGER)

    def _forget_keys(self, today: int) -> None:
        # If a backup reads them, they go the next time.
        with suppress(LockNotAvailable):
            forget_keys(self._connection, today)

    def _drop_partitions(self, horizon: int) -> bool:
        """Drop the partitions of which all messages are too old; return whether there were any."""
        # If somebody reads one for long, it is invisible to all who come later, and goes then.
        with suppress(LockNotAvailable):
            self._detach_partitions(horizon)
        names = [name for (name,) in self._rows(_DETACHED) if (_day(name) + 1) * DAY <= horizon]
        for name in names:
            with self._connection.transaction():
                self._run(SQL("DROP TABLE {}").format(Identifier(name)))
                self._run("DELETE FROM usage WHERE day = %s", _day(name))
                self._run("DELETE FROM usage_change WHERE day = %s", _day(name))
        return bool(names)

    def _detach_partitions(self, horizon: int) -> None:
        """Take partitions out of the table, waiting for those who read them while others go on.

        Raises LockNotAvailable if somebody reads one for long.
        """
        for (name,) in self._rows(_PENDING):
            # It was waited for in vain before, or the front end was killed that began it.
            self._detach(name, "FINALIZE")
        for name, day in partitions(self._connection):
            if (day + 1) * DAY <= horizon and not self._is_ending():
                self._detach(name, "CONCURRENTLY")

    def _detach(self, name: str, how: str) -> None:
        statement = "ALTER TABLE message DETACH PARTITION {} {}"
        self._run(SQL(statement).format(Identifier(name), SQL(how)))

    def _forget_drops(self, until: int) -> None:
        """Delete the rows of drops in which there was nothing new for long, a few at a time."""
        for page in range(0, self._ask(_DROP_PAGES), _FORGET_PAGES):
            if self._is_ending():
                return
            self._run(_FORGET_DROPS, page, page + _FORGET_PAGES, until)

    def _ask(self, statement: str, *values: int) -> int:
        row = self._run(statement, *values).fetchone()
        return 0 if row is None else int(row[0])

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self._run(statement).fetchall()

    def _run(self, statement: "str | Composed", *values: int) -> "Cursor[tuple[Any, ...]]":
        self._link.begin_anew()
        return self._connection.execute(statement, values or None)


def _day(name: str) -> int:
    return int(name.removeprefix("message_"))
