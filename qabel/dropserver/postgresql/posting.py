"""Storing messages: many of them in one transaction, with stamps in the order of commits.

A drop has a row with its latest stamp, which the statement that inserts a message raises. The row
stays locked until the commit, so that whoever sees a message has seen all with lesser stamps. Rows
are locked in the order of the drops' hashes, so that no two transactions wait for each other.
"""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from attrs import define, field, frozen
from psycopg import Connection

from qabel.dropserver.message_values import Post
from qabel.dropserver.postgresql.link import PATIENCE, DatabaseAway, DatabaseLink, NotReplicated
from qabel.dropserver.postgresql.schema import add_partitions

_WAIT = 0.1
"""Seconds between questions for what became of a transaction."""

_INSERT = """
WITH given AS (
    SELECT place, source, body, row_number() OVER (PARTITION BY place ORDER BY number) AS nth
    FROM unnest(%b::bytea[], %b::bigint[], %b::bytea[])
        WITH ORDINALITY AS t (place, source, body, number)
), counted AS (
    SELECT place, count(*) AS messages FROM given GROUP BY place
), raised AS (
    INSERT INTO drops AS d (place, latest, messages)
    SELECT place, now_stamp() + messages, messages FROM counted ORDER BY place
    ON CONFLICT (place) DO UPDATE SET
        latest = greatest(d.latest, now_stamp()) + EXCLUDED.messages,
        messages = d.messages + EXCLUDED.messages
    RETURNING place, latest, messages
), stored AS (
    INSERT INTO message (place, stamp, source, body)
    SELECT place, raised.latest - counted.messages + given.nth, source, body
    FROM given JOIN counted USING (place) JOIN raised USING (place)
    RETURNING place, stamp, source, octet_length(body) AS size
), noted AS (
    INSERT INTO usage_change (day, source, messages, charged)
    SELECT stamp_day(stamp), source, count(*), sum(charge(size))
    FROM stored GROUP BY 1, 2
)
SELECT place, stamp, raised.messages, pg_current_xact_id()::text
FROM stored JOIN raised USING (place) ORDER BY stamp
"""

_EVICT = """
WITH gone AS (
    DELETE FROM message USING (
        SELECT place, stamp FROM message WHERE source = %(source)s
            AND (%(place)s::bytea IS NULL OR place = %(place)s)
        ORDER BY stamp DESC LIMIT %(count)s FOR UPDATE SKIP LOCKED
    ) AS newest
    WHERE message.place = newest.place AND message.stamp = newest.stamp
    RETURNING message.stamp, message.source, octet_length(message.body) AS size
), noted AS (
    INSERT INTO usage_change (day, source, messages, charged)
    SELECT stamp_day(stamp), source, -count(*), -sum(charge(size))
    FROM gone GROUP BY 1, 2
)
SELECT count(*) FROM gone
"""


@frozen
class Eviction:
    """The newest messages of a source, to be deleted: of one drop, or of all."""

    source: int
    count: int
    place: bytes | None = field(default=None, repr=False)


@frozen
class Stored:
    """What a transaction did."""

    stamps: Sequence[int]
    """Those of the messages, in the order in which they were given."""
    evicted: Sequence[int]
    """How many messages went for each eviction."""


class DropsFull(Exception):
    """Drops have more messages than they may; nothing was stored."""

    def __init__(self, places: set[bytes]) -> None:
        super().__init__("drops are full")
        self.places = places


