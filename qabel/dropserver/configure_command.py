"""``qabel-drop configure``: change how long a database keeps messages, and how many."""

import argparse
from collections.abc import Sequence

from qabel.drop.url import DROP_ID_BITS_OFFERED
from qabel.dropserver.database_url import VARIABLE, choose_database
from qabel.dropserver.message_values import DAY, MEGABYTE, Retention
from qabel.dropserver.wanted import Wanted, read_quota
from qabel.host.positive_numbers import positive_number
from qabel.host.standard_streams import say
from qabel.host.start_errors import StartError, report_line

NAME = "qabel-drop configure"

_DESCRIPTION = """\
Change how long messages are kept in a database, and how many, for all drop servers that use it.
They need not be started again. Without anything to change, say what is set.
"""


def run(arguments: Sequence[str]) -> int:
    """Run the command, and return its exit status."""
    given = parser().parse_args(arguments)
    try:
        url = choose_database(given.database)
        if url is None:
            raise StartError(f"say which database: --database, or ${VARIABLE}")
        lifetime = positive_number("lifetime", given.lifetime)
        wanted = Wanted(
            lifetime=None if lifetime is None else lifetime * DAY,
            quota=read_quota(given.quota),
            drop_quota=positive_number("drop-quota", given.drop_quota, int),
            drop_id_bits=given.drop_id_bits,
        )
        # Imported here because few have psycopg.
        from qabel.dropserver.postgresql.configuring import configure  # noqa: PLC0415

        found = configure(url, wanted)
    except StartError as error:
        report_line(f"{NAME}: {error}")
        return 1
    say(_describe(found))
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(NAME, description=_DESCRIPTION, allow_abbrev=False)
    made.add_argument("--database", metavar="URL", help=f"the database [default: ${VARIABLE}]")
    made.add_argument("--lifetime", metavar="DAYS", help="days before a message is deleted")
    made.add_argument("--quota", metavar="MB", help="megabytes for all messages")
    made.add_argument("--drop-quota", metavar="N", help="messages that one drop may have")
    made.add_argument(
        "--drop-id-bits",
        type=int,
        choices=DROP_ID_BITS_OFFERED,
        help="random bits in ids of new drops: with fewer than 256, people share drops",
    )
    return made


def _describe(found: Retention) -> str:
    return (
        f"Messages are kept for {found.lifetime / DAY:.15g} days: "
        f"{found.quota / MEGABYTE:,.15g} MB at most, and {found.most_in_drop:,} in one drop. "
        f"Ids of new drops have {found.drop_id_bits} random bits."
    )
