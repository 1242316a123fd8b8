"""``qabel backup``: a copy of all that the daemon keeps."""

import click

from qabel.cli.context import Command, Session, pass_session
from qabel.cli.paths import KEY
from qabel.cli.units import size

PATIENCE = 3600.0
"""Seconds that it may take: the daemon says nothing meanwhile."""


@click.command(cls=Command, short_help="Write a copy of all that the daemon keeps.")
@click.argument("name", required=False)
@pass_session
def backup(session: Session, name: str | None) -> None:
    """Have the running daemon write a copy of its database, as NAME, or named by the time.

    It lies in backups in the daemon's data directory. It is encrypted: it opens only with the key
    in the file database-key beside it, of which you need a copy too, in another place.
    """
    body = {} if name is None else {"name": name}
    with session.out.progress("writing a backup"):
        made = session.client.request("POST", "/backup", body=body, timeout=PATIENCE).value
    session.out.done(f"Wrote {made['path']} ({size(made['size'])}).", made)
    session.out.note(
        f"It opens only with the key in {session.data_directory / KEY}: keep a copy of that too."
    )
