"""A second connection to the file, which only reads, on another thread than the first one."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock
from typing import Any

import attrs
from sqlcipher3 import dbapi2 as sqlcipher

from qabel.store.database.connection import Connection, Parameters, connect
from qabel.store.database.disk_space import diagnose
from qabel.store.database.errors import StoreError

LONGEST_READ = 1.0
"""Seconds that a statement may read: as long as it does, what was deleted cannot be erased."""

_STEPS_PER_CHECK = 20_000
"""Steps of SQLite, about a millisecond, between two checks whether to stop."""


_MOMENT = 0.001


class ReadTookTooLong(StoreError):
    """A statement was interrupted, as it had read for ``LONGEST_READ``."""


@attrs.define(eq=False, repr=False)
class SideConnection:
    """Reads beside the connection that writes, each statement from what is committed then.

    It is opened by the first read. What needs the file for itself uses ``away``.

    Args:
        path: the file.
        key: returns its key, or raises StoreClosed while the file is not open.

    """

    path: Path
    _key: Callable[[], bytes]
    _lock: Lock = attrs.field(factory=Lock, init=False)
    """Held by a statement, and while the connection is to be closed."""
    _connection: Connection | None = attrs.field(default=None, init=False)
    _is_wanted_away: Event = attrs.field(factory=Event, init=False)
    _until: float = attrs.field(default=0.0, init=False)

    def read(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """Run a statement that reads, and return its rows.

        Begins anew if it is interrupted by what needs the file for itself. Raises ReadTookTooLong,
        StoreClosed, or another StoreError.
        """
        while True:
            # Whoever wants it away gets the lock first.
            while self._is_wanted_away.is_set():
                time.sleep(_MOMENT)
            with self._lock:
                try:
                    return self._read(sql, parameters)
                except sqlcipher.Error as error:
                    is_interrupted = getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT"
                    if not is_interrupted:
                        self._close()
                        raise diagnose(error, self.path) from error
                    if time.monotonic() >= self._until:
                        raise ReadTookTooLong(
                            f"A statement was interrupted after {LONGEST_READ:g} s of reading."
                        ) from None

    @contextmanager
    def away(self) -> Iterator[None]:
        """Interrupt reading, close the connection, and keep it closed meanwhile."""
        self._is_wanted_away.set()
        try:
            with self._lock:
                self._is_wanted_away.clear()
                self._close()
                yield
        finally:
            self._is_wanted_away.clear()

    def _read(self, sql: str, parameters: Parameters) -> list[tuple[Any, ...]]:
        self._until = time.monotonic() + LONGEST_READ
        if self._connection is None:
            self._connection = self._open()
        return self._connection.execute(sql, parameters).fetchall()

    def _open(self) -> Connection:
        connection = connect(self.path, self._key(), is_shared=True)
        try:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA cache_size = -8192")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.set_progress_handler(self._must_stop, _STEPS_PER_CHECK)
        except BaseException:
            connection.close()
            raise
        return connection

    def _must_stop(self) -> bool:
        return self._is_wanted_away.is_set() or time.monotonic() >= self._until

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
