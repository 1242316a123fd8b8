"""What all messages in the database take, for those who run the server."""

from qabel.dropserver.postgresql.link import DatabaseLink
from qabel.dropserver.usage import LARGEST_SHARES, Usage

_SHARES = "SELECT sum(charged)::float FROM held GROUP BY source ORDER BY 1 DESC LIMIT %s"

_TOTAL = "SELECT coalesce(sum(messages), 0)::bigint, coalesce(sum(charged), 0)::bigint FROM held"


def read_usage(link: DatabaseLink, quota: int) -> Usage:
    """Return what the messages take. Raises DatabaseAway."""
    with link.use() as connection:
        messages, charged = connection.execute(_TOTAL).fetchone() or (0, 0)
        largest = connection.execute(_SHARES, (LARGEST_SHARES,)).fetchall()
    return Usage(messages, charged, quota, [held for (held,) in largest if held > 0], False)
