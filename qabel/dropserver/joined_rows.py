"""Reading messages in one row of the database, however many they are.

The interpreter's lock is given away for each row, and the reactor's thread takes it. While that has
much to do, 64 rows took 120 ms.
"""

import sqlite3

from qabel.dropserver.message_values import Row

_READ = """
SELECT group_concat(stamp), group_concat(length(body)), CAST(group_concat(body, '') AS BLOB) FROM (
    SELECT stamp, body FROM message WHERE place = ? AND stamp > ? AND stamp <= ?
    ORDER BY stamp LIMIT ?
)
"""


def read_joined(
    connection: sqlite3.Connection, place: bytes, after: int, newest: int, limit: int
) -> list[Row]:
    """Return up to ``limit`` messages with ``after < stamp <= newest``, oldest first.

    Args:
        connection: to the file.
        place: the hash of the drop's id.
        after: the stamp of what is known already.
        newest: the stamp of the last one that is wanted.
        limit: how many at most.

    Raises:
        sqlite3.Error: they cannot be read.

    """
    stamps, sizes, bodies = connection.execute(_READ, (place, after, newest, limit)).fetchone()
    rows: list[Row] = []
    if stamps is None:
        return rows
    begin = 0
    for stamp, size in zip(stamps.split(","), sizes.split(","), strict=True):
        end = begin + int(size)
        rows.append((int(stamp), bodies[begin:end]))
        begin = end
    # SQLite does not promise the order in which an aggregate takes its rows.
    rows.sort()
    return rows
