"""Secrecy: no file shows anything of what is stored without the key."""

import os
from pathlib import Path
from typing import Any

from qabel.store.database.database import Database
from qabel.store.documents import DocumentRepository
from qabel.store.inbox.repository import InboxRepository
from qabel.store.inbox.seen import Drop
from qabel.store.key_record import GivenKey
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.webhooks import WebhookRepository

MARKER = b"PLANTED-MARKER"
TEXT = MARKER.decode()


def open_files() -> dict[str, Path]:
    """Return the files that this process has open, unnamed ones too, and where to read them."""
    found = {}
    for descriptor in Path("/proc/self/fd").iterdir():
        # The one that lists the directory is gone by now.
        if descriptor.is_file():
            found[os.readlink(descriptor)] = descriptor
    return found


def readable(directory: Path) -> set[str]:
    """Return the names of the files in which the marker can be read."""
    found = {each.name for each in directory.rglob("*") if MARKER in each.read_bytes()}
    opened = {name for name, file in open_files().items() if MARKER in file.read_bytes()}
    return found | {name for name in opened if not name.endswith(".py")}


def plant(database: Database, things: Any, got: Any) -> None:
    """Store the marker in every table that has text."""
    drop = Drop(f"http://localhost/{TEXT}", TEXT)
    inbox = InboxRepository(database)
    got(inbox.start_reading(drop))
    data = b'{"msg": "%b"}' % (MARKER * 20)
    messages = [things.message(data=data, meta_data=data, model_object=TEXT) for _ in range(50)]
    got(inbox.keep(drop, messages, foreign=[MARKER + b"  "], now=1.0))
    got(DocumentRepository(database).save(TEXT, MARKER * 2000, event=True, now=1.0))
    delivery = things.delivery(1, f"http://localhost/{TEXT}")
    got(
        OutboxRepository(database).add(
            things.send(delivery, message=MARKER, model_object=TEXT), now=1.0
        )
    )
    got(WebhookRepository(database).add(TEXT, MARKER, [TEXT], 0, now=1.0))


def test_no_file_can_be_read_without_the_key(
    path: Path, key: bytes, things: Any, got: Any, here: Any
) -> None:
    """Neither the database, its log, a backup nor a copy under a new key shows the marker."""
    database = Database(path, GivenKey(key), worker=here)
    got(database.open())
    plant(database, things, got)
    assert got(DocumentRepository(database).load(TEXT)) == MARKER * 2000
    assert {each.name for each in path.parent.iterdir()} == {
        "qabel.db",
        "qabel.db-wal",
        "qabel.db-shm",
    }
    assert readable(path.parent) == set()
    got(database.backup(path.with_name("copy.db")))
    assert readable(path.parent) == set()
    got(database.rekey(b"\x08" * 32))
    plant(database, things, got)
    assert readable(path.parent) == set()
    got(database.close())
    assert readable(path.parent) == set()


def test_what_can_be_undone_is_not_written_to_disk(
    path: Path, key: bytes, things: Any, got: Any, here: Any
) -> None:
    """What SQLite stores to undo a part of a large transaction stays in memory."""
    database = Database(path, GivenKey(key), worker=here)
    got(database.open())
    seen: list[set[str]] = []
    journals: list[str] = []

    def work(connection: Any) -> None:
        sql = "INSERT OR REPLACE INTO documents VALUES (?, ?)"
        for i in range(300):
            connection.execute(sql, (f"{i}", MARKER * 200))
        connection.execute("SAVEPOINT inner")
        connection.execute("UPDATE documents SET body = CAST(body || 'x' AS BLOB)")
        journals.extend(each for each in open_files() if "etilqs" in each)
        seen.append(readable(path.parent))
        connection.execute("ROLLBACK TO inner")

    got(database.run(work))
    got(database.close())
    assert not journals
    assert seen == [set()]


def test_reprs_show_no_secrets(things: Any) -> None:
    """The repr of what may be logged shows neither contents, drop URLs nor keys."""
    delivery = things.delivery(1, f"http://localhost/{TEXT}")
    shown = [
        things.message(data=MARKER, meta_data=MARKER),
        things.send(delivery, message=MARKER),
        Drop(f"http://localhost/{TEXT}", "owners"),
        GivenKey(MARKER * 2),
    ]
    assert not [each for each in shown if TEXT in repr(each)]
