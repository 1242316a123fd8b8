"""``qabel-drop check``: whether the file of a drop server is whole, and how full it is."""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from qabel.dropserver.command_line import PROGRAM, count, data_directory, parser_for
from qabel.dropserver.inspection import Inspected, inspect
from qabel.dropserver.message_values import DAY, MEGABYTE
from qabel.dropserver.service import FILE_NAME, PROXY_NOTE
from qabel.host.standard_streams import say
from qabel.host.start_errors import StartError, report_line

NAME = f"{PROGRAM} check"

_DESCRIPTION = """\
Read the whole message file of a drop server, which may be running, and say whether it is whole and
what is in it. Nothing is changed. The exit status is 0 if the file is whole, and 1 if it is not.
"""


def run(arguments: Sequence[str]) -> int:
    """Run the command, and return its exit status."""
    given = parser().parse_args(arguments)
    try:
        directory = data_directory(given)
        found = inspect(directory / FILE_NAME)
    except StartError as error:
        report_line(f"{NAME}: {error}")
        return 1
    say("\n".join(_report(directory, found, time.time())))
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    return parser_for(NAME, _DESCRIPTION)


def _report(directory: Path, found: Inspected, now: float) -> Iterator[str]:
    yield f"{directory / FILE_NAME} is whole."
    messages, drops = count(found.messages, "message"), count(found.drops, "drop")
    charged = f"{found.charged / MEGABYTE:,.1f} MB"
    yield f"It has {messages} in {drops}, which are charged {charged}."
    if found.oldest is not None and found.newest is not None:
        oldest, newest = _age(now - found.oldest), _age(now - found.newest)
        yield f"The oldest message arrived {oldest} ago, the newest {newest} ago."
    size, free = found.size / MEGABYTE, found.free / MEGABYTE
    yield f"The file takes {size:,.1f} MB; the disk has {free:,.0f} MB free."
    if (directory / PROXY_NOTE).exists():
        yield (
            "Warning: requests come through a proxy, or Tor, that was not declared, so that nobody "
            "is limited. Start the server with --trust-proxy or --behind-tor."
        )


def _age(seconds: float) -> str:
    for size, name in ((DAY, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return count(int(seconds // size), name)
    return count(max(0, int(seconds)), "second")
