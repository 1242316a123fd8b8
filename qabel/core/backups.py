"""Backups: copies of the database, written while it is used."""

import time
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from qabel.core.errors import Conflict, Invalid
from qabel.core.status.views import BackupView
from qabel.forms.errors import invalid
from qabel.forms.form import Schema
from qabel.forms.plain import Text
from qabel.store.database.database import Database
from qabel.store.database.errors import AlreadyThere

MAX_NAME = 100


class BackupNameForm(Text):
    """The name of a backup: a file name, and no path."""

    def __init__(self) -> None:
        super().__init__(MAX_NAME, shortest=1)

    def read(self, value: object) -> str:
        """Check it."""
        text = super().read(value)
        letters = text.replace("-", "").replace(".", "").replace("_", "")
        if not (letters.isascii() and letters.isalnum()) or text.startswith("."):
            raise invalid("must have letters, digits, dots, dashes and underscores only")
        return text

    def schema(self) -> Schema:
        """Describe it."""
        return {**super().schema(), "pattern": "^[A-Za-z0-9_-][A-Za-z0-9._-]*$"}


@frozen
class Backups:
    """Writes backups into a directory in the data directory."""

    _folder: Path
    _database: Database
    _now: Callable[[], float]

    async def write(self, name: str | None = None) -> BackupView:
        """Write a copy of the database, encrypted under the same key.

        Args:
            name: of the file; made from the time if None.

        Raises:
            Invalid: the name is not one for a file.
            Conflict: there is such a file.

        """
        if name is None:
            name = time.strftime("%Y%m%dT%H%M%SZ.db", time.gmtime(self._now()))
        try:
            BackupNameForm().read(name)
        except ValueError as error:
            raise Invalid(f"The name of the backup {error}.") from None
        self._folder.mkdir(mode=0o700, exist_ok=True)
        target = self._folder / name
        try:
            await self._database.backup(target)
        except AlreadyThere as error:
            raise Conflict(str(error)) from None
        return BackupView(str(target), target.stat().st_size)
