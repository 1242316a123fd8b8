"""Looking at what is in the database, without changing it, while front ends use it or not."""

from typing import Any

from psycopg import Connection

from qabel.dropserver.inspection import Inspected, moment_of
from qabel.dropserver.postgresql.link import used_once
from qabel.dropserver.postgresql.schema import check_version, partitions
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
    with used_once(url, _forbid_changes) as connection:
        return _inspect(connection)


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
        moment_of(oldest),
        moment_of(newest),
        0 if row is None else int(row[0]),
        None,
    )
