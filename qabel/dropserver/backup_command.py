"""``qabel-drop backup``: a copy of the message file of a drop server, which may be running."""

import argparse
import re
import time
from collections.abc import Sequence
from pathlib import Path

from qabel.dropserver.command_line import DROP, PROGRAM, count
from qabel.dropserver.message_copy import copy_messages
from qabel.dropserver.message_values import MEGABYTE
from qabel.dropserver.service import FILE_NAME
from qabel.host.standard_streams import say
from qabel.host.start_errors import StartError, report_line

NAME = f"{PROGRAM} backup"

_DESCRIPTION = """\
Write a copy of the message file, as it is at one moment, also while the server runs. The copy is
checked, gets its name once it is whole, and can be read only by the user who makes it. It never
replaces a file. What it is for, and how to restore it, is in qabel-drop(1).
"""

_NAMED = re.compile(r"drops-[0-9]{8}T[0-9]{6}Z\.sqlite", re.ASCII)


def run(arguments: Sequence[str]) -> int:
    """Run the command, and return its exit status."""
    made = parser()
    given = made.parse_args(arguments)
    target = Path(given.file).expanduser()
    if given.keep is not None and not target.is_dir():
        made.error("--keep needs a directory in place of FILE")
    try:
        path = target / time.strftime("drops-%Y%m%dT%H%M%SZ.sqlite", time.gmtime())
        path = path if target.is_dir() else target
        found = copy_messages(DROP.directory(given.data_dir) / FILE_NAME, path)
        removed = [] if given.keep is None else _remove_old(target, given.keep)
    except StartError as error:
        report_line(f"{NAME}: {error}")
        return 1
    except KeyboardInterrupt:
        report_line(f"{NAME}: interrupted; there is no backup")
        return 130
    messages, drops = count(found.messages, "message"), count(found.drops, "drop")
    say(f"Wrote {path}: {messages} in {drops}, {found.size / MEGABYTE:,.1f} MB.")
    for each in removed:
        say(f"Deleted {each}.")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = DROP.parser(NAME, _DESCRIPTION)
    made.add_argument(
        "file",
        metavar="FILE",
        help="what the copy is called; in a directory, it is named after the time",
    )
    made.add_argument(
        "--keep",
        metavar="N",
        type=_positive,
        help="delete all but the newest N of the copies in the directory that are named so",
    )
    return made


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"must be a whole number greater than 0, not {text!r}")
    return int(text)


def _remove_old(directory: Path, keep: int) -> list[Path]:
    """Delete older copies; return which. Raises StartError."""
    try:
        copies = sorted(each for each in directory.iterdir() if _NAMED.fullmatch(each.name))
        for each in copies[:-keep]:
            each.unlink()
    except OSError as error:
        raise StartError(f"cannot delete an old backup: {error}") from None
    return copies[:-keep]
