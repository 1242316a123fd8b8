"""The file of the database and its connection: blocking calls, made on the database's thread."""

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import cast

import attrs
from sqlcipher3 import dbapi2 as sqlcipher

from qabel.store.database.backup import back_up, copy_to
from qabel.store.database.connection import (
    Connection,
    check_key,
    configure,
    connect,
    remove_with_logs,
)
from qabel.store.database.creating import create, find_key, publish, unfinished_path
from qabel.store.database.disk_space import diagnose
from qabel.store.database.errors import StoreClosed, StoreError
from qabel.store.database.schema import upgrade
from qabel.store.database.transactions import DatabaseJob, run_job, run_jobs
from qabel.store.key_record import KeySource

STEPS_PER_CHECK = 1_000_000
"""Steps of SQLite, some hundredths of a second, between two checks whether to stop."""


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

    def handle(self, jobs: list[DatabaseJob]) -> None:
        """Run jobs, and set their results. Neighbours that are transactions share a commit."""
        for transaction, group in groupby(jobs, lambda job: job.transaction):
            some = list(group)
            if not transaction:
                for job in some:
                    run_job(cast("Connection", self._connection), job, self.path)
            elif self._connection is not None:
                run_jobs(self._connection, some, self.path, self._is_abandoned)
            else:
                for job in some:
                    job.fail(StoreClosed("The database is not open."))

    def open(self) -> None:
        """Open the file, creating it if necessary, and upgrade it."""
        if not self.path.exists():
            create(self.path, self._keys, self._steps)
        self._connect()
        try:
            self._settle_key()
            # Of an interrupted change of key; a database being created has no name yet.
            remove_with_logs(unfinished_path(self.path))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection, if it is open."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def rekey(self, key: bytes) -> None:
        """Replace the file with one under another key, and open that."""
        if self._connection is None:
            raise StoreClosed("The database is not open.")
        check_key(key)
        self._keys.write(self._keys.read().changing(self._key, key))
        unfinished = unfinished_path(self.path)
        # SQLCipher's own way, PRAGMA rekey, reports success where the disk was full, and leaves a
        # connection that writes under the new key into a file under the old one.
        try:
            copy_to(unfinished, self.path, (self._key, key), self._is_abandoned, new_id=False)
            self.close()
            publish(unfinished, self.path)
        finally:
            remove_with_logs(unfinished)
            self.close()
            self._connect()
            self._settle_key()

    def back_up(
        self, jobs: list[DatabaseJob], target: Path, is_stopped: Callable[[], bool]
    ) -> None:
        """Copy the file, on a thread of its own, and fail the jobs if that fails."""
        for job in jobs:
            try:
                if self._connection is None:
                    raise StoreClosed("The database is not open.")
                back_up(self.path, self._key, target, is_stopped)
            except StoreError as error:
                job.fail(error)
            except (sqlcipher.Error, OSError) as error:
                job.fail(diagnose(error, target))

    def _is_abandoned(self) -> bool:
        return self.abandoned

    def _connect(self) -> None:
        self._key = find_key(self.path, self._keys, len(self._steps))
        connection = connect(self.path, self._key)
        try:
            configure(connection)
            upgrade(connection, self._steps)
            connection.set_progress_handler(self._is_abandoned, STEPS_PER_CHECK)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _settle_key(self) -> None:
        """End a change of key: a following key that does not fit is forgotten."""
        record = self._keys.read()
        if record.following is not None:
            self._keys.write(record.settled(self._key))
