"""``qabel key``: the key of the database, while no daemon is running."""

import click

from qabel.cli.context import Command, Group, Session, pass_session
from qabel.cli.offline import work


@click.group(cls=Group, short_help="Change the key of the database.")
def key() -> None:
    """Change the key that encrypts the daemon's database.

    \b
    A KEY is one of:
      file                  the file database-key in the data directory
      file:PATH             another file, mode 0600
      keyring               the desktop's keyring
      passphrase-file:PATH  a passphrase in a file, mode 0600
      passphrase-fd:N       a passphrase from a file descriptor; a terminal prompts for it
      credential:NAME       a passphrase from a systemd credential
    """  # noqa: D301 - click keeps the lines after this character as they are


@key.command(cls=Command, short_help="Encrypt the database with a new key.")
@click.option(
    "--key", "old", default="file", metavar="KEY", help="Where the key is now. [default: file]"
)
@click.option(
    "--new-key",
    "new",
    metavar="KEY",
    help="Where to store the new key. [default: the same place]",
)
@pass_session
def change(session: Session, old: str, new: str | None) -> None:
    """Encrypt the database with a new key: all of it, or nothing if that fails.

    Stop the daemon first. Afterwards, start it with the new KEY as --key.
    """
    from qabel.keys.rekeying import change_place  # noqa: PLC0415 - as in offline

    with work(session, "encrypting", old, new):
        done = change_place(session.data_directory, old, new)
    first, *others = str(done).splitlines()
    session.out.done(first, {"key": done.place, "changed": not done.again})
    for line in others:
        session.out.note(line)
