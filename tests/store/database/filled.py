"""A database with rows in many tables, to damage, salvage and compact."""

import os
from pathlib import Path
from typing import Any

from qabel.store.database.connection import connect
from qabel.store.database.pages import PAGE_SIZE, SALT_SIZE, PageCipher
from qabel.store.database.schema import migrations, upgrade

KEY = bytes(range(32))
MESSAGES = 400

_MESSAGE = """INSERT INTO messages (id, version, time_stamp, acknowledge_id, sender, receiver,
    model_object, data, received, identity_id) VALUES (?, 1, 1, '0', ?, ?, 'chat', ?, 1, 1)"""


def fill(path: Path, version: int | None = None, *, auto_vacuum: bool = False) -> None:
    """Create a database: messages have odd ids, events even ones, and every tenth row is long."""
    path.touch()
    connection = connect(path, KEY)
    if auto_vacuum:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    upgrade(connection, migrations()[:version])
    connection.execute("BEGIN")
    for name in ("settings", "synced"):
        connection.execute(
            "INSERT INTO documents VALUES (?, ?)", (name, b'{"x":"%s"}' % (b"y" * 6000))
        )
    for number in range(1, MESSAGES + 1):
        text = '"' + str(number) * (3000 if number % 10 == 0 else 20) + '"'
        connection.execute(_MESSAGE, (2 * number - 1, os.urandom(32), os.urandom(32), text))
        connection.execute(
            "INSERT INTO events (seq, kind, detail, created) VALUES (?, 'settings', ?, 1)",
            (2 * number, b'{"n":%d}' % number + b" " * 60),
        )
        connection.execute("INSERT INTO own_hashes VALUES (?)", (os.urandom(32),))
    connection.execute("UPDATE state SET last_seq = ?", (2 * MESSAGES,))
    connection.execute("COMMIT")
    connection.close()


def damage_page(path: Path, number: int) -> None:
    """Overwrite 16 bytes of a page."""
    with path.open("r+b") as file:
        file.seek((number - 1) * PAGE_SIZE + 1000)
        file.write(b"damaged damaged!")


def rows_of(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """Return the result of a query."""
    connection = connect(path, KEY, mode="ro", immutable=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def pages_of(path: Path) -> dict[int, bytes]:
    """Return the decrypted pages by their numbers."""
    data = path.read_bytes()
    cipher = PageCipher(KEY, data[:SALT_SIZE])
    return {
        number: cipher.decrypt(data[(number - 1) * PAGE_SIZE : number * PAGE_SIZE], number)
        for number in range(1, len(data) // PAGE_SIZE + 1)
    }
