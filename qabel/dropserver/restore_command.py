"""``qabel-drop restore``: a backup becomes the message file of a drop server again."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from qabel.dropserver.command_line import DROP, PROGRAM, count
from qabel.dropserver.inspection import Inspected, inspect
from qabel.dropserver.message_copy import copy_messages
from qabel.dropserver.service import FILE_NAME
from qabel.host.data_directory import DirectoryLock, private_directory
from qabel.host.standard_streams import say
from qabel.host.start_errors import StartError, report_line

NAME = f"{PROGRAM} restore"

_DESCRIPTION = """\
Make the message file of a stopped server out of a backup. The backup is checked first, and no file
is ever replaced: move the old drops.sqlite away before, with drops.sqlite-wal and drops.sqlite-shm
if they are there. Run it as the user that the server runs as.
"""


def run(arguments: Sequence[str]) -> int:
    """Run the command, and return its exit status."""
    given = parser().parse_args(arguments)
    try:
        directory = DROP.directory(given.data_dir)
        found = _restore(Path(given.file).expanduser(), directory)
    except StartError as error:
        report_line(f"{NAME}: {error}")
        return 1
    except KeyboardInterrupt:
        report_line(f"{NAME}: interrupted; nothing was restored")
        return 130
    messages, drops = count(found.messages, "message"), count(found.drops, "drop")
    say(f"Restored {directory / FILE_NAME}: {messages} in {drops}.")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = DROP.parser(NAME, _DESCRIPTION)
    made.add_argument("file", metavar="FILE", help="the backup")
    return made


def _restore(backup: Path, directory: Path) -> Inspected:
    if not backup.is_file():
        raise StartError(f"there is no file {backup}")
    inspect(backup)
    private_directory(directory)
    target = directory / FILE_NAME
    with DirectoryLock(directory):
        # A log that belongs to another file would be taken for the log of this one.
        old = [target, *(target.with_name(FILE_NAME + end) for end in ("-wal", "-shm"))]
        there = next((each for each in old if each.exists()), None)
        if there is not None:
            raise StartError(f"{there} exists; move all of {target}* to another directory first")
        return copy_messages(backup, target)
