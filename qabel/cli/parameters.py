"""Arguments and options that several commands have."""

import click

IDENTITY = click.argument("identity", metavar="IDENTITY")
CONTACT = click.argument("contact", metavar="CONTACT")

IDENTITY_OPTION = click.option(
    "--identity",
    "-i",
    metavar="IDENTITY",
    help="The identity that the contact belongs to, if you have several: alias, id or public key.",
)

FILE = click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, allow_dash=True))
FILES = click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(dir_okay=False, allow_dash=True),
)
OPTIONAL_FILE = click.argument(
    "file", type=click.Path(dir_okay=False, allow_dash=True), default="-"
)
FORCE = click.option("--force", is_flag=True, help="Overwrite an existing file.")
YES = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
