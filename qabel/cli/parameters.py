"""Arguments and options that several commands have, and how a shell completes them."""

import click
from click.shell_completion import CompletionItem

from qabel.cli.context import session_of
from qabel.cli.errors import CommandError


def complete_identity(
    ctx: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the aliases of identities that begin with what was typed."""
    return _completions(ctx, "/identities", incomplete)


def complete_contact(
    ctx: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the aliases of contacts that begin with what was typed."""
    return _completions(ctx, "/contacts", incomplete)


def _completions(ctx: click.Context, path: str, incomplete: str) -> list[CompletionItem]:
    try:
        people = session_of(ctx).client.get(path)
    except CommandError:
        return []
    aliases = sorted({str(each["alias"]) for each in people})
    # A line break in an alias would start another suggestion.
    return [
        CompletionItem(alias)
        for alias in aliases
        if alias.isprintable() and alias.casefold().startswith(incomplete.casefold())
    ]


IDENTITY = click.argument("identity", metavar="IDENTITY", shell_complete=complete_identity)
CONTACT = click.argument("contact", metavar="CONTACT", shell_complete=complete_contact)

IDENTITY_OPTION = click.option(
    "--identity",
    "-i",
    metavar="IDENTITY",
    shell_complete=complete_identity,
    help="The identity that the contact belongs to, if you have several: alias, id or public key.",
)

FILE = click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, allow_dash=True))
OPTIONAL_FILE = click.argument(
    "file", type=click.Path(dir_okay=False, allow_dash=True), default="-"
)
FORCE = click.option("--force", is_flag=True, help="Overwrite an existing file.")
YES = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
