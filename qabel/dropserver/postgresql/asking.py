"""Which drops were asked for since messages were left in them: a mark in each drop's row, set once.

No request waits for it: what was asked is gathered, and written now and then.
"""

from collections.abc import Iterable
from threading import Lock

from attrs import define, field

from qabel.dropserver.postgresql.link import DatabaseLink

_BATCH = 1000
"""Drops that are marked in one transaction."""

_MOST = 100_000
"""Drops that are gathered: those beyond are noted when they are asked for again."""


@define(eq=False, repr=False)
class AskedPlaces:
    """Gathers drops that are asked for; any thread may use it."""

    _places: set[bytes] = field(factory=set, init=False)
    _lock: Lock = field(factory=Lock, init=False)

    def note(self, places: Iterable[bytes]) -> None:
        """Note that somebody asks for drops, given by their hashes."""
        some = set(places)
        if not some:
            return
        with self._lock:
            if len(self._places) < _MOST:
                self._places.update(some)

    def store(self, link: DatabaseLink) -> bool:
        """Mark some of them in the database; return whether there are more.

        Raises DatabaseAway, and keeps them.
        """
        with self._lock:
            some = [place for place, _ in zip(self._places, range(_BATCH), strict=False)]
        if some:
            with link.use() as connection:
                # In the order in which those who store messages lock the rows.
                connection.execute(
                    "UPDATE drops SET is_asked = true WHERE place IN (SELECT place FROM drops"
                    " WHERE place = ANY(%s) AND NOT is_asked ORDER BY place FOR UPDATE)",
                    (some,),
                )
        with self._lock:
            self._places.difference_update(some)
            return bool(self._places)
