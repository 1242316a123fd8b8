"""The tables of a drop server in PostgreSQL: created once, and brought up to date.

What a front end stores there is told in ``docs/scaling.rst``.
"""

from collections.abc import Iterable
from typing import Any

from psycopg import Connection
from psycopg.errors import DuplicateFunction, InsufficientPrivilege, UndefinedColumn

from qabel.host.start_errors import StartError

VERSION = 1

OLDEST_SERVER = 140_000
"""The version of PostgreSQL that is needed, as it numbers them: it detaches partitions gently."""

LOCK = 0x51614472
"""The advisory lock of whoever creates or changes tables: "QaDr"."""

DAY = 86_400_000_000
"""Microseconds of a partition."""

DAYS_AHEAD = 3
"""Partitions that there are already for days to come."""

_NAMES = ("drops", "message", "source_key", "usage", "usage_change", "held")
"""Tables beside ``server``, which is looked for first."""

_FOREIGN = "the database has tables or functions of another program: use a database of its own"

_TABLES = """
CREATE TABLE server (
    one integer PRIMARY KEY CHECK (one = 1),
    version integer NOT NULL,
    lifetime bigint NOT NULL,           -- seconds that messages are kept
    quota bigint NOT NULL,              -- bytes of all messages, as they are charged
    drop_quota bigint,                  -- messages of one drop; NULL for as many as are sensible
    drop_id_bits integer NOT NULL       -- random bits in the ids of new drops
);
CREATE TABLE drops (
    place bytea PRIMARY KEY,            -- a hash of the drop id: the tables give access to no drop
    latest bigint NOT NULL,             -- the greatest stamp ever issued in it
    messages bigint NOT NULL,           -- as many, at most, as are there
    is_asked boolean NOT NULL DEFAULT false -- whether anybody has asked for it since it began
) WITH (fillfactor = 60);
CREATE TABLE message (
    place bytea NOT NULL,
    stamp bigint NOT NULL,              -- when it arrived; in a drop, each has a greater one
    source bigint NOT NULL,             -- see source_numbers
    body bytea NOT NULL,
    -- With the source, those of a drop are counted by the index alone.
    PRIMARY KEY (place, stamp) INCLUDE (source)
) PARTITION BY RANGE (stamp);
ALTER TABLE message ALTER body SET STORAGE PLAIN;
CREATE INDEX message_of_source ON message (source, stamp);
CREATE UNLOGGED TABLE source_key (      -- it is in no write-ahead log, and on no standby
    day integer PRIMARY KEY,
    key bytea NOT NULL                  -- deleted after its day
);
CREATE TABLE usage (
    day integer NOT NULL,
    source bigint NOT NULL,
    messages bigint NOT NULL,
    charged bigint NOT NULL,
    PRIMARY KEY (day, source)
);
CREATE TABLE usage_change (             -- what is to be added to it: nobody waits for anybody
    day integer NOT NULL,
    source bigint NOT NULL,
    messages bigint NOT NULL,
    charged bigint NOT NULL
);
CREATE VIEW held AS SELECT * FROM usage UNION ALL SELECT * FROM usage_change;
CREATE FUNCTION now_stamp() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE AS
    'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint';
CREATE FUNCTION stamp_day(stamp bigint) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    'SELECT (stamp / 86400000000)::integer';
CREATE FUNCTION charge(size integer) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    'SELECT (greatest(size, 2149) + 128)::bigint';
"""


def bring_up_to_date(connection: "Connection[Any]") -> None:
    """Create the tables if there are none, and the partitions of the next days.

    Raises psycopg.Error, and StartError for a database that cannot be used.
    """
    if connection.info.server_version < OLDEST_SERVER:
        version = connection.info.parameter_status("server_version")
        raise StartError(f"PostgreSQL {OLDEST_SERVER // 10_000} or later is needed, not {version}")
    try:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            if not check_version(connection):
                connection.execute(_TABLES)
            add_partitions(connection)
    except InsufficientPrivilege as error:
        raise StartError(
            "the database's user must own the database, and all tables that are in it: see ALTER "
            f"DATABASE … OWNER TO, and REASSIGN OWNED ({error.diag.message_primary})"
        ) from None
    except DuplicateFunction:
        raise StartError(_FOREIGN) from None


def check_version(connection: "Connection[Any]") -> bool:
    """Return whether the database has our tables; False if it has none.

    Raises psycopg.Error, and StartError for tables of another program or a newer version.
    """
    if not _exists(connection, "server"):
        if any(_exists(connection, name) for name in _NAMES):
            raise StartError(_FOREIGN)
        return False
    try:
        version = _version(connection)
    except UndefinedColumn:
        raise StartError(_FOREIGN) from None
    if version is not None and version > VERSION:
        raise StartError(
            f"the database has schema version {version}, and this program knows those up to "
            f"{VERSION}: a newer version of it has used the database"
        )
    return True


def add_partitions(connection: "Connection[Any]", days: Iterable[int] = ()) -> None:
    """Create the partitions of today, of days to come, and of other days.

    Runs in a transaction of the caller. Raises psycopg.Error.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
    (today,) = connection.execute("SELECT stamp_day(now_stamp())").fetchone() or (0,)
    there = {day for _, day in partitions(connection)}
    for day in sorted({*range(today - 1, today + DAYS_AHEAD + 1), *days}):
        if day not in there:
            name = f"message_{day}"
            # Attaching locks the table less than creating a partition of it would.
            first, end = day * DAY, (day + 1) * DAY
            connection.execute(
                f"CREATE TABLE {name} (LIKE message INCLUDING ALL, "
                f"CHECK (stamp >= {first} AND stamp < {end}))"
                " WITH (autovacuum_vacuum_insert_scale_factor = 0.05);"
                f"ALTER TABLE message ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({end})"
            )


def partitions(connection: "Connection[Any]") -> list[tuple[str, int]]:
    """Return the names of the partitions, and their days, in order."""
    rows = connection.execute(
        "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid"
        " WHERE inhparent = 'message'::regclass ORDER BY relname"
    ).fetchall()
    return [(name, int(name.removeprefix("message_"))) for (name,) in rows]


def _exists(connection: "Connection[Any]", table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
    return row is not None and bool(row[0])


def _version(connection: "Connection[Any]") -> int | None:
    row = connection.execute("SELECT version FROM server").fetchone()
    return None if row is None else int(row[0])
