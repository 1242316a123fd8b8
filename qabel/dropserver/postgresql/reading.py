"""Reading messages: those of a selection, and what is new in drops that are listened to."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from attrs import define, field, frozen
from psycopg import Connection

from qabel.dropserver.message_rows import MOST_COUNTED
from qabel.dropserver.message_values import Opened, Retention, Row, Selection, Since, hash_drop_id
from qabel.dropserver.postgresql.asking import AskedPlaces
from qabel.dropserver.postgresql.link import DatabaseLink
from qabel.dropserver.stamps import SECOND

_DROPS = "SELECT place, latest, is_asked FROM drops WHERE place = ANY(%b::bytea[])"

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
FROM unnest(%b::bytea[], %b::bigint[]) AS drop (place, after) CROSS JOIN LATERAL (
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


@frozen
class Opening:
    """A question for the messages of a drop; see ``Storage.open``."""

    drop_id: str = field(repr=False)
    since: Since | None
    limit: int

    @property
    def place(self) -> bytes:
        """The hash of the drop's id."""
        return hash_drop_id(self.drop_id)


@frozen
class News:
    """Between which stamps there may be something new."""

    after: int
    latest: int


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
        opening = Opening(drop_id, since, limit)
        [news] = self.look([opening])
        return None if news is None else self.fetch(opening, news)

    def look(self, openings: Sequence[Opening]) -> list[News | None]:
        """Return what is new to each of several who ask, None for nothing. Raises DatabaseAway."""
        latest = self._latest({each.place for each in openings}, asked=True)
        return [self._news(each.since, latest.get(each.place, 0)) for each in openings]

    def _news(self, since: Since | None, latest: int) -> News | None:
        # A greater stamp came from another server, or from what was restored since: it is ignored,
        # as it could hide messages that are yet to come.
        known = since is not None and not (since.is_ours and since.stamp > latest)
        after = since.stamp if since is not None and known else -1
        after = max(after, self._horizon())
        return None if latest <= after else News(after, latest)

    def fetch(self, opening: Opening, news: News) -> Opened | None:
        """Select what is new to somebody, and read the first; None if it is gone, or too old.

        Raises DatabaseAway.
        """
        after, latest = news.after, news.latest
        bounds = (opening.place, after, latest)
        with self.link.use() as connection:
            count, size, newest = connection.execute(
                _COUNT, (*bounds, MOST_COUNTED + 1)
            ).fetchone() or (0, 0, None)
            if newest is None:
                return None
            counted = (count, size) if count <= MOST_COUNTED else None
            selection = Selection(after, latest if counted is None else newest, counted)
            rows = _read(connection, bounds, opening.limit) if opening.limit else []
        return selection, rows

    def read(self, drop_id: str, after: int, newest: int, limit: int) -> list[Row]:
        """Return some messages; see ``Storage.read``. Raises DatabaseAway."""
        bounds = (hash_drop_id(drop_id), max(after, self._horizon()), newest)
        with self.link.use() as connection:
            return _read(connection, bounds, limit)

    def latest(self, drop_id: str) -> int:
        """Return the greatest stamp ever issued in a drop, 0 if there is none.

        Raises DatabaseAway.
        """
        place = hash_drop_id(drop_id)
        return self._latest([place]).get(place, 0)

    def newer(self, after: Mapping[bytes, int], limit: int) -> list[Pushed]:
        """Return messages that are newer than a stamp for each drop, given by its hash.

        They come in order, as many as ``limit`` for each drop. Raises DatabaseAway.
        """
        with self.link.use() as connection:
            given = (list(after), list(after.values()), limit)
            rows = connection.execute(_NEWER, given, binary=True).fetchall()
        return [Pushed(*row) for row in rows]

    def _latest(self, places: Collection[bytes], *, asked: bool = False) -> dict[bytes, int]:
        """Return the greatest stamps of drops, and note if somebody asks for their messages."""
        with self.link.use() as connection:
            rows = connection.execute(_DROPS, (list(places),), binary=True).fetchall()
        if asked:
            self._asked.note(place for place, _, is_asked in rows if not is_asked)
        return {place: latest for place, latest, _ in rows}

    def _horizon(self) -> int:
        """Return the stamp up to which messages are too old."""
        return int((self._now() - self._retention().lifetime) * SECOND)


def _read(connection: "Connection[Any]", bounds: tuple[bytes, int, int], limit: int) -> list[Row]:
    # Bodies as text would have twice as many bytes.
    return connection.execute(_READ, (*bounds, limit), binary=True).fetchall()
