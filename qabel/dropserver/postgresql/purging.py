"""Deleting the messages of drops that nobody has asked for, as a flood of posts leaves them."""

import time
from typing import Any

from attrs import evolve
from psycopg import Connection

from qabel.dropserver.message_purge import MessagePurge
from qabel.dropserver.postgresql.link import DatabaseLink
from qabel.dropserver.stamps import SECOND

SPARED = 180
"""Seconds: of what arrived later, other front ends may not have told yet that somebody asks."""

_BATCH = 1000
"""Messages that are deleted in one transaction."""

_COUNT = """
SELECT count(*) FILTER (WHERE NOT is_asked),
    count(DISTINCT place) FILTER (WHERE NOT is_asked),
    coalesce(sum(charge(octet_length(body))) FILTER (WHERE NOT is_asked), 0)::bigint,
    count(*) FILTER (WHERE is_asked)
FROM message JOIN drops USING (place) WHERE stamp >= %s AND stamp < %s
"""

_DELETE = """
WITH due AS (
    SELECT place, stamp FROM message JOIN drops USING (place)
    WHERE stamp >= %s AND stamp < %s AND NOT is_asked LIMIT %s FOR UPDATE OF message SKIP LOCKED
), gone AS (
    DELETE FROM message USING due
    WHERE message.place = due.place AND message.stamp = due.stamp
    RETURNING message.stamp, message.source, octet_length(message.body) AS size
), noted AS (
    INSERT INTO usage_change (day, source, messages, charged)
    SELECT stamp_day(stamp), source, -count(*), -sum(charge(size)) FROM gone GROUP BY 1, 2
)
SELECT count(*) FROM gone
"""


def purge_step(link: DatabaseLink, purge: MessagePurge) -> None:
    """Count what is to be deleted, in the first step, and delete some of it.

    Raises DatabaseAway.
    """
    bounds = (int(purge.since * SECOND), int((time.time() - SPARED) * SECOND))
    with link.transaction() as connection:
        if not purge.has_begun:
            _count(connection, purge, bounds)
        gone = 0
        if not purge.is_dry_run:
            row = connection.execute(_DELETE, (*bounds, _BATCH)).fetchone()
            gone = 0 if row is None else int(row[0])
    purge.is_done = gone == 0


def _count(connection: "Connection[Any]", purge: MessagePurge, bounds: tuple[int, int]) -> None:
    messages, drops, charged, kept = connection.execute(_COUNT, bounds).fetchone() or (0, 0, 0, 0)
    purge.purged = evolve(purge.purged, messages=messages, drops=drops, charged=charged, kept=kept)
    purge.has_begun = True
