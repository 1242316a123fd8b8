"""``qabel restore``: a data directory made out of a backup."""

import shlex
from pathlib import Path

import click

from qabel.cli.context import Command, Session, pass_session
from qabel.cli.offline import KEY, chosen_directory, directory_option, work
from qabel.cli.start_hint import start_command
from qabel.cli.units import size


@click.command(cls=Command, short_help="Make a data directory out of a backup.")
@click.argument("backup")
@directory_option("The data directory to make. It must have no database yet.")
@KEY
@pass_session
def restore(session: Session, backup: str, directory: str | None, choice: str) -> None:
    """Make a data directory out of BACKUP, a file that qabel backup wrote.

    The key from the time of the backup is needed. If BACKUP.key is there (see qabel backup
    --with-key), it is used, and copied into the data directory. Otherwise, copy the file
    database-key or database-key.sealed there first, or pass --key.

    Everything is then as it was at the time of the backup: messages that were deleted since and
    tokens that were revoked since are there again. Messages that were received since and are still
    on the drop servers are received again. Messages that waited to be sent are sent again: these
    are the same bytes, which their recipients' clients take for copies.
    """
    from qabel.offline.restoring import restore as run  # noqa: PLC0415 - as in offline

    path = Path(backup).expanduser().absolute()
    target = chosen_directory(session, directory)
    with work(session, "restoring", choice) as show:
        made = run(path, target, choice, show)
    item = {"path": str(made.path), "size": made.size, "key": made.key_place}
    session.out.done(f"Restored {made.path} ({size(made.size)}).", item)
    session.out.note(f"The key is in {made.key_place}.")
    session.out.note(
        "Tokens that were revoked and messages that were deleted since the backup are there again: "
        "check qabel token list. The main token is a new one."
    )
    with_key = "" if choice == "file" else f" --key {shlex.quote(choice)}"
    session.out.note(f"Start the daemon with: {start_command(target)}{with_key}")
