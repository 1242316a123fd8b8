"""The command ``qabel notes``: a file of its own, since the daemon imports no click."""

import click

from qabel.cli.api import Column, Command, Session, pass_session

COLUMNS = [Column("ID", lambda note: note["id"]), Column("TEXT", lambda note: note["text"])]


@click.command(cls=Command)
@pass_session
def notes(session: Session) -> None:
    """List the notes."""
    session.out.rows(session.client.get("/notes"), COLUMNS, "No notes")
