"""``qabel salvage``: what is left of a damaged database."""

from pathlib import Path

import click

from qabel.cli.context import Command, Session, pass_session
from qabel.cli.errors import ExitStatus
from qabel.cli.offline import KEY, chosen_directory, directory_option, work
from qabel.cli.units import count


@click.command(cls=Command, short_help="Copy what can be read of a damaged database.")
@directory_option("The data directory with the damaged database. It is not changed.")
@click.option(
    "--to",
    "new",
    required=True,
    metavar="NEW",
    help="The data directory to make. It must be empty, or not exist yet.",
)
@KEY
@pass_session
def salvage(session: Session, directory: str | None, new: str, choice: str) -> None:
    """Copy all that can be read of a damaged database into a new data directory.

    Stop the daemon first. The key and the main token are copied too; backups and the messages of a
    drop server are not. The exit status is 0 if everything was copied. Otherwise it is 1, and what
    could not be read is listed.
    """
    from qabel.offline.salvaging import salvage_directory  # noqa: PLC0415 - as in offline

    old, target = chosen_directory(session, directory), Path(new).expanduser().absolute()
    with work(session, "salvaging", choice) as show:
        result = salvage_directory(old, target, choice, show)
    lost = [{"table": each.table, "rows": each.rows} for each in result.losses]
    rows = sum(result.copied.values())
    text = f"Copied {count(rows, 'row')} to {target}."
    item = {"path": str(target), "copied": dict(result.copied), "lost": lost}
    session.out.done(text, item | {"damaged_pages": result.damaged_pages})
    if not lost:
        session.out.note(f"Nothing is missing ({count(result.damaged_pages, 'damaged page')}).")
        return
    if not session.out.json:
        session.out.line(f"Lost ({count(result.damaged_pages, 'damaged page')}):")
        for each in result.losses:
            session.out.line(f"  {each.table}: {each.rows}")
    if any(each.table == "documents" and each.rows.startswith("synced") for each in result.losses):
        session.out.warning(
            "The identities and their private keys are lost. Use a backup instead: qabel restore"
        )
    raise click.exceptions.Exit(ExitStatus.FAILURE)
