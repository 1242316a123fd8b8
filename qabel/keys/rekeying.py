"""Changing the key of a database, or where it is kept, while no daemon runs.

::

    python -m qabel.keys.rekeying --data-dir DIR --key file --new-key passphrase-fd:0

Cut off anywhere, the database opens with the old or with the new key; done again, the change
goes through to its end.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from attrs import evolve, frozen

from qabel.deferreds import result_of
from qabel.host.data_directory import DirectoryLock, choose_data_directory, private_directory
from qabel.host.job_thread import InlineWorker
from qabel.host.protection import protect_process
from qabel.host.start_errors import StartError
from qabel.keys.choice import CHOICES, key_source
from qabel.store.database.database import Database
from qabel.store.database.errors import KeyMissing, KeyTrouble, StoreError, WrongKey
from qabel.store.file_names import BACKUPS, DATABASE
from qabel.store.key_record import KeyRecord, KeySource, fresh_key

PROGRAM = "qabel-rekeying"


@frozen
class Change:
    """What a change has done."""

    place: str
    """Where the new key is kept, in words."""
    left: str | None
    """The place that was emptied; None where the old and the new are one."""
    backups: int
    """How many backups stay under the keys they were written with."""
    again: bool = False
    """Whether all was done before, by a change that was cut off at its very end."""

    def __str__(self) -> str:
        if self.again:
            return f"The key is kept in {self.place} already; the database was not changed."
        lines = [f"The database has a new key, kept in {self.place}."]
        if self.left is not None:
            lines.append(f"Nothing is kept in {self.left} any more.")
        if self.backups:
            lines.append(
                f"Backups stay as they were, {self.backups} in all: they open with the earlier "
                "key. It is kept beside the new one, so they can still be put back; but whoever "
                "has got hold of it can read them. In that case delete them."
            )
        return "\n".join(lines)


def change_key(directory: Path, old: KeySource, new: KeySource) -> Change:
    """Encrypt a database anew under a fresh key, and keep that in the new place. Blocks.

    Args:
        directory: the data directory; no daemon may use it meanwhile.
        old: where the key is.
        new: where the new key is to be; may be the same place.

    Raises:
        StartError: a daemon runs, or the directory cannot be used.
        StoreError: the key is wrong, or the disk is full; the database is as it was.

    """
    path = directory / DATABASE
    if not path.is_file():
        raise StartError(f"there is no database in {directory}")
    private_directory(directory)
    with DirectoryLock(directory):
        move = _Move(old, new)
        again = _is_moved(path, move)
        if not again:
            _encrypt(path, move)
        emptied = old.place if old.place != new.place else None
        if emptied:
            old.forget()
    return Change(new.place, emptied, _count(directory / BACKUPS), again)


def _encrypt(path: Path, move: "_Move") -> None:
    database = Database(path, move, worker=InlineWorker)
    result_of(database.open())
    try:
        move.begin()
        result_of(database.rekey(fresh_key()))
    finally:
        try:
            result_of(database.close())
        finally:
            move.end()


def _is_moved(path: Path, move: "_Move") -> bool:
    """Tell whether an earlier change was cut off when all was done but to empty the old place."""
    try:
        record = move.old.read()
    except (KeyMissing, WrongKey) as error:
        return _ends_well(path, move.new, None, error)
    database = Database(path, move, worker=InlineWorker)
    try:
        result_of(database.open())
    except WrongKey as error:
        return _ends_well(path, move.new, record, error)
    result_of(database.close())
    return False


def _ends_well(path: Path, new: KeySource, old: KeyRecord | None, wrong: StoreError) -> bool:
    """Have the new source settle the change, if it has what opens the database."""
    try:
        record = new.read()
    except StoreError:
        raise wrong from None
    if old is not None and old.current not in record.candidates:
        raise wrong
    database = Database(path, new, worker=InlineWorker)
    try:
        result_of(database.open())
    except WrongKey:
        raise wrong from None
    result_of(database.close())
    return True


class _Move:
    """The two places as one: until the change begins the old one, from then on the new one.

    Nothing of the new key ever comes to the old place. If the change fails, the places hold in
    the end what they did before.
    """

    def __init__(self, old: KeySource, new: KeySource) -> None:
        self.old = old
        self.new = new
        self._origin: KeyRecord | None = None
        self._found: KeyRecord | None = None
        self._present: KeySource = old
        self._failed = False

    @property
    def place(self) -> str:
        """Name the place of the new key."""
        return self.new.place

    def read(self) -> KeyRecord:
        """Read the place that counts now."""
        return self._present.read()

    def make(self) -> KeyRecord:
        """Read it: there is a database already."""
        return self.read()

    def forget(self) -> None:
        """Empty the new place."""
        self.new.forget()

    def begin(self) -> None:
        """Take the new place. Raises KeyTrouble if it holds the key of another database."""
        origin = self.old.read()
        if self.old.place == self.new.place:
            # Away with what an earlier change left, that was cut off.
            self.old.write(origin)
        else:
            with suppress(KeyMissing, WrongKey):
                self._found = self.new.read()
        if self._found is not None and origin.current not in self._found.candidates:
            raise KeyTrouble(
                f"There is another key already in {self.new.place}: move it away, or take "
                "another place."
            )
        self._origin = origin

    def write(self, record: KeyRecord) -> None:
        """Keep a state of the change."""
        if self._origin is None:
            self.old.write(record)
        elif record.following is not None:
            self._begin_to_change(record)
        elif record.current != self._origin.current:
            self.new.write(record)
        else:
            # The database is still under the old key, and stays so.
            self._failed = True

    def end(self) -> None:
        """Put the places back as they were, if it is certain that the change has failed."""
        if not self._failed or self._origin is None:
            return
        if self.old.place == self.new.place:
            self.old.write(self._origin)
        elif self._found is not None:
            self.new.write(self._found)
        else:
            self.new.forget()

    def _begin_to_change(self, record: KeyRecord) -> None:
        found = () if self._found is None else self._found.candidates
        known = (record.current, record.following)
        earlier = [key for key in (*record.earlier, *found) if key not in known]
        try:
            self.new.write(evolve(record, earlier=tuple(dict.fromkeys(earlier))))
        except BaseException:
            self._failed = True
            raise
        self._present = self.new


def _count(folder: Path) -> int:
    return sum(1 for each in folder.iterdir() if each.is_file()) if folder.is_dir() else 0


def parser() -> argparse.ArgumentParser:
    """Make what reads the command line."""
    made = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Give the database another key, or keep its key elsewhere.",
        epilog=f"A key is one of: {CHOICES}.",
    )
    made.add_argument("--data-dir", metavar="DIR", help="[$QABEL_DATA_DIR, or per user]")
    made.add_argument("--key", default="file", metavar="KEY", help="where the key is [file]")
    made.add_argument("--new-key", metavar="KEY", help="where it is to be [the same place]")
    return made


def main(
    argv: Sequence[str] | None = None, write: Callable[[str], object] = sys.stdout.write
) -> int:
    """Change the key as the command line says; gives the exit status."""
    given = parser().parse_args(argv)
    protect_process()
    try:
        directory = choose_data_directory(given.data_dir, variable="QABEL_DATA_DIR", name="qabel")
        old = key_source(given.key, directory)
        new = old if given.new_key is None else key_source(given.new_key, directory, new=True)
        change = change_key(directory, old, new)
    except (StartError, StoreError) as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 1
    write(f"{change}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
