"""Whether there is room for a message, and what goes for it, as ``qabel.dropserver.shares`` says.

All of this blocks, and runs within the transaction that stores the message.
"""

import sqlite3
from enum import Enum

from attrs import define, field

from qabel.dropserver.holdings import Holdings, Room
from qabel.dropserver.message_rows import MessageRows, is_damage
from qabel.dropserver.message_values import MESSAGE_SIZE, Post, Retention, charge
from qabel.dropserver.stamps import SECOND
from qabel.host.http_server.sources import OLD, Source

_LEAP = 600 * SECOND
"""How much is passed over at once where pages are damaged."""


class Full(Enum):
    """Why there is no room for a message, as it is said to clients."""

    DROP = "Drop full"
    SERVER = "Server full"


@define(eq=False)
class Admission:
    """Makes room for messages.

    Args:
        rows: the messages.
        retention: how many there may be.

    """

    _rows: MessageRows
    _retention: Retention
    _begun_at: int = field(init=False)
    """Messages up to this stamp are older than the process."""

    @_begun_at.default
    def _latest(self) -> int:
        return self._rows.latest

    @property
    def _holdings(self) -> Holdings:
        return self._rows.holdings

    def make_room(self, post: Post) -> Full | None:
        """Delete what has to go for a message; return why there is no room if none can be made."""
        if not self._make_room_in(post.place, post.source):
            return Full.DROP
        if not self._make_room(post.source, charge(len(post.body))):
            return Full.SERVER
        return None

    def _make_room_in(self, place: bytes, source: Source) -> bool:
        excess = self._rows.count(place) - self._retention.most_in_drop
        if excess < 0:
            return True
        if excess > 0:
            # The quota was lowered.
            self._rows.delete_oldest_in(place, excess)
        drop = self._holdings.in_drop(place) or self._holdings.look_into(
            place, self._rows.stamps(place)
        )
        yielding = drop.shares.yields(source, 1)
        if yielding is None:
            return True
        return yielding != source and self._delete_newest(drop, yielding, place)

    def _make_room(self, source: Source, cost: int) -> bool:
        everywhere = self._holdings.everywhere
        while (yielding := everywhere.shares.yields(source, cost)) is not None:
            if yielding == source:
                return False
            if not self._delete_newest(everywhere, yielding):
                # It was not known that they had gone.
                everywhere.shares.add(yielding, -everywhere.shares.holding(yielding))
        return True

    def _delete_newest(self, held: Room, source: Source, place: bytes = b"") -> bool:
        """Delete the newest message of a source; return whether there was one."""
        # That something cannot be inserted must not be taken for what cannot be deleted.
        self._rows.flush()
        newest = held.origins.newest(source)
        if newest is None and source == OLD:
            newest = self._newest_old()
        if newest is None:
            return False
        try:
            return self._rows.delete_one(newest)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            # Nobody can read it, and it goes with its page: it counts as gone.
            self._holdings.went(newest, place, charge(MESSAGE_SIZE))
            return True

    def _newest_old(self) -> int | None:
        """Return the stamp of the newest message older than the process, beyond damaged pages."""
        while self._begun_at > self._rows.passed:
            try:
                return self._rows.newest_until(self._begun_at)
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                self._begun_at -= _LEAP
        return None
