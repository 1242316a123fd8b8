"""A directory that is filled, copied, put back, damaged and salvaged loses nothing unseen.

Whatever happens to it, in whatever order: what a reader was not given can still be read, or its
cursor is rejected, or the loss was reported.
"""

import json
import random
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from qabel.core import foundation
from qabel.core.errors import Gone
from qabel.core.inbox.message_query import MessageQuery
from qabel.core.service import CoreService
from qabel.deferreds import result_of
from qabel.host.job_thread import InlineWorker
from qabel.keys.key_file import KeyFile
from qabel.offline.compaction import compact_directory
from qabel.offline.restoring import restore
from qabel.offline.salvaging import salvage_directory
from qabel.store.database.connection import connect
from qabel.store.database.database import Database
from qabel.store.database.errors import StoreError, StoreFull
from qabel.store.database.pages import PAGE_SIZE
from qabel.store.database.schema import migrations, upgrade
from qabel.store.file_names import DATABASE, KEY
from qabel.store.inbox.repository import InboxRepository
from qabel.store.key_record import KeyRecord
from tests.core.conftest import EPOCH, InlineWorkers
from tests.small_files import no_file_over
from tests.store.conftest import Things
from tests.store.database import filled

READERS = 3


class CopiedDirectories(RuleBasedStateMachine):
    """One data directory, copies and backups of it, and readers who store their own cursors.

    ``present`` has the texts of the messages that the directory must still have.
    """

    def __init__(self) -> None:
        super().__init__()
        self.patched = pytest.MonkeyPatch()
        self.patched.setattr(foundation, "Database", partial(Database, worker=InlineWorker))
        self.patched.setattr(foundation, "Workers", InlineWorkers)
        self.folder = Path(tempfile.mkdtemp())
        self.data = self.folder / "data"
        self.things = Things()
        self.present: set[int] = set()
        self.copies: list[tuple[Path, set[int]]] = []
        self.backups: list[tuple[Path, set[int]]] = []
        self.cursors = ["0"] * READERS
        self.given: list[set[int]] = [set() for _ in range(READERS)]
        self.names = 0

    @initialize(version=st.sampled_from([1, len(migrations())]))
    def begin(self, version: int) -> None:
        """Create the database, by this version or the first one."""
        self.data.mkdir(mode=0o700)
        KeyFile(self.data / KEY).write(KeyRecord(filled.KEY))
        (self.data / DATABASE).touch()
        connection = connect(self.data / DATABASE, filled.KEY)
        connection.execute("PRAGMA journal_mode = WAL")
        upgrade(connection, migrations()[:version])
        connection.close()

    def run(self, work: Callable[[CoreService], Any]) -> Any:
        """Start a daemon on the directory, do something with it, and stop it."""

        async def use() -> Any:
            clock = Clock()
            core = await CoreService.open(
                self.data, KeyFile(self.data / KEY), reactor=clock, now=lambda: EPOCH
            )
            try:
                return await work(core)
            finally:
                await core.close()

        return result_of(Deferred.fromCoroutine(use()))

    def new_path(self, kind: str) -> Path:
        """Return a path that was not used before."""
        self.names += 1
        return self.folder / f"{kind}{self.names}"

    @rule(count=st.integers(0, 4), large=st.booleans())
    def receive(self, count: int, large: bool) -> None:
        """Receive messages, or restart without any."""

        async def work(core: CoreService) -> None:
            messages = [self.things.message() for _ in range(count)]
            numbers = range(self.things.count - count + 1, self.things.count + 1)
            sized = [
                self.things.message(
                    hash=each.hash,
                    data=json.dumps({"n": number, "pad": "x" * (9000 if large else 50)}).encode(),
                )
                for number, each in zip(numbers, messages, strict=True)
            ]
            inbox = InboxRepository(core._base.database)
            core._wiring.kept(await inbox.keep(self.things.drop, sized, now=EPOCH))
            self.present.update(numbers)

        self.run(work)

    @rule(room=st.integers(0, 60_000), count=st.integers(1, 6))
    def fill_up(self, room: int, count: int) -> None:
        """Receive messages until no file can grow, and once more when they can."""

        async def work(core: CoreService) -> None:
            inbox = InboxRepository(core._base.database)
            refused = []
            with no_file_over((self.data / DATABASE).stat().st_size + room):
                for _ in range(count):
                    message = self.things.message()
                    number = self.things.count
                    body = json.dumps({"n": number, "pad": "x" * 9000}).encode()
                    sized = self.things.message(hash=message.hash, data=body)
                    try:
                        kept = await inbox.keep(self.things.drop, [sized], now=EPOCH)
                    except StoreFull:
                        refused.append((number, sized))
                    else:
                        core._wiring.kept(kept)
                        self.present.add(number)
            for number, sized in refused:
                kept = await inbox.keep(self.things.drop, [sized], now=EPOCH)
                assert len(kept.messages) == 1
                core._wiring.kept(kept)
                self.present.add(number)

        self.run(work)

    @rule(which=st.integers(0, READERS - 1), limit=st.integers(1, 5))
    def read(self, which: int, limit: int) -> None:
        """Let a reader read once; where its cursor is rejected, it starts again."""

        async def work(core: CoreService) -> None:
            query = MessageQuery(since=self.cursors[which], limit=limit)
            try:
                page = await core.inbox.read(query)
            except Gone as error:
                self.cursors[which] = error.oldest
                return
            self.given[which].update(each["data"]["n"] for each in json.loads(page.body or b"[]"))
            self.cursors[which] = page.latest

        self.run(work)

    @rule()
    def copy(self) -> None:
        """Copy the directory of the stopped daemon."""
        target = self.new_path("copy")
        shutil.copytree(self.data, target, ignore=shutil.ignore_patterns("backups"))
        self.copies.append((target, set(self.present)))

    @rule()
    def back_up(self) -> None:
        """Back up the database."""
        target = self.new_path("backup")

        async def work(core: CoreService) -> Path:
            return Path((await core.backup(target.name)).path)

        shutil.move(self.run(work), target)
        shutil.copyfile(self.data / KEY, f"{target}.key")
        Path(f"{target}.key").chmod(0o600)
        self.backups.append((target, set(self.present)))

    @rule(which=st.integers(0, 9))
    def put_back(self, which: int) -> None:
        """Put a copy in the place of the directory."""
        if self.copies:
            source, self.present = self.pick(self.copies, which)
            shutil.rmtree(self.data)
            shutil.copytree(source, self.data)

    @rule(lost=st.integers(1, 3), new=st.integers(1, 5), by_backup=st.booleans())
    def run_on_and_put_back(self, lost: int, new: int, by_backup: bool) -> None:
        """Copy, receive and read some messages, put the copy back, and receive others."""
        (self.back_up if by_backup else self.copy)()
        self.receive(lost, large=False)
        self.read(0, 10_000)
        (self.restore if by_backup else self.put_back)(-1)
        self.receive(new, large=False)

    @rule(which=st.integers(0, 9))
    def restore(self, which: int) -> None:
        """Restore a backup in the place of the directory."""
        if self.backups:
            source, self.present = self.pick(self.backups, which)
            shutil.rmtree(self.data)
            restore(source, self.data, "file", lambda _: None)

    def pick(self, some: list[tuple[Path, set[int]]], which: int) -> tuple[Path, set[int]]:
        """Return one of the copies."""
        path, present = some[which % len(some)]
        return path, set(present)

    @rule()
    def compact(self) -> None:
        """Compact the database."""
        compact_directory(self.data, "file")

    @rule(seed=st.integers(0, 2**32), pages=st.integers(0, 3))
    def damage_and_salvage(self, seed: int, pages: int) -> None:
        """Damage some pages and salvage; what is reported as lost is not expected any more."""
        spare = self.new_path("spare")
        shutil.copytree(self.data, spare)
        path, rng = self.data / DATABASE, random.Random(seed)  # noqa: S311 - it chooses pages
        ids = dict(filled.rows_of(path, "SELECT id, data ->> 'n' FROM messages"))
        for _ in range(pages):
            filled.damage_page(path, rng.randint(1, path.stat().st_size // PAGE_SIZE))
        new = self.new_path("new")
        try:
            result = salvage_directory(self.data, new, "file", lambda _: None)
        except StoreError:
            # It was reported that nothing can be read.
            shutil.rmtree(self.data)
            spare.rename(self.data)
            return
        shutil.rmtree(self.data)
        new.rename(self.data)
        lost = {number for loss in result.losses if loss.table == "messages"
                for number in self.named(loss.rows, ids)}  # fmt: skip
        self.present -= lost

    def named(self, rows: str, ids: dict[int, int]) -> set[int]:
        """Return the texts of the messages that a line of the report is about."""
        words = [int(word) for word in rows.split() if word.isdecimal()]
        if rows == "all rows":
            return set(ids.values())
        first = words[0] + 1 if "after" in rows else words[0]
        last = 2**60 if "after" in rows else words[-1]
        return {number for each, number in ids.items() if first <= each <= last}

    @invariant()
    def nothing_is_lost_unseen(self) -> None:
        """Each reader, if it reads on from its cursor, has everything that there is."""
        if not self.data.is_dir():
            return

        async def work(core: CoreService) -> None:
            for cursor, given in zip(self.cursors, self.given, strict=True):
                seen = set(given)
                try:
                    page = await core.inbox.read(MessageQuery(since=cursor, limit=10_000))
                except Gone as error:
                    query = MessageQuery(since=error.oldest, limit=10_000)
                    page = await core.inbox.read(query)
                seen.update(each["data"]["n"] for each in json.loads(page.body or b"[]"))
                assert seen >= self.present

        self.run(work)

    def teardown(self) -> None:
        """Remove all directories."""
        self.patched.undo()
        shutil.rmtree(self.folder)


TestCopiedDirectories = CopiedDirectories.TestCase
TestCopiedDirectories.settings = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
