"""The file of the database and its connection: blocking calls, made on the database's thread."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import ClassVar, cast

import attrs
from sqlcipher3 import dbapi2 as sqlcipher
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.store.database.backup import back_up, copy_to
from qabel.store.database.clearing import Clearing
from qabel.store.database.connection import (
    Connection,
    check_key,
    remove_with_logs,
)
from qabel.store.database.creating import create, find_key, publish, unfinished_path
from qabel.store.database.disk_space import diagnose
from qabel.store.database.errors import ReadOnly, StoreClosed, StoreError
from qabel.store.database.file_state import FileState
from qabel.store.database.log_file import log_path, write_log
from qabel.store.database.schema import open_upgraded
from qabel.store.database.side_connection import SideConnection
from qabel.store.database.transactions import DatabaseJob, begin_writing, run_job, run_jobs
from qabel.store.key_record import KeySource


@attrs.define(eq=False)
class EncryptedFile:
    """A SQLCipher file, and the one connection to it."""

    path: Path
    _keys: KeySource
    _steps: Sequence[str]
    """The SQL of the migrations."""
    _connection: Connection | None = attrs.field(default=None, init=False)
    _key: bytes = attrs.field(default=b"", init=False, repr=False)
    abandoned: bool = attrs.field(default=False, init=False)
    """Whether closing takes too long: waiting jobs are not begun."""
    start_mark: str = attrs.field(factory=lambda: secrets.token_hex(8), init=False)
    """Distinguishes what is written from now on from what a copy of the file is given."""
    _is_lost: bool = attrs.field(default=False, init=False)
    """Whether the file was closed for a moment, and could not be opened again."""
    _is_query_only: bool = attrs.field(default=False, init=False)
    """Whether nothing is written at present, because the file is not there under its name."""
    side: SideConnection = attrs.field(
        default=attrs.Factory(lambda self: SideConnection(self.path, self._open_key), True),
        init=False,
    )
    """Reads on another thread."""
    _clearing: Clearing = attrs.field(
        default=attrs.Factory(lambda self: Clearing(self.path), True), init=False
    )
    _state: FileState = attrs.field(
        default=attrs.Factory(lambda self: FileState(self.path), True), init=False
    )

    _log: ClassVar = Logger()

    def _open_key(self) -> bytes:
        if self._connection is None:
            raise StoreClosed("The database is not open.")
        return self._key

    def handle(self, jobs: list[DatabaseJob]) -> None:
        """Run jobs, and set their results. Neighbours that are transactions share a commit.

        A connection that damage or a failing disk has broken is replaced first. While the file is
        not there under its name, nothing is written: it would be lost.
        """
        for transaction, group in groupby(jobs, lambda job: job.transaction):
            some = list(group)
            if not transaction:
                for job in some:
                    run_job(cast("Connection", self._connection), job, self.path)
                continue
            try:
                connection = self._ready()
            except StoreError as error:
                for job in some:
                    job.fail(error)
                continue
            run_jobs(connection, some, self.path, self._is_abandoned, self._renew)
            self._explain_failures(some)
            if self._connection is not None:
                self._limit_log(self._connection)

    def probe(self, *, by_writing: bool) -> None:
        """Check that the database can be written. Raises StoreError, or an error of SQLite.

        Args:
            by_writing: write something; otherwise nothing is.

        """
        self._state.check_writable()
        connection = self._ready()
        begin_writing(connection)
        try:
            if by_writing:
                connection.execute("UPDATE state SET floor = floor")
        except sqlcipher.Error:
            connection.is_broken = True
            raise
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK" if connection.is_broken else "COMMIT")

    def _ready(self) -> Connection:
        """Return a connection that works. Raises StoreError."""
        if self._connection is None and not self._is_lost:
            raise StoreClosed("The database is not open.")
        is_replaced = self._state.is_replaced
        if self._connection is None or self._connection.is_broken or self._is_outdated(is_replaced):
            self._connection = self._renew(self._connection)
        if is_replaced != self._is_query_only:
            self._is_query_only = is_replaced
            self._connection.execute(f"PRAGMA query_only = {int(is_replaced)}")
        return self._connection

    def _is_outdated(self, is_replaced: bool) -> bool:
        # Closing merges the log that was deleted into the file: nothing is lost yet.
        return self._state.has_lost_log and not is_replaced

    def _renew(self, broken: Connection | None) -> Connection:
        """Replace the connection. Raises StoreError; the next call tries again."""
        self._state.check_replaced()
        with self.side.away():
            return self._replace_connection(broken)

    def _replace_connection(self, broken: Connection | None) -> Connection:
        self._connection, self._is_lost = None, True
        with suppress(OSError):
            self._clearing.note_log()
        if self._state.has_lost_log:
            self._let_go(broken)
            broken = None
        try:
            self._reopen()
        except (sqlcipher.Error, OSError) as error:
            self._let_go(broken)
            broken = None
            raise diagnose(error, self.path) from error
        finally:
            # Only now: closing the last connection would merge the log, and remove it.
            if broken is not None:
                self._close_broken(broken)
        return cast("Connection", self._connection)

    def _let_go(self, broken: Connection | None) -> None:
        if broken is not None:
            self._close_broken(broken)
        self._clearing.release()

    def _close_broken(self, broken: Connection) -> None:
        try:
            broken.close()
        except sqlcipher.Error as error:
            self._log.warn("A failed connection was closed with an error: {error}", error=error)

    def _explain_failures(self, jobs: Sequence[DatabaseJob]) -> None:
        """Say why nothing could be written, if it is because the file is gone."""
        if not self._is_query_only:
            return
        for job in jobs:
            if isinstance(job.result, Failure) and job.result.check(ReadOnly):
                job.fail(self._state.replaced())

    def open(self) -> bool:
        """Open the file, creating it if necessary, and upgrade it.

        Return whether there may be something to erase: the last process was killed, or the upgrade
        deleted something.
        """
        # Closing a database removes its log, even an empty one.
        was_closed = not log_path(self.path).exists()
        if not self.path.exists():
            create(self.path, self._keys, self._steps)
        was_upgraded = self._connect()
        self._clearing.begin()
        try:
            self._settle_key()
            # Of an interrupted change of key; a database being created has no name yet.
            remove_with_logs(unfinished_path(self.path))
        except BaseException:
            self.close()
            raise
        return was_upgraded or not was_closed

    def erase_some(self) -> bool:
        """Remove from the file a part of what was deleted; return whether that was all.

        Nobody else may have the file open. Raises Busy, StoreClosed, OSError, or an error of
        SQLite.
        """
        connection = self._ready()
        self._state.check_replaced()
        with self.side.away():
            self._clearing.empty_log(connection)
            pages = self._clearing.examine(self._key)
            if pages:
                self._replace(pages, self._clearing.size)
        return self._clearing.is_done

    def _replace(self, pages: Mapping[int, bytes], size: int) -> None:
        """Replace pages of the file; SQLite has no statement for that, but applies a log."""
        self._close()
        self._is_lost = True
        try:
            write_log(self.path, pages, size)
        finally:
            self._reopen()
        if self._connection is not None:
            self._clearing.merge_log(self._connection)

    def check_some(self, first: int) -> int | None:
        """Check some pages; see ``Clearing.check``."""
        self._ready()
        return self._clearing.check(self._key, first)

    def erase_all(self) -> None:
        """Remove from the file what was deleted, unless closing takes too long."""
        while not self.abandoned and not self.erase_some():
            continue

    def close(self) -> None:
        """Close the connection, if it is open."""
        with self.side.away():
            self._close()

    def _close(self) -> None:
        connection, self._connection, self._is_lost = self._connection, None, False
        if connection is not None:
            try:
                connection.close()
            finally:
                self._clearing.release()

    def rekey(self, key: bytes) -> None:
        """Replace the file with one under another key, and open that."""
        check_key(key)
        self._keys.write(self._keys.read().changing(self._open_key(), key))
        unfinished = unfinished_path(self.path)
        # SQLCipher's own way, PRAGMA rekey, reports success where the disk was full, and leaves a
        # connection that writes under the new key into a file under the old one.
        with self.side.away():
            try:
                copy_to(unfinished, self.path, (self._key, key), self._is_abandoned)
                self._close()
                publish(unfinished, self.path)
            finally:
                remove_with_logs(unfinished)
                self._close()
                self._connect()
                self._clearing.begin()
                self._settle_key()

    def back_up(
        self, jobs: list[DatabaseJob], target: Path, is_stopped: Callable[[], bool]
    ) -> None:
        """Copy the file, on a thread of its own, and fail the jobs if that fails."""
        for job in jobs:
            try:
                back_up(self.path, self._open_key(), target, is_stopped)
            except StoreError as error:
                job.fail(error)
            except (sqlcipher.Error, OSError) as error:
                job.fail(diagnose(error, target))

    def _is_abandoned(self) -> bool:
        return self.abandoned

    def _limit_log(self, connection: Connection) -> None:
        try:
            self._clearing.limit_log(connection)
        except (sqlcipher.Error, OSError):
            # What was committed stays in the log: the next transaction has the same failure.
            return

    def _connect(self) -> bool:
        """Open the connection, and upgrade the tables; return whether that was necessary."""
        self._key = find_key(self.path, self._keys, len(self._steps))
        return self._reopen()

    def _reopen(self) -> bool:
        connection, was_old = open_upgraded(self.path, self._key, self._steps, self._is_abandoned)
        connection.start_mark = self.start_mark
        self._connection, self._is_lost, self._is_query_only = connection, False, False
        self._state.note_opened()
        return was_old

    def _settle_key(self) -> None:
        """End a change of key: a following key that does not fit is forgotten."""
        record = self._keys.read()
        if record.following is not None:
            self._keys.write(record.settled(self._key))
