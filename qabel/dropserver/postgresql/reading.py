"""Reading messages: those of a selection, and what is new in drops that are listened to."""

import time
from collections.abc import Callable, Mapping

from attrs import define, field, frozen

from qabel.dropserver.message_rows import MOST_COUNTED
from qabel.dropserver.message_values import Retention, Row, Selection, Since, hash_drop_id
from qabel.dropserver.postgresql.asking import AskedPlaces
from qabel.dropserver.postgresql.link import DatabaseLink
from qabel.dropserver.stamps import SECOND

_COUNT = """
SELECT count(*), coalesce(sum(size), 0)::bigint, max(stamp) FROM (
    SELECT stamp, octet_length(body) AS size FROM message
    WHERE place = %s AND stamp > %s AND stamp <= %s ORDER BY stamp LIMIT %s
) AS first
"""

_READ = """
SELECT stamp, body FROM message
WHERE place = %s AND stamp > %s AND stamp <= %s ORDER BY stamp LIMIT %s
"""

_NEWER = """
SELECT place, newer.stamp, newer.body
FROM unnest(%s::bytea[], %s::bigint[]) AS drop (place, after) CROSS JOIN LATERAL (
    SELECT stamp, body FROM message
    WHERE message.place = drop.place AND stamp > drop.after ORDER BY stamp LIMIT %s
) AS newer ORDER BY newer.stamp
"""


@frozen
class Pushed:
    """A message that is new in a drop that somebody listens to."""

    place: bytes = field(repr=False)
    stamp: int
    body: bytes = field(repr=False)


@define(eq=False, repr=False)
class MessageReader:
    """Reads messages, on one thread.

    Args:
        link: used by this thread alone.
        retention: returns how long messages are kept.
        asked: gathers the drops that are read.
        now: returns seconds since the epoch.

    """

    link: DatabaseLink
    _retention: Callable[[], Retention]
    _asked: AskedPlaces = field(factory=AskedPlaces)
    _now: Callable[[], float] = time.time

    def open(
        self, drop_id: str, since: Since | None, limit: int
    ) -> tuple[Selection, list[Row]] | None:
        """Select the messages of a drop, and read the first of them; see ``Storage.open``.

        Raises DatabaseAway.
        """
        place = hash_drop_id(drop_id)
        with self.link.use() as connection:
            row = connection.execute(
                "SELECT latest, is_asked FROM drops WHERE place = %s", (place,)
            ).fetchone()
            if row is None:
                return None
            latest: int = row[0]
            if not row[1]:
                self._asked.note([place])
            # A greater stamp came from another server, or from what was restored since: it is
            # ignored, as it could hide messages that are yet to come.
            known = since is not None and not (since.is_ours and since.stamp > latest)
            after = since.stamp if since is not None and known else -1
            after = max(after, self._horizon())
            if latest <= after:
                return None
            bounds = (place, after, latest)
            count, size, newest = connection.execute(
                _COUNT, (*bounds, MOST_COUNTED + 1)
            ).fetchone() or (0, 0, None)
            if newest is None:
                return None
            counted = (count, size) if count <= MOST_COUNTED else None
            selection = Selection(after, latest if counted is None else newest, counted)
            rows = connection.execute(_READ, (*bounds, limit)).fetchall() if limit else []
        return selection, rows

    def read(self, drop_id: str, after: int, newest: int, limit: int) -> list[Row]:
        """Return some messages; see ``Storage.read``. Raises DatabaseAway."""
        bounds = (hash_drop_id(drop_id), max(after, self._horizon()), newest)
        with self.link.use() as connection:
            return connection.execute(_READ, (*bounds, limit)).fetchall()

    def latest(self, drop_id: str) -> int:
        """Return the greatest stamp ever issued in a drop, 0 if there is none.

        Raises DatabaseAway.
        """
        with self.link.use() as connection:
            row = connection.execute(
                "SELECT latest FROM drops WHERE place = %s", (hash_drop_id(drop_id),)
            ).fetchone()
        return 0 if row is None else int(row[0])

    def newer(self, after: Mapping[bytes, int], limit: int) -> list[Pushed]:
        """Return messages that are newer than a stamp for each drop, given by its hash.

        They come in order, as many as ``limit`` for each drop. Raises DatabaseAway.
        """
        with self.link.use() as connection:
            rows = connection.execute(_NEWER, (list(after), list(after.values()), limit)).fetchall()
        return [Pushed(*row) for row in rows]

    def _horizon(self) -> int:
        """Return the stamp up to which messages are too old."""
        return int((self._now() - self._retention().lifetime) * SECOND)
