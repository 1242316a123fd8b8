"""Which drops were asked for, in the message file: loaded once, and stored in small parts.

All of this blocks.
"""

import sqlite3
from collections.abc import Iterable

from attrs import define

from qabel.dropserver.asked_drops import PART_BITS, AskedDrops, Bits
from qabel.dropserver.file_session import FileSession
from qabel.dropserver.message_rows import is_damage
from qabel.dropserver.message_values import DAY, Post, hash_drop_id


def load_asked(connection: sqlite3.Connection, now: float) -> AskedDrops:
    """Return what a file knows; where it is damaged, nothing is known of what was asked before.

    Args:
        connection: to the file.
        now: seconds since the epoch.

    """
    try:
        began, began_before, known_since = connection.execute(
            "SELECT began, began_before, known_since FROM asking"
        ).fetchone()
        if began is None:
            return AskedDrops(int(now), known_since=int(now) if known_since is None else 0)
        bits, bits_before = (_load(connection, each) for each in (began, began_before))
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return AskedDrops(int(now), known_since=int(now))
    return AskedDrops(began, bits, began_before, bits_before, known_since)


@define(eq=False, repr=False)
class AskedRows:
    """Notes which drops are asked for, and stores that now and then: no request waits for it.

    Args:
        session: of the file.
        lifetime: seconds that messages are kept; it is known for as long, and up to twice as long,
            who asked, and for a day at least.
        drops: what is known.

    """

    _session: FileSession
    _lifetime: float
    drops: AskedDrops

    def note(self, drop_ids: Iterable[str]) -> None:
        """Note that somebody asks for drops, in memory."""
        self.drops.note(map(hash_drop_id, drop_ids))

    def store(self, now: float, most: int) -> int:
        """Store some of what changed; return how many rows, 0 if none is left.

        Args:
            now: seconds since the epoch.
            most: rows to write, and to delete, in this transaction.

        """
        drops = self.drops
        if not drops.changed:
            drops.turn(now, max(self._lifetime, DAY))
        if not (drops.changed or drops.must_settle):
            return 0
        parts = sorted(drops.changed)[:most]
        with self._session.transaction():
            self._store(parts)
            deleted = self._delete_forgotten(most)
        drops.changed.difference_update(parts)
        drops.must_settle = deleted > 0
        return 1 + len(parts) + deleted

    def store_parts_of(self, posts: Iterable[Post]) -> set[int]:
        """Store what changed of the drops of some messages, in the transaction that runs.

        It returns the parts, which count as changed all the same: the transaction could be undone.
        """
        parts = self.drops.parts_of(post.place for post in posts)
        if parts:
            self._store(parts)
        return parts

    def _store(self, parts: Iterable[int]) -> None:
        drops, connection = self.drops, self._session.connection
        connection.execute(
            "UPDATE asking SET began = ?, began_before = ?, known_since = ?",
            (drops.began, drops.began_before, drops.known_since),
        )
        connection.executemany(
            "INSERT OR REPLACE INTO asked VALUES (?, ?, ?)",
            ((drops.began, part, drops.bits[part].to_bytes(PART_BITS // 8)) for part in parts),
        )

    def _delete_forgotten(self, most: int) -> int:
        return self._session.connection.execute(
            "DELETE FROM asked WHERE (generation, part) IN (SELECT generation, part FROM asked"
            " WHERE generation NOT IN (?, ?) LIMIT ?)",
            (self.drops.began, self.drops.began_before, most),
        ).rowcount


def _load(connection: sqlite3.Connection, generation: int) -> Bits:
    rows = connection.execute("SELECT part, bits FROM asked WHERE generation = ?", (generation,))
    return {part: int.from_bytes(bits) for part, bits in rows}
