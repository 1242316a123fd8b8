"""``qabel backup``: a copy of the daemon's database."""

import os
from pathlib import Path

import click

from qabel.cli.context import Command, Session, pass_session
from qabel.cli.errors import CommandError, not_found
from qabel.cli.files import read_file
from qabel.cli.paths import KEY, SEALED_KEY
from qabel.cli.units import size

TIMEOUT = 3600.0
"""Seconds that a backup may take: the daemon sends nothing until it is finished."""

MAX_KEY = 1024 * 1024
"""Bytes of a file with a key."""


@click.command(cls=Command, short_help="Back up the daemon's database.")
@click.argument("name", required=False)
@click.option(
    "--with-key", is_flag=True, help="Write the database key to NAME.key beside the backup."
)
@pass_session
def backup(session: Session, name: str | None, *, with_key: bool) -> None:
    """Back up the database while the daemon is running.

    The backup is written to the directory backups in the daemon's data directory, as NAME (by
    default the current time). It is encrypted, and can be opened only with the database key (the
    file database-key in the data directory, unless you keep it elsewhere). Store a copy of the key
    in another place, or pass --with-key: anyone who has both files can then read everything, unless
    the key is sealed under a passphrase. Restore a backup with qabel restore.
    """
    key = _key_file(session.data_directory) if with_key else None
    if key is not None and name is not None:
        _check_free(_beside(session.data_directory / "backups" / name))
    body = {} if name is None else {"name": name}
    with session.out.progress("writing the backup"):
        made = session.client.request("POST", "/backup", body=body, timeout=TIMEOUT).value
    if key is not None:
        made["key"] = str(_beside(Path(made["path"])))
        _write_key(key, Path(made["key"]))
    session.out.done(f"Wrote {made['path']} ({size(made['size'])}).", made)
    if key is None:
        session.out.note(
            "It can be opened only with the database key: keep a copy of that too. "
            f"Unless you keep it elsewhere, it is in {session.data_directory / KEY}"
        )
    elif key.name == SEALED_KEY:
        session.out.note(f"The key is in {made['key']}, sealed under the passphrase.")
    else:
        session.out.warning(
            f"The key is in {made['key']}, unprotected: anyone who has both files can read "
            "everything in the backup."
        )


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".key")


def _key_file(directory: Path) -> Path:
    """Return the file with the key, plain or sealed."""
    for name in (SEALED_KEY, KEY):
        if (directory / name).is_file():
            return directory / name
    raise not_found(
        f"There is no database key in {directory}",
        "It is stored elsewhere: copy it from there yourself, without --with-key",
    )


def _check_free(path: Path) -> None:
    if path.exists():
        raise CommandError(f"{path} already exists", hint="Choose another name")


def _write_key(key: Path, target: Path) -> None:
    """Copy the key, for its owner alone. Raises CommandError: the backup is there all the same."""
    content = read_file(key, MAX_KEY)
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise CommandError(
            f"Wrote the backup, but not its key: {target}: {error.strerror}",
            hint=f"Copy {key} yourself",
        ) from None
