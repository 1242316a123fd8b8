"""Where the token of a closed group comes from: a file, or the keyboard, never the command line.

All users of a machine can see the command lines of its programs.
"""

import re
import sys

import click

from qabel.cli.context import Session
from qabel.cli.errors import usage_error
from qabel.cli.files import read_text
from qabel.drop.group_token import LONGEST_TOKEN, is_group_token

_COPIED = re.compile(r"(?:Authorization:\s*)?Client\s+", re.IGNORECASE)


def is_typed(session: Session) -> bool:
    """Return whether a token can be asked for."""
    return sys.stdin.isatty() and not session.out.json


def ask_group_token() -> str:
    """Return a token that the user types, without showing it. Raises CommandError."""
    typed: str = click.prompt(
        "Group token", hide_input=True, err=True, default="", show_default=False
    )
    return parse_group_token(typed, "What you typed")


def read_group_token(name: str) -> str:
    """Return the token in a file; ``-`` is standard input. Raises CommandError."""
    return parse_group_token(read_text(name), "Standard input" if name == "-" else name)


def parse_group_token(text: str, source: str) -> str:
    """Return the token in a text, with white space around it, or as in the header of a request.

    Args:
        text: what the user gave.
        source: where it is from, for the errors; they do not show the text.

    Raises:
        CommandError: it is no token.

    """
    lines = [each for each in text.split("\n") if each.strip("\ufeff\u200b\u00a0 \t\r")]
    if not lines:
        raise usage_error(f"{source} has no group token")
    if len(lines) > 1:
        raise usage_error(f"{source} has {len(lines)} lines; it must have the group token alone")
    token = _COPIED.sub("", lines[0].strip("\ufeff\u200b\u00a0 \t\r"))
    if len(token) > LONGEST_TOKEN:
        raise usage_error(
            f"{source} has no group token: those have at most {LONGEST_TOKEN} characters"
        )
    if not is_group_token(token):
        raise usage_error(
            f"{source} has no group token: those are printable ASCII characters, without spaces"
        )
    return token
