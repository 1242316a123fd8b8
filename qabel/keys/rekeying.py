"""Changing the key of a database, or where it is stored, while no daemon runs.

::

    python -m qabel.keys.rekeying --data-dir DIR --key file --new-key passphrase-fd:0

Interrupted anywhere, the database opens with the old or with the new key; repeated, the change is
completed.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import frozen

from qabel.deferreds import result_of
from qabel.host.data_directory import DirectoryLock, choose_data_directory, private_directory
from qabel.host.job_thread import InlineWorker
from qabel.host.protection import protect_process
from qabel.host.start_errors import StartError
from qabel.keys.choice import CHOICES, key_source
from qabel.keys.key_move import KeyMove
from qabel.store.database.database import Database
from qabel.store.database.errors import KeyMissing, StoreError, WrongKey
from qabel.store.file_names import BACKUPS, DATABASE
from qabel.store.key_record import KeyRecord, KeySource, fresh_key

PROGRAM = "qabel-rekeying"


@frozen
class KeyChange:
    """What a change of key did."""

    place: str
    """Where the new key is stored, in words."""
    left: str | None
    """The place that was emptied; None if the old and the new place are the same."""
    backups: int
    """How many backups are still encrypted under their earlier keys."""
    again: bool = False
    """Whether an earlier change, interrupted at its very end, had done everything already."""

    def __str__(self) -> str:
        if self.again:
            return f"The key is already stored in {self.place}; the database was not changed."
        lines = [f"The database has a new key, stored in {self.place}."]
        if self.left is not None:
            lines.append(f"The old key was removed from {self.left}.")
        if self.backups:
            lines.append(
                f"Backups were not changed ({self.backups} in all): they open with the earlier "
                "key. It is stored with the new one, so they can still be restored; but anyone "
                "who has obtained it can read them. If that may have happened, delete them."
            )
        return "\n".join(lines)


def change_key(directory: Path, old: KeySource, new: KeySource) -> KeyChange:
    """Encrypt a database under a fresh key, and store that in the new place. Blocks.

    Args:
        directory: the data directory; no daemon may use it meanwhile.
        old: where the key is stored.
        new: where to store the new key; may be the same place.

    Raises:
        StartError: a daemon is running, or the directory cannot be used.
        StoreError: the key is wrong, or the disk is full; the database was not changed.

    """
    path = directory / DATABASE
    if not path.is_file():
        raise StartError(f"no database found in {directory}")
    private_directory(directory)
    with DirectoryLock(directory):
        move = KeyMove(old, new)
        again = _is_moved(path, move)
        if not again:
            _encrypt(path, move)
        emptied = old.place if old.place != new.place else None
        if emptied:
            old.forget()
    return KeyChange(new.place, emptied, _count(directory / BACKUPS), again)


def change_place(directory: Path, key: str, new_key: str | None) -> KeyChange:
    """Change the key as ``change_key`` does, and raises.

    Args:
        directory: the data directory.
        key: where the key is stored, as for ``--key``.
        new_key: where to store the new key; None for the same place.

    """
    protect_process()
    old = key_source(key, directory)
    new = old if new_key is None else key_source(new_key, directory, new=True)
    return change_key(directory, old, new)


def _encrypt(path: Path, move: KeyMove) -> None:
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


def _is_moved(path: Path, move: KeyMove) -> bool:
    """Return whether an earlier change did everything but empty the old place."""
    try:
        record = move.old.read()
    except (KeyMissing, WrongKey) as error:
        return _complete(path, move.new, None, error)
    database = Database(path, move, worker=InlineWorker)
    try:
        result_of(database.open())
    except WrongKey as error:
        return _complete(path, move.new, record, error)
    result_of(database.close())
    return False


def _complete(path: Path, new: KeySource, old: KeyRecord | None, wrong: StoreError) -> bool:
    """Open and close the database with the new source, which completes an earlier change.

    Args:
        path: the database.
        new: the new source.
        old: what the old source holds.
        wrong: why the old source does not open the database; raised if the new one does not either.

    """
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


def _count(folder: Path) -> int:
    return (
        sum(1 for each in folder.iterdir() if each.is_file() and each.suffix != ".key")
        if folder.is_dir()
        else 0
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Change the key of the database, or where it is stored.",
        epilog=f"A key is one of: {CHOICES}.",
    )
    parser.add_argument("--data-dir", metavar="DIR", help="[$QABEL_DATA_DIR, or per user]")
    parser.add_argument(
        "--key", default="file", metavar="KEY", help="where the key is stored [file]"
    )
    parser.add_argument("--new-key", metavar="KEY", help="where to store it [the same place]")
    return parser


def main(
    argv: Sequence[str] | None = None, write: Callable[[str], object] = sys.stdout.write
) -> int:
    """Change the key as the command line says. Return the exit status."""
    given = _parser().parse_args(argv)
    try:
        directory = choose_data_directory(given.data_dir, variable="QABEL_DATA_DIR", name="qabel")
        change = change_place(directory, given.key, given.new_key)
    except (StartError, StoreError) as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 1
    write(f"{change}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
