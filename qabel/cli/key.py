"""``qabel key``: the key of the database, while no daemon runs."""

import click

from qabel.cli.context import Command, Group, Session, pass_session


@click.group(cls=Group, short_help="Change the key of the database.")
def key() -> None:
    """Look after the key that the daemon's database is encrypted under.

    \b
    A KEY is one of:
      file                  the file database-key in the data directory
      file:PATH             another file, mode 0600
      keyring               the desktop's keyring
      passphrase-file:PATH  a passphrase in a file, mode 0600
      passphrase-fd:N       a passphrase from a file descriptor; from a terminal it is asked for
      credential:NAME       a passphrase that systemd hands over
    """  # noqa: D301 - click leaves the lines below that character as they are


@key.command(cls=Command, short_help="Encrypt the database under another key.")
@click.option("--key", "old", default="file", metavar="KEY", help="Where the key is. [file]")
@click.option("--new-key", "new", metavar="KEY", help="Where it is to be. [the same place]")
@pass_session
def change(session: Session, old: str, new: str | None) -> None:
    """Encrypt the database anew, all of it or nothing. No daemon may run meanwhile.

    Give the daemon the same --key from then on.
    """
    # Every other command does without the database, and is quicker for it.
    from qabel.keys.rekeying import main  # noqa: PLC0415

    given = ["--data-dir", str(session.data_directory), "--key", old]
    given += [] if new is None else ["--new-key", new]
    told: list[str] = []
    status = main(given, told.append)
    for each in told:
        session.out.note(each.rstrip("\n"))
    if status:
        raise click.exceptions.Exit(status)
