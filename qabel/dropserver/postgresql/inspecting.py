"""Looking at what is in the database, without changing it, while front ends use it or not."""

from typing import Any

from psycopg import Connection

from qabel.dropserver.inspection import Inspected
from qabel.dropserver.postgresql.link import DatabaseAway, DatabaseLink
from qabel.dropserver.postgresql.schema import check_version, partitions
from qabel.dropserver.stamps import SECOND
from qabel.host.start_errors import StartError

_COUNT = """
SELECT count(*), count(DISTINCT place), coalesce(sum(charge(octet_length(body))), 0)::bigint,
    min(stamp), max(stamp), stamp_day(now_stamp())
FROM message
"""

_SIZE = """
SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
WHERE relkind = 'r' AND relname = ANY(%s)
"""


def inspect_database(url: str) -> Inspected:
    """Read all messages, and return what is there.

    Raises StartError, with what is wrong.
    """
    link = DatabaseLink(url, _forbid_changes)
    try:
        with link.use() as connection:
            return _inspect(connection)
    except DatabaseAway as error:
        raise StartError(f"cannot use the database: {error}") from None
    finally:
        link.close()


def _forbid_changes(connection: "Connection[Any]") -> None:
    connection.execute("SET default_transaction_read_only = on")


def _inspect(connection: "Connection[Any]") -> Inspected:
    if not check_version(connection):
        raise StartError("the database is empty: no drop server has used it")
    messages, drops, charged, oldest, newest, today = connection.execute(_COUNT).fetchone() or (
        0,
        0,
        0,
        None,
        None,
        0,
    )
    days = {day for _, day in partitions(connection)}
    if not {today, today + 1} <= days:
        raise StartError(
            "the database has no partitions for today and tomorrow: no drop server uses it, or "
            "none can; see its log"
        )
    names = ["drops", "usage", "usage_change", *(name for name, _ in partitions(connection))]
    row = connection.execute(_SIZE, (names,)).fetchone()
    return Inspected(
        messages,
        drops,
        charged,
        None if oldest is None else oldest / SECOND,
        None if newest is None else newest / SECOND,
        0 if row is None else int(row[0]),
        None,
    )
