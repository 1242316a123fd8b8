"""Inboxes with very many messages, which are put there while the daemon does not run."""

from collections.abc import Iterable
from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

from qabel.keys.key_file import KeyFile

FIRST = 1001
"""The id of the first message."""

INSERT = (
    "INSERT INTO messages (id, version, time_stamp, acknowledge_id, sender, receiver, "
    "model_object, data, received, identity_id) VALUES (?, 1, ?, '0', ?, ?, ?, ?, ?, 1)"
)


def row(number: int, kind: str, data: str) -> tuple[object, ...]:
    """Return the values of a message for ``INSERT``; its id is also its times."""
    return (number, number, bytes(32), bytes(32), kind, data, number)


def fill(directory: Path, count: int, kind: str, data: str) -> None:
    """Put messages with the same content into the inbox of a daemon that does not run."""
    put(directory, INSERT, (row(FIRST + number, kind, data) for number in range(count)))


def put(directory: Path, insert: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Put rows into the table of messages of a daemon that does not run.

    Args:
        directory: the data directory.
        insert: the statement.
        rows: its values; the first one is the id.

    """
    key = KeyFile(directory / "database-key").read().current
    connection = sqlcipher.connect(directory / "qabel.db", isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    connection.execute("BEGIN")
    connection.executemany(insert, rows)
    connection.execute("UPDATE state SET last_seq = (SELECT max(id) FROM messages)")
    connection.execute("COMMIT")
    connection.close()
