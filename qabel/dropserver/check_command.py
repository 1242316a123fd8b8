"""``qabel-drop check``: whether the file of a drop server is whole, and how full it is."""

import argparse
import time
from collections.abc import Iterator, Sequence

from qabel.dropserver.command_line import DROP, PROGRAM, count
from qabel.dropserver.database_url import VARIABLE, choose_database
from qabel.dropserver.inspection import Inspected, inspect
from qabel.dropserver.message_values import DAY, MEGABYTE
from qabel.dropserver.service import FILE_NAME, PROXY_NOTE
from qabel.host.standard_streams import say
from qabel.host.start_errors import StartError, report_line

NAME = f"{PROGRAM} check"

_DESCRIPTION = """\
Read all messages of a drop server, which may be running, and say whether its file or its database
is whole, and what is in it. Nothing is changed. The exit status is 0 if it is whole, and 1 if it is
not.
"""


_PROXY_WARNING = (
    "Warning: requests come through a proxy, or Tor, that was not declared, so that nobody is "
    "limited. Start the server with --trust-proxy or --behind-tor."
)


def run(arguments: Sequence[str]) -> int:
    """Run the command, and return its exit status."""
    given = parser().parse_args(arguments)
    try:
        url = choose_database(given.database)
        directory = DROP.directory(given.data_dir)
        if url is None:
            where = str(directory / FILE_NAME)
            found = inspect(directory / FILE_NAME)
        else:
            # Imported here because few have psycopg.
            from qabel.dropserver.postgresql.inspecting import (  # noqa: PLC0415
                inspect_database,
            )

            where = "The database"
            found = inspect_database(url)
    except StartError as error:
        report_line(f"{NAME}: {error}")
        return 1
    say("\n".join(_report(where, found, time.time())))
    if (directory / PROXY_NOTE).exists():
        say(_PROXY_WARNING)
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = DROP.parser(NAME, _DESCRIPTION)
    made.add_argument(
        "--database", metavar="URL", help=f"the server's database [default: ${VARIABLE}, or none]"
    )
    return made


def _report(where: str, found: Inspected, now: float) -> Iterator[str]:
    yield f"{where} is whole."
    messages, drops = count(found.messages, "message"), count(found.drops, "drop")
    charged = f"{found.charged / MEGABYTE:,.1f} MB"
    yield f"It has {messages} in {drops}, which are charged {charged}."
    if found.oldest is not None and found.newest is not None:
        oldest, newest = _age(now - found.oldest), _age(now - found.newest)
        yield f"The oldest message arrived {oldest} ago, the newest {newest} ago."
    size = f"{found.size / MEGABYTE:,.1f} MB"
    if found.free is None:
        yield f"The tables take {size}."
    else:
        yield f"The file takes {size}; the disk has {found.free / MEGABYTE:,.0f} MB free."


def _age(seconds: float) -> str:
    for size, name in ((DAY, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return count(int(seconds // size), name)
    return count(max(0, int(seconds)), "second")
