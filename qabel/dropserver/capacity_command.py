"""``qabel-drop capacity``: what drop servers for many users need."""

import argparse
import math
from collections.abc import Sequence

from qabel.dropserver.capacity import Habits, MeasuredRates, Need, plan
from qabel.dropserver.command_line import PROGRAM
from qabel.host.positive_numbers import positive_number
from qabel.host.standard_streams import say
from qabel.host.start_errors import StartError, report_line

NAME = f"{PROGRAM} capacity"

USERS = tuple(10**power for power in range(3, 9))

_DESCRIPTION = """\
Say what drop servers for many users need at the busiest time: server processes of one core each,
databases, memory, disk, and bandwidth. It is computed from what was measured on one machine, which
the documentation describes (scaling); measure yours before you buy any.
"""

_HEADINGS = (
    "users",
    "messages/s",
    "listeners",
    "servers",
    "memory",
    "databases",
    "cores each",
    "disk",
    "in = out",
)

_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")

_BANDWIDTHS = ("bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s")


def run(arguments: Sequence[str]) -> int:
    """Run the command, and return its exit status."""
    given = parser().parse_args(arguments)
    try:
        habits = _habits(given)
        users = [positive_number("users", each, int) for each in given.users or USERS]
    except StartError as error:
        report_line(f"{NAME}: {error}")
        return 2
    say("\n".join(_report([plan(each, habits, MeasuredRates()) for each in users], habits)))
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    usual = Habits()
    made = argparse.ArgumentParser(NAME, description=_DESCRIPTION, allow_abbrev=False)
    made.add_argument(
        "--users", metavar="N", action="append", help="how many; may be given more than once"
    )
    for option, value, metavar, what in (
        ("messages", usual.messages, "N", "messages that each user sends in a day"),
        ("peak", usual.peak, "N", "how many times as much as on average the busiest time has"),
        ("listening", usual.listening * 100, "PERCENT", "users who listen; the others ask"),
        ("poll-interval", usual.poll_interval, "SECONDS", "between two questions of the others"),
        ("lifetime", usual.lifetime, "DAYS", "days before a message is deleted"),
    ):
        made.add_argument(
            f"--{option}", metavar=metavar, default=value, help=f"{what} [default: {value:g}]"
        )
    return made


def _habits(given: argparse.Namespace) -> Habits:
    """Return what a command line says of users. Raises StartError."""
    listening = positive_number("listening", given.listening) / 100
    if listening > 1:
        raise StartError(f"--listening must be at most 100, not {given.listening!r}")
    return Habits(
        messages=positive_number("messages", given.messages),
        peak=positive_number("peak", given.peak),
        listening=listening,
        poll_interval=positive_number("poll-interval", given.poll_interval),
        lifetime=positive_number("lifetime", given.lifetime),
    )


def _report(needs: Sequence[Need], habits: Habits) -> list[str]:
    rows = [_HEADINGS, *map(_row, needs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = [
        "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True))
        for row in rows
    ]
    return [
        f"Each user sends {habits.messages:g} messages a day, and {habits.listening:.0%} listen.",
        f"The busiest time has {habits.peak:g} times as much as the average:",
        "",
        *table,
        "",
        "A server is a process with one core. One alone needs no database; several have one more",
        "than they need, so that one can be down. Each database has a standby, with as many cores",
        "and as much disk again. Of several databases, each has servers and a name of its own.",
    ]


def _row(need: Need) -> tuple[str, ...]:
    return (
        f"{need.users:,}",
        f"{need.posts:,.0f}" if need.posts >= 1 else "< 1",
        f"{need.listeners:,}",
        f"{need.front_ends:,}",
        _scaled(need.memory, _SIZES),
        f"{need.databases:,}" if need.databases else "-",
        f"{need.database_cores:,}" if need.databases else "-",
        _scaled(need.disk, _SIZES),
        _scaled(need.traffic, _BANDWIDTHS),
    )


def _scaled(value: float, units: Sequence[str]) -> str:
    """Return a number with two digits and its unit."""
    power = min(len(units) - 1, max(0, int(math.log(value, 1000)))) if value > 0 else 0
    number = value / 1000**power
    return f"{number:.1f} {units[power]}" if number < 10 else f"{number:,.0f} {units[power]}"
