"""``qabel backup``: a copy of the daemon's database."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from qabel.cli.context import Command, Session, pass_session
from qabel.cli.errors import CommandError, usage_error
from qabel.cli.files import read_file
from qabel.cli.paths import SEALED_KEY
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
    default the current time). It is encrypted, and can be opened only with the database key. Store
    a copy of the key in another place (the command says where it is), or pass --with-key: anyone
    who has both files can then read everything, unless the key is sealed under a passphrase.
    Restore a backup with qabel restore.
    """
    if with_key and not session.address.is_local:
        raise usage_error(
            "--with-key needs the data directory of the daemon", "Run it there, without --url"
        )
    if with_key and name is not None:
        _check_free(_beside(session.data_directory / "backups" / name))
    body = {} if name is None else {"name": name}
    with session.out.progress("writing the backup"):
        made = session.client.request("POST", "/backup", body=body, timeout=TIMEOUT).value
    carried = _carry_key(made) if with_key else None
    session.out.done(f"Wrote {made['path']} ({size(made['size'])}).", made)
    if carried is None:
        session.out.note(_what_opens_it(made))
    elif carried.lstrip().startswith(b"{"):
        session.out.note(
            f"The key is in {made['key_copy']}, sealed under the passphrase: without the "
            "passphrase, the backup is lost."
        )
    else:
        session.out.warning(
            f"The key is in {made['key_copy']}, unprotected: anyone who has both files can read "
            "everything in the backup."
        )


def _what_opens_it(made: Mapping[str, Any]) -> str:
    """Return what is needed to open a backup that has no copy of its key beside it."""
    is_sealed = str(made.get("key_file")).endswith(SEALED_KEY)
    needed = "the database key and its passphrase" if is_sealed else "the database key"
    return (
        f"It can be opened only with {needed}. The key is in {made['key']}: keep a copy of it in "
        "another place, or use --with-key"
    )


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".key")


def _check_free(path: Path) -> None:
    if path.exists():
        raise CommandError(f"{path} already exists", hint="Choose another name")


def _carry_key(made: dict[str, Any]) -> bytes:
    """Write the key of a backup beside it, as it is kept, and return that.

    ``made`` gets the file as ``key_copy``. Raises CommandError: the backup is there all the same.
    """
    # Without --with-key no command needs the keyring, and it starts faster.
    from qabel.offline.carried_key import key_in_keyring  # noqa: PLC0415
    from qabel.offline.failures import FAILURES  # noqa: PLC0415

    path = Path(made["path"])
    target = _beside(path)
    try:
        if made.get("key_file"):
            content = read_file(Path(made["key_file"]), MAX_KEY)
        elif "keyring" in made["key"]:
            content = key_in_keyring(path.parents[1])
        else:
            raise CommandError("it cannot be copied from there")
    except CommandError as error:
        raise _not_written(made, error.message) from None
    except FAILURES as error:
        raise _not_written(made, str(error).rstrip(".")) from None
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _not_written(made, f"{target}: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        # Half a key is worse than none.
        target.unlink(missing_ok=True)
        raise _not_written(made, f"{target}: {error.strerror}") from None
    made["key_copy"] = str(target)
    return content


def _not_written(made: Mapping[str, Any], why: str) -> CommandError:
    return CommandError(
        f"Wrote the backup {made['path']}, but not its key: {why}",
        hint=f"The key is in {made['key']}: copy it yourself",
    )