@define(eq=False, repr=False)
class PostWriter:
    """Stores messages, on one thread.

    Args:
        link: for this writer alone.
        sleep: waits for so many seconds.

    """

    _link: DatabaseLink
    _sleep: Callable[[float], object] = time.sleep
    _now: Callable[[], float] = time.monotonic

    def store(
        self,
        posts: Sequence[Post],
        numbers: Sequence[int],
        *,
        evictions: Sequence[Eviction] = (),
        drop_quota: int,
        exempt: frozenset[bytes] = frozenset(),
    ) -> Stored:
        """Store messages in one transaction.

        When it returns, they are on the disk, and on that of the standby if there is one.

        Args:
            posts: the messages.
            numbers: those of their sources.
            evictions: what goes for them.
            drop_quota: messages that a drop may have.
            exempt: drops of which it is known that these messages fit.

        Raises:
            DropsFull: nothing was stored.
            DatabaseAway: nothing was stored, or it is not known.

        """
        places = [post.place for post in posts]
        bodies = [post.body for post in posts]
        rows: list[tuple[bytes, int, int, str]] = []
        evicted: list[int] = []
        try:
            with self._link.transaction() as connection:
                evicted += [_evict(connection, each) for each in evictions]
                rows += _insert(connection, places, numbers, bodies)
                full = {place for place, _, messages, _ in rows if messages > drop_quota} - exempt
                if full:
                    rows.clear()
                    raise DropsFull(full)
        except NotReplicated:
            raise
        except DatabaseAway as error:
            # Only the commit was left to do: it may have succeeded.
            if not rows or not self._is_there(rows, posts):
                raise error from None
        return Stored(_in_order(places, rows), evicted)

    def _is_there(self, rows: list[tuple[bytes, int, int, str]], posts: Sequence[Post]) -> bool:
        """Find out whether a transaction was committed whose commit was not answered."""
        place, stamp, _, transaction = rows[0]
        until = self._now() + PATIENCE
        while self._now() < until:
            try:
                with self._link.use() as connection:
                    is_running = _is_running(connection, transaction)
                if not is_running:
                    # Its number may be another's by now, after a failover: the rows tell.
                    return self._is_stored(place, stamp, posts)
            except DatabaseAway:
                pass  # it is asked again until the time is over
            self._sleep(_WAIT)
        return False

    def _is_stored(self, place: bytes, stamp: int, posts: Sequence[Post]) -> bool:
        with self._link.transaction() as connection:
            # The lock has to be confirmed by the standby, and with it all that came before.
            row = connection.execute(
                "SELECT body FROM message WHERE place = %s AND stamp = %s FOR UPDATE",
                (place, stamp),
            ).fetchone()
        return row is not None and any(
            post.place == place and post.body == row[0] for post in posts
        )


def recount(connection: "Connection[Any]", place: bytes, horizon: int) -> dict[int, int]:
    """Count the messages of a drop by the numbers of their sources, in the caller's transaction.

    ``horizon`` is the stamp from which on messages count. Raises psycopg.Error.
    """
    connection.execute("SELECT FROM drops WHERE place = %s FOR UPDATE", (place,))
    counts = dict(
        connection.execute(
            "SELECT source, count(*) FROM message WHERE place = %s AND stamp >= %s GROUP BY source",
            (place, horizon),
        ).fetchall()
    )
    connection.execute(
        "UPDATE drops SET messages = %s WHERE place = %s", (sum(counts.values()), place)
    )
    return counts


def _evict(connection: "Connection[Any]", eviction: Eviction) -> int:
    row = connection.execute(
        _EVICT,
        {"source": eviction.source, "place": eviction.place, "count": eviction.count},
    ).fetchone()
    evicted = 0 if row is None else int(row[0])
    if eviction.place is not None:
        connection.execute(
            "UPDATE drops SET messages = messages - %s WHERE place = %s",
            (evicted, eviction.place),
        )
    return evicted


def _insert(
    connection: "Connection[Any]",
    places: Sequence[bytes],
    numbers: Sequence[int],
    bodies: Sequence[bytes],
) -> list[tuple[bytes, int, int, str]]:
    given = (places, numbers, bodies)
    try:
        with connection.transaction():
            return connection.execute(_INSERT, given, binary=True).fetchall()
    except psycopg.errors.CheckViolation:
        # There is no partition for a stamp: no upkeep for days, or a clock that was ahead.
        rows = connection.execute(
            "SELECT DISTINCT stamp_day(latest) FROM drops WHERE place = ANY(%s)", (list(places),)
        ).fetchall()
        add_partitions(connection, {day + more for (day,) in rows for more in (0, 1)})
        return connection.execute(_INSERT, given, binary=True).fetchall()


def _is_running(connection: "Connection[Any]", transaction: str) -> bool:
    try:
        row = connection.execute("SELECT pg_xact_status(%s::xid8)", (transaction,)).fetchone()
    except psycopg.errors.InvalidParameterValue:
        return False  # this server, the former standby, never got so far
    return row is not None and row[0] == "in progress"


def _in_order(places: Sequence[bytes], rows: Sequence[tuple[bytes, int, int, str]]) -> list[int]:
    """Return the stamps in the order of the messages, which is the order within each drop."""
    stamps: defaultdict[bytes, deque[int]] = defaultdict(deque)
    for place, stamp, _, _ in rows:
        stamps[place].append(stamp)
    return [stamps[place].popleft() for place in places]
