"""Backups: copies of the database, written while it is in use."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from attrs import frozen
from twisted.logger import Logger

from qabel.core.errors import Conflict, Invalid
from qabel.core.status.views import BackupView
from qabel.forms.errors import InvalidInput, invalid
from qabel.forms.form import Schema
from qabel.forms.plain import Text
from qabel.store.database.backup import remove_interrupted
from qabel.store.database.database import Database
from qabel.store.database.errors import AlreadyThere

MAX_NAME = 100

_NAME = re.compile("[A-Za-z0-9_-][A-Za-z0-9._-]*")


class BackupNameForm(Text):
    """The name of a backup: a file name without a path."""

    def __init__(self) -> None:
        super().__init__(MAX_NAME, shortest=1)

    def read(self, value: object) -> str:
        """Check a name."""
        text = super().read(value)
        if not _NAME.fullmatch(text):
            raise invalid(
                "must be letters, digits, dots, dashes and underscores, without a dot at the start"
            )
        return text

    def schema(self) -> Schema:
        """Return the JSON schema."""
        return {**super().schema(), "pattern": f"^{_NAME.pattern}$"}


@frozen
class Backups:
    """Writes backups to a subdirectory of the data directory.

    Args:
        folder: the subdirectory.
        database: what is copied.
        now: returns seconds since the epoch.
        key_place: where the key of the database is, in words.
        key_file: the file that has it, sealed or not; None if it is in no file.

    """

    _folder: Path
    _database: Database
    _now: Callable[[], float]
    _key_place: str
    _key_file: Path | None

    _log: ClassVar = Logger()

    def remove_interrupted(self) -> None:
        """Remove what a kill left of a backup: it may have what was deleted since."""
        try:
            remove_interrupted(self._folder)
        except OSError as error:
            self._log.warn(
                "Cannot remove an interrupted backup from {folder}: {error}",
                folder=self._folder,
                error=str(error),
            )

    async def write(self, name: str | None = None) -> BackupView:
        """Write a copy of the database, encrypted under the same key.

        Args:
            name: the file name; None for one with the date and time.

        Raises:
            Invalid: the name is not valid.
            Conflict: the file already exists.
            Corrupt: the database is damaged; the text says which tables are whole.
            StoreError: the backup could not be written.

        """
        if name is None:
            name = time.strftime("%Y%m%dT%H%M%SZ.db", time.gmtime(self._now()))
        try:
            BackupNameForm().read(name)
        except InvalidInput:
            raise Invalid(
                f"Invalid backup name: use at most {MAX_NAME} letters, digits, dots, dashes and "
                "underscores."
            ) from None
        target = self._folder / name
        try:
            await self._database.backup(target)
        except AlreadyThere as error:
            raise Conflict(str(error)) from None
        key_file = None if self._key_file is None else str(self._key_file)
        return BackupView(str(target), target.stat().st_size, self._key_place, key_file)
