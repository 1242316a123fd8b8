"""Secrecy: no file shows anything of what is stored without the key."""

import os
import random
import re
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from qabel.store.database.connection import Connection, connect
from qabel.store.database.database import Database
from qabel.store.database.erasing import DELAY
from qabel.store.database.schema import migrations
from qabel.store.documents import DocumentRepository
from qabel.store.inbox.repository import InboxRepository
from qabel.store.inbox.seen import Drop
from qabel.store.key_record import GivenKey
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.webhooks import WebhookRepository
from tests.store.database.attacker import find

MARKER = b"PLANTED-MARKER"
TEXT = MARKER.decode()
MARK = re.compile(rb"M\d{7}K")


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


def churn(database: Database, things: Any, got: Any, seed: int) -> set[bytes]:
    """Store and delete messages and sends at random; return the markers that are to be gone."""
    dice = random.Random(seed)  # noqa: S311 - it is to be repeatable
    inbox, outbox = InboxRepository(database), OutboxRepository(database)
    gone: set[bytes] = set()
    kept: dict[bytes, Any] = {}
    for _ in range(30):
        new = {b"M%07dK" % (things.count + i): i for i in range(dice.randrange(1, 40))}
        messages = [
            things.message(
                data=b'{"msg":"%b"}' % (mark * dice.choice([1, 9, 50, 120, 270, 400, 2000])),
                acknowledge_id=mark.decode(),
                model_object=mark.decode() * dice.choice([1, 5]),
            )
            for mark in new
        ]
        stored = got(inbox.keep(things.drop, messages, now=1.0)).messages
        kept.update(
            {
                mark: (partial(inbox.delete, now=2.0), each.id)
                for mark, each in zip(new, stored, strict=True)
            }
        )
        mark = b"M%07dK" % (things.count + 100_000)
        delivery = things.delivery(1, f"http://localhost/{mark.decode()}")
        text = mark * dice.choice([1, 40, 300])
        added = got(outbox.add(things.send(delivery, message=text), now=1.0))
        got(outbox.refused(added.ready[0], mark.decode(), now=1.0))
        kept[mark] = (partial(outbox.delete, now=2.0), added.id)
        for mark in dice.sample(sorted(kept), dice.randrange(len(kept))):
            delete, number = kept.pop(mark)
            assert got(delete(number))
            gone.add(mark)
    return gone


def opened(path: Path, key: bytes, here: Any, got: Any) -> tuple[Database, Clock]:
    """Return an open database, and the clock that says when it erases."""
    clock = Clock()
    database = Database(path, GivenKey(key), worker=here, reactor=clock)
    got(database.open())
    return database, clock


@pytest.mark.parametrize("seed", range(4))
def test_what_is_deleted_cannot_be_read_with_the_key(
    path: Path, key: bytes, things: Any, got: Any, here: Any, seed: int
) -> None:
    """Soon after deletions there is no trace of it; what was kept is whole."""
    database, clock = opened(path, key, here, got)
    gone = churn(database, things, got, seed)
    assert gone & find(path.parent, key, MARK)
    clock.advance(DELAY)
    assert not gone & find(path.parent, key, MARK)
    assert got(InboxRepository(database).read_page(0, 10_000)).count > 0
    churn(database, things, got, seed)
    got(database.close())
    checked = connect(path, key)
    assert checked.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert checked.execute("PRAGMA cipher_integrity_check").fetchall() == []
    checked.close()


def test_a_kill_does_not_keep_what_was_deleted(
    path: Path, key: bytes, things: Any, got: Any, here: Any
) -> None:
    """Killed right after a deletion, the daemon erases it after its next start."""
    database, _ = opened(path, key, here, got)
    gone = churn(database, things, got, 7)
    killed = path.parent.with_name("killed")
    shutil.copytree(path.parent, killed)
    got(database.close())
    assert gone & find(killed, key, MARK)
    again, clock = opened(killed / path.name, key, here, got)
    clock.advance(DELAY)
    assert not gone & find(killed, key, MARK)
    got(again.close())


def test_stopping_does_not_keep_what_was_deleted(
    path: Path, key: bytes, things: Any, got: Any, here: Any
) -> None:
    """Stopped right after a deletion, the daemon erases it before it ends."""
    database, _ = opened(path, key, here, got)
    gone = churn(database, things, got, 8)
    got(database.close())
    assert not gone & find(path.parent, key, MARK)


def test_old_versions_of_a_document_are_erased(path: Path, key: bytes, got: Any, here: Any) -> None:
    """What a change of the settings removed cannot be read soon after."""
    database, clock = opened(path, key, here, got)
    documents = DocumentRepository(database)
    for number in range(5):
        text = b"{%b}" % (b"M%07dK" % number * 500)
        got(documents.save("synced", text, event=True, now=1.0))
    clock.advance(DELAY)
    assert find(path.parent, key, MARK) == {b"M0000004K"}
    got(database.close())


def test_a_changed_key_and_an_upgrade_leave_no_trace(
    path: Path, key: bytes, things: Any, got: Any, here: Any
) -> None:
    """What was deleted in an earlier version, or under an earlier key, is erased, too."""
    old = Database(path, GivenKey(key), worker=here, reactor=Clock(), steps=migrations()[:1])
    got(old.open())

    def use(connection: Connection) -> None:
        sql = "INSERT INTO idempotency VALUES (?, x'00', 1, ?, 1)"
        for number in range(300):
            connection.execute(sql, (f"M{number:07}K", b"M%07dK" % number * 90))
        connection.execute("DELETE FROM idempotency WHERE key > 'M0000009K'")

    got(old.run(use))
    old._file.abandoned = True
    got(old.close())
    database, clock = opened(path, key, here, got)
    clock.advance(DELAY)
    assert len(find(path.parent, key, MARK)) == 10
    got(database.run(lambda connection: connection.execute("DELETE FROM idempotency").rowcount))
    other = b"\x08" * 32
    got(database.rekey(other))
    clock.advance(DELAY)
    assert find(path.parent, other, MARK) == set()
    got(database.close())


def test_a_backup_only_puts_erasing_off(
    path: Path, key: bytes, things: Any, got: Any, here: Any
) -> None:
    """What is deleted while a backup is written is erased once it is complete."""
    database, clock = opened(path, key, here, got)
    gone = churn(database, things, got, 9)
    release: Deferred[None] = Deferred()
    backup = database._in_turn(lambda: release)
    clock.advance(10 * DELAY)
    assert gone & find(path.parent, key, MARK)
    release.callback(None)
    got(backup)
    assert not gone & find(path.parent, key, MARK)
    got(database.close())
