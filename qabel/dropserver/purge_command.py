"""``qabel-drop purge``: delete what a flood of posts to made-up drops has left."""

import argparse
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from qabel.dropserver.admin_client import post_to_server
from qabel.dropserver.command_line import DROP, PROGRAM, count
from qabel.dropserver.message_file import MessageFile
from qabel.dropserver.message_purge import MessagePurge, PurgedMessages
from qabel.dropserver.message_values import DAY, MEGABYTE, Retention
from qabel.dropserver.service import FILE_NAME
from qabel.host.data_directory import DirectoryLock, private_directory
from qabel.host.past_times import FORMS, InvalidTime, format_local_time, parse_past_time
from qabel.host.standard_streams import say
from qabel.host.start_errors import StartError, report_line

NAME = f"{PROGRAM} purge"

_DESCRIPTION = f"""\
Delete the messages of drops that nobody asks for, which is what a flood of posts to made-up drops
leaves. A drop is asked for by whoever fetches from it or listens to it; all messages of drops that
somebody has asked for lately are kept. It works while the server runs, and while it is stopped.
TIME is one of {FORMS}.
"""

_KEEPS_ALL = Retention(lifetime=100_000 * DAY, quota=2**60, drop_quota=2**60)
"""Of a server that does not run, the limits are not known: nothing else is deleted."""


def run(arguments: Sequence[str]) -> int:
    """Run the command, and return its exit status."""
    given = parser().parse_args(arguments)
    try:
        since = parse_past_time(given.since, time.time())
        directory = DROP.directory(given.data_dir)
        purged = _purge(directory, since, is_dry_run=given.dry_run)
    except InvalidTime as error:
        report_line(f"{NAME}: --since {error}")
        return 2
    except StartError as error:
        report_line(f"{NAME}: {error}")
        return 1
    except KeyboardInterrupt:
        report_line(f"{NAME}: interrupted; what was deleted so far stays deleted")
        return 130
    say("\n".join(_report(purged, since, is_dry_run=given.dry_run)))
    return 1 if purged.damaged else 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = DROP.parser(NAME, _DESCRIPTION)
    made.add_argument(
        "--never-asked",
        action="store_true",
        required=True,
        help="which messages are deleted: those of drops that nobody asks for",
    )
    made.add_argument(
        "--since", metavar="TIME", required=True, help="only messages that arrived since then"
    )
    made.add_argument(
        "--dry-run", action="store_true", help="delete nothing, and say what would be deleted"
    )
    return made


def _purge(directory: Path, since: float, *, is_dry_run: bool) -> PurgedMessages:
    if not (directory / FILE_NAME).exists():
        raise StartError(
            f"there is no {directory / FILE_NAME}: no drop server has run with this data directory"
        )
    told = post_to_server(directory, "/purge", {"since": since, "dry_run": is_dry_run})
    if told is not None:
        return PurgedMessages(**told)
    # Its owner alone: otherwise the server could not use what is created there.
    private_directory(directory)
    with DirectoryLock(directory):
        return _purge_stopped(directory / FILE_NAME, MessagePurge(since, is_dry_run))


def _purge_stopped(path: Path, purge: MessagePurge) -> PurgedMessages:
    file = MessageFile(path, _KEEPS_ALL)
    try:
        while not file.purge(purge).is_done:
            pass
        file.forget_deleted()
    except sqlite3.Error as error:
        raise StartError(
            f"{path} cannot be used: {error}; {count(purge.purged.messages, 'message')} deleted"
        ) from None
    finally:
        file.close()
    return purge.purged


def _report(purged: PurgedMessages, since: float, *, is_dry_run: bool) -> Iterator[str]:
    messages, drops = count(purged.messages, "message"), count(purged.drops, "drop")
    charged = f"{purged.charged / MEGABYTE:,.1f} MB"
    when = format_local_time(since)
    if not purged.messages:
        yield f"No message that arrived since {when} is in a drop that nobody has asked for."
    elif is_dry_run:
        yield f"Would delete {messages} of {drops}, which are charged {charged}:"
    else:
        yield f"Deleted {messages} of {drops}, which were charged {charged}:"
    if purged.messages:
        yield f"they arrived since {when}, and nobody has asked for their drops."
    yield f"Kept {count(purged.kept, 'message')} since then, of drops that are asked for."
    if purged.damaged:
        yield f"{count(purged.damaged, 'message')} on damaged pages could not be deleted."
    if purged.known_since > since:
        yield (
            f"It is noted only since {format_local_time(purged.known_since)} which drops are asked "
            "for: what is older than that was left alone."
        )
    if purged.known_since > time.time() - 7 * DAY:
        yield (
            "Warning: that is not long ago. A drop whose owner has not asked for it since then "
            "counts as one that nobody asks for."
        )
