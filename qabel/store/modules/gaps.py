"""Damaged parts of the journal: modules read around them."""

from collections.abc import Callable
from typing import Any

from attrs import define, field

from qabel.store.database.connection import Parameters
from qabel.store.database.errors import Corrupt
from qabel.store.modules.places import Place

Read = Callable[[str, Parameters], list[tuple[Any, ...]]]

_SOURCES = {
    "received": ("received messages", "SELECT data, meta_data FROM messages WHERE id > ? {}"),
    "sent": (
        "messages that were sent",
        """SELECT message, (SELECT group_concat(state) FROM deliveries WHERE send_id = sends.id)
        FROM sends WHERE seq > ? {}""",
    ),
    "events": ("events", "SELECT detail FROM events WHERE seq > ? {}"),
}
"""What the journal is read from: what it is called, and how to try whether it can be read."""

_ORDER = {"received": "id", "sent": "seq, id", "events": "seq"}

CLOSELY = 256
"""Numbers that are tried one by one; behind them whole rows among damaged ones may be missed."""


@define(eq=False)
class Gaps:
    """What cannot be read of the journal, in each of the tables that it is read from."""

    _ends: dict[str, int] = field(factory=dict, init=False)
    """The last number that is passed over, by the source."""

    def bounds(self, after: Place) -> dict[str, object]:
        """Return the numbers behind which each source is read, as values of a statement."""
        sent = max(after, Place(self._ends.get("sent", 0)))
        bounds = {each: max(after.seq, self._ends.get(each, 0)) for each in ("received", "events")}
        return {**bounds, "sent": sent.seq, "part": sent.part}

    def find(self, read: Read, at: Place, newest: int) -> list[str]:
        """Pass over what cannot be read right behind a place.

        Args:
            read: runs statements that read.
            at: the place.
            newest: the newest number in the journal.

        Returns:
            What is passed over from now on, for people; empty if all can be read.

        Raises:
            Corrupt: nothing that follows can be read.

        """
        found = []
        for source, (name, _) in _SOURCES.items():
            first = max(at.seq, self._ends.get(source, 0))
            if _can_read(read, source, first):
                continue
            last = _end(read, source, first, newest)
            self._ends[source] = last
            found.append(f"{name} from number {first + 1} to {last}")
        return found


NO_GAPS = Gaps()


def _end(read: Read, source: str, first: int, newest: int) -> int:
    """Return the first number behind which a source can be read again."""
    for number in range(first + 1, min(first + CLOSELY, newest) + 1):
        if _can_read(read, source, number):
            return number
    least, most = first + CLOSELY, first + 2 * CLOSELY
    while least >= newest or not _can_read(read, source, min(most, newest)):
        if most >= newest:
            raise Corrupt("A part of the database is damaged: its newest messages or events.")
        least, most = most, 2 * most - first
    most = min(most, newest)
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if _can_read(read, source, middle) else (middle, most)
    return most


def _can_read(read: Read, source: str, after: int) -> bool:
    sql = _SOURCES[source][1].format(f"ORDER BY {_ORDER[source]} LIMIT 1")
    try:
        read(sql, (after,))
    except Corrupt:
        return False
    return True
