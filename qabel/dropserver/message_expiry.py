"""Deleting messages that are too old or too many, also where pages of the file are damaged.

All of this blocks.
"""

import sqlite3

from attrs import frozen

from qabel.dropserver.file_session import FileSession
from qabel.dropserver.message_rows import DELETE_BATCH, SMALL_BATCH, is_damage


@frozen(eq=False, repr=False)
class MessageExpiry:
    """Deletes what is due, some of it in each call."""

    _session: FileSession

    def expire(self, *, few: bool) -> int:
        """Delete some messages, or a few while the disk is full; return how many, 0 at the end."""
        rows = self._session.rows
        with self._session.transaction():
            if few:
                return rows.delete_expired(SMALL_BATCH) + rows.enforce_quota(1, SMALL_BATCH)
            return rows.delete_expired() + rows.enforce_quota()

    def expire_readable(self) -> int:
        """Delete some messages one by one, where pages are damaged; return how many were due."""
        rows = self._session.rows
        for done in range(DELETE_BATCH):
            oldest = rows.find_due()
            if oldest is None:
                return done
            try:
                with self._session.transaction():
                    rows.delete([oldest])
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                rows.passed = oldest[0]
        return DELETE_BATCH
