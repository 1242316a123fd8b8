"""``qabel-block token``: who may store files. It works while the server runs, too."""

import argparse
import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import closing

from qabel.blockserver.block_command_line import BLOCK
from qabel.blockserver.index_tables import INDEX_NAME, open_index
from qabel.blockserver.object_index import ObjectIndex
from qabel.host.byte_sizes import format_size, parse_size
from qabel.host.data_directory import private_directory
from qabel.host.standard_streams import say
from qabel.host.start_errors import StartError, report_line

NAME = f"{BLOCK.name} token"

QUOTA = "2G"

_DESCRIPTION = """\
Say who may store files on the block server. Who has a token can make prefixes, and store files in
them, up to a quota. The server may be running.
"""


def run(arguments: Sequence[str]) -> int:
    """Run the command, and return its exit status."""
    given = parser().parse_args(arguments)
    try:
        _check(given)
    except StartError as error:
        report_line(f"{NAME}: {error}")
        return 2
    try:
        directory = BLOCK.directory(given.data_dir)
        if given.act == "new":
            private_directory(directory)
        with closing(open_index(directory / INDEX_NAME, create=given.act == "new")) as connection:
            index = ObjectIndex(connection)
            with index.transaction():
                text = _ACTS[given.act](index, given)
    except (StartError, sqlite3.Error, OSError) as error:
        report_line(f"{NAME}: {error}")
        return 1
    say(text)
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = BLOCK.parser(NAME, _DESCRIPTION)
    made.add_argument(
        "act",
        choices=list(_ACTS),
        metavar="COMMAND",
        help="new (make a token, and print it), list, revoke, or quota (change how much)",
    )
    made.add_argument("name", nargs="?", help="what to call the token")
    made.add_argument(
        "--quota", metavar="SIZE", help=f"how much may be stored with it [default: {QUOTA}]"
    )
    return made


def _check(given: argparse.Namespace) -> None:
    """Check the command line before any file is made. Raises StartError."""
    if given.act != "list" and not given.name:
        raise StartError("the name of the token is missing")
    if given.act == "quota" and given.quota is None:
        raise StartError("--quota is missing, with the new size")
    given.size = parse_size("quota", given.quota or QUOTA)


def _new(index: ObjectIndex, given: argparse.Namespace) -> str:
    name, token = given.name, secrets.token_hex(20)
    if not index.add_account(name, token, given.size):
        raise StartError(f"there is a token {name!r} already; revoke it first, or use another name")
    return token


def _list(index: ObjectIndex, given: argparse.Namespace) -> str:
    lines = [
        f"{each.name}: {format_size(each.used)} of {format_size(each.quota)}, "
        f"objects: {each.objects:,}{', revoked' if each.is_revoked else ''}"
        for each in index.accounts()
    ]
    return "\n".join(lines) or f"There are no tokens. Make one: {NAME} new NAME"


def _revoke(index: ObjectIndex, given: argparse.Namespace) -> str:
    name = given.name
    if not index.revoke(name):
        raise StartError(f"there is no token {name!r}; see {NAME} list")
    return (
        f"The token {name!r} is revoked. What was stored with it stays, and can be read; "
        f"{NAME} new {name} makes another one for it."
    )


def _quota(index: ObjectIndex, given: argparse.Namespace) -> str:
    name = given.name
    if not index.set_quota(name, given.size):
        raise StartError(f"there is no token {name!r}; see {NAME} list")
    return f"With {name!r}, {format_size(given.size)} may be stored."


_ACTS = {"new": _new, "list": _list, "revoke": _revoke, "quota": _quota}
