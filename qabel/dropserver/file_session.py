"""The open message file: its transactions, and opening it again after an error that remains.

All of this blocks.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field

from qabel.dropserver.message_rows import MessageRows
from qabel.dropserver.message_tables import reopen_file


@define(eq=False, repr=False)
class FileSession:
    """Reads and writes the rows of an open file.

    Args:
        path: the file.
        rows: by an open connection to it.

    """

    _path: Path
    rows: MessageRows
    _is_broken: bool = field(default=False, init=False)
    """Whether the connection remains unusable after an error."""
    _is_closed: bool = field(default=False, init=False)

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection that is open now."""
        return self.rows.connection

    def close(self) -> None:
        """Close the file, with its write-ahead log merged into it."""
        self._is_closed = True
        self.connection.close()

    def reopen(self) -> bool:
        """Open the file again if its connection cannot be used; return whether that was so.

        Raises sqlite3.Error if the file cannot be opened.
        """
        if not self._is_broken or self._is_closed:
            return False
        self.connection.close()
        self.rows.connection = reopen_file(self._path)
        self.rows.roll_back()
        self._is_broken = False
        return True

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read; after an error, find out whether the connection can still be used."""
        try:
            yield
        except sqlite3.Error:
            self._look()
            raise

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run a transaction; an exception undoes it, in memory too."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            yield
            self.rows.store_state()
            self.connection.execute("COMMIT")
            self.rows.holdings.commit()
        except BaseException:
            self._look()
            raise

    def _look(self) -> None:
        """Undo what is not committed, and note whether the connection can be used."""
        try:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            self.rows.roll_back()
        except sqlite3.Error:
            self._is_broken = True
