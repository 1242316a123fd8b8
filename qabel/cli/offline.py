"""What the commands for a daemon that is not running have in common."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import click

from qabel.cli.context import Session
from qabel.cli.errors import CommandError
from qabel.cli.paths import data_directory

KEY = click.option(
    "--key",
    "choice",
    default="file",
    metavar="KEY",
    help="Where the database key is stored: see qabel key --help. [default: file]",
)


def directory_option(text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option --data-dir, which these commands accept after their name too."""
    return click.option("--data-dir", "directory", metavar="DIR", help=text)


def chosen_directory(session: Session, directory: str | None) -> Path:
    """Return the data directory: the command's own option comes first."""
    return session.data_directory if directory is None else data_directory(directory)


@contextmanager
def work(session: Session, label: str, *keys: str | None) -> Iterator[Callable[[str], None]]:
    """Show that something takes long, and report what is wrong as an error of the command.

    Args:
        session: the command's.
        label: what is being done; what is yielded changes it.
        keys: where the keys are. Nothing is shown while a passphrase may be typed.

    """
    # The other commands need no database, and start faster without it.
    from qabel.offline.failures import FAILURES  # noqa: PLC0415

    is_typed = any(each is not None and each.startswith("passphrase-fd:") for each in keys)
    try:
        with nullcontext(_ignore) if is_typed else session.out.progress(label) as show:
            yield show
    except FAILURES as error:
        raise CommandError(str(error)[:1].upper() + str(error)[1:]) from None


def _ignore(_: str) -> None:
    """Show nothing."""
