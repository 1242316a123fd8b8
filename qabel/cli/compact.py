"""``qabel compact``: a database without free pages."""

import click

from qabel.cli.context import Command, Session, pass_session
from qabel.cli.offline import KEY, chosen_directory, directory_option, work
from qabel.cli.units import size


@click.command(cls=Command, short_help="Make the file of the database smaller.")
@directory_option("The data directory.")
@KEY
@pass_session
def compact(session: Session, directory: str | None, choice: str) -> None:
    """Write the database anew, as small as it can be: all of it, or nothing if that fails.

    Stop the daemon first. A running daemon gives free space back by itself; only a database that
    the first version of Qabel created has to be compacted once for that. It needs as much free disk
    space as the database has content.
    """
    from qabel.offline.compaction import compact_directory  # noqa: PLC0415 - as in offline

    target = chosen_directory(session, directory)
    with work(session, "compacting", choice):
        done = compact_directory(target, choice)
    item = {"before": done.before, "after": done.after}
    session.out.done(f"Compacted: {size(done.before)} before, {size(done.after)} now.", item)
