"""The newest time stamp that each identity has used: the next one is to be higher."""

from qabel.store.database.connection import Connection

MOST_AHEAD = 7 * 24 * 3600 * 1000
"""Milliseconds that the newest time stamp may be ahead of the clock.

What is further ahead was used while the clock was wrong, and does not count any more. Recipients
compare a message with those of the last seven days at most.
"""


def keep(connection: Connection, sender: bytes, time_stamp: int) -> None:
    """Record that an identity used a time stamp, in milliseconds since the epoch."""
    connection.execute(
        "INSERT INTO time_stamps (sender, newest) VALUES (?1, ?2) ON CONFLICT (sender) DO UPDATE "
        "SET newest = CASE WHEN newest > ?2 + ?3 THEN ?2 ELSE max(newest, ?2) END",
        (sender, time_stamp, MOST_AHEAD),
    )


def load(connection: Connection) -> dict[bytes, int]:
    """Return the newest time stamp of each identity, by its public key."""
    return {
        bytes(sender): newest
        for sender, newest in connection.execute("SELECT sender, newest FROM time_stamps")
    }
