"""Deleting the messages of drops that nobody asks for, as a flood of posts leaves them.

All of this blocks.
"""

import sqlite3

from attrs import asdict, define, field, frozen

from qabel.dropserver.asked_drops import AskedDrops
from qabel.dropserver.file_session import FileSession
from qabel.dropserver.message_rows import DELETE_BATCH, SMALL_BATCH, is_damage
from qabel.dropserver.message_values import Place, charge
from qabel.dropserver.stamps import SECOND

LOOKED_AT = 2048
"""Messages that are looked at in one step: it limits how long others wait."""


@frozen(kw_only=True)
class PurgedMessages:
    """What a purge has deleted, or would delete."""

    messages: int = 0
    drops: int = 0
    charged: int = 0
    """Bytes that the messages were charged."""
    kept: int = 0
    """Messages since the time, of drops that somebody asks for."""
    damaged: int = 0
    """Messages that could not be deleted: their pages are damaged."""
    known_since: int = 0
    """When it was first noted which drops are asked for, in seconds since the epoch; 0 for always.

    Of what was posted before that, nothing is deleted.
    """

    def as_json(self) -> dict[str, int]:
        """Return it as an object of JSON."""
        return asdict(self)


@define(eq=False)
class MessagePurge:
    """Goes through all messages, drop by drop, and deletes those of drops nobody has asked for.

    Args:
        since: the first moment of messages that are deleted, in seconds since the epoch.
        is_dry_run: whether they are only counted.

    """

    since: float
    is_dry_run: bool
    purged: PurgedMessages = field(factory=PurgedMessages, init=False)
    """What it has done so far."""
    is_done: bool = field(default=False, init=False)
    has_begun: bool = field(default=False, init=False)
    """Whether what is to be deleted was counted, where that is done first."""
    _at: tuple[bytes, int] = field(default=(b"", -1), init=False)
    """The drop and the stamp of the last message that was looked at."""
    _last_drop: bytes = field(default=b"", init=False)
    """The last drop of which a message was deleted."""

    def step(self, session: FileSession, asked: AskedDrops, *, few: bool = False) -> int:
        """Look at some messages, and delete what is to be deleted; return how many.

        Args:
            session: of the file.
            asked: which drops were asked for.
            few: whether to delete only a few, as the disk is full.

        """
        batch = SMALL_BATCH if few else DELETE_BATCH
        with session.reading():
            looked_at = _next_after(session.connection, self._at)
        first = int(max(self.since, asked.known_since) * SECOND)
        due: list[Place] = []
        kept = 0
        for each in looked_at:
            if len(due) == batch and not self.is_dry_run:
                break
            stamp, _, place = each
            if stamp >= first and place not in asked:
                due.append(each)
            else:
                kept += stamp >= first
            at = (place, stamp)
        gone = due if self.is_dry_run else _delete(session, due)
        self._count(gone, kept, len(due) - len(gone), asked.known_since)
        if looked_at:
            self._at = at
        self.is_done = not looked_at
        return 0 if self.is_dry_run else len(gone)

    def _count(self, gone: list[Place], kept: int, damaged: int, known_since: int) -> None:
        drops = 0
        for _, _, place in gone:
            drops += place != self._last_drop
            self._last_drop = place
        before = self.purged
        self.purged = PurgedMessages(
            messages=before.messages + len(gone),
            drops=before.drops + drops,
            charged=before.charged + sum(charge(size) for _, size, _ in gone),
            kept=before.kept + kept,
            damaged=before.damaged + damaged,
            known_since=known_since,
        )


def _next_after(connection: sqlite3.Connection, at: tuple[bytes, int]) -> list[Place]:
    """Return the messages that come next, by drop and stamp."""
    return connection.execute(
        "SELECT stamp, size, place FROM message INDEXED BY message_of_place"
        " WHERE (place, stamp) > (?, ?) ORDER BY place, stamp LIMIT ?",
        (*at, LOOKED_AT),
    ).fetchall()


def _delete(session: FileSession, due: list[Place]) -> list[Place]:
    """Delete messages; return those that were deleted, and not on damaged pages."""
    if not due:
        return due
    try:
        with session.transaction():
            session.rows.delete(due)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        if len(due) == 1:
            return []
        return [one for each in due for one in _delete(session, [each])]
    return due
