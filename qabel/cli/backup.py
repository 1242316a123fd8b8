"""``qabel backup``: a copy of the daemon's database."""

import click

from qabel.cli.context import Command, Session, pass_session
from qabel.cli.paths import KEY
from qabel.cli.units import size

TIMEOUT = 3600.0
"""Seconds that a backup may take: the daemon sends nothing until it is finished."""


@click.command(cls=Command, short_help="Back up the daemon's database.")
@click.argument("name", required=False)
@pass_session
def backup(session: Session, name: str | None) -> None:
    """Back up the database while the daemon is running.

    The backup is written to the directory backups in the daemon's data directory, as NAME (by
    default the current time). It is encrypted, and can be opened only with the database key (the
    file database-key in the data directory, unless you keep it elsewhere). Store a copy of the key
    in another place.
    """
    body = {} if name is None else {"name": name}
    with session.out.progress("writing the backup"):
        made = session.client.request("POST", "/backup", body=body, timeout=TIMEOUT).value
    session.out.done(f"Wrote {made['path']} ({size(made['size'])}).", made)
    session.out.note(
        "It can be opened only with the database key: keep a copy of that too. "
        f"Unless you keep it elsewhere, it is in {session.data_directory / KEY}"
    )
