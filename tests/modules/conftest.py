"""A module that keeps notes, and a journal for it."""

import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, field
from twisted.internet.task import Clock

from qabel.core.errors import TooLarge
from qabel.core.journal.cursor_marks import CursorMarks
from qabel.core.journal.journal import Journal
from qabel.core.sending.outbox import ToSend
from qabel.deferreds import result_of
from qabel.host.job_thread import InlineWorker
from qabel.modules.api import Entry, Module, Prepared, Read, Received, Sent
from qabel.modules.module_reader import ModuleReader
from qabel.modules.module_thread import ModuleThread
from qabel.modules.pacing import Pacing
from qabel.modules.reading import Reading
from qabel.modules.runner import ModuleRunner
from qabel.store.database.database import Database
from qabel.store.inbox.repository import InboxRepository
from qabel.store.journal.entries import JournalEntries
from qabel.store.key_record import GivenKey
from qabel.store.modules.progress import ModuleRepository, Written
from qabel.store.outbox.adding import KeyedSend
from qabel.store.outbox.idempotency import OF_MODULES, Idempotency
from qabel.store.outbox.repository import OutboxRepository
from tests.integration.processes import ROOT
from tests.store.conftest import Things

NOW = 1_800_000_000.0

STEPS = (
    """
CREATE TABLE notes (
    message_id INTEGER PRIMARY KEY REFERENCES messages ON DELETE CASCADE,
    text TEXT NOT NULL
) STRICT;
CREATE TABLE notes_sent (
    send_id INTEGER PRIMARY KEY REFERENCES sends ON DELETE CASCADE
) STRICT;
""",
    "CREATE TABLE notes_marks (message_id INTEGER PRIMARY KEY) STRICT;",
)


class TestError(Exception):
    """What the module raises; its text must not be shown anywhere."""

    __test__ = False


def prepare(entries: Sequence[Entry], _: Read) -> Prepared:
    """Keep the text of each message."""
    made = Prepared()
    for entry in entries:
        if isinstance(entry, Received):
            text = entry.data["msg"]
            if text == "raise":
                raise TestError("a secret")
            values = (entry.message_id, None if text == "null" else text)
            made.write("INSERT INTO notes (message_id, text) VALUES (?, ?)", values)
            made.tell("new", {"id": entry.message_id}, about=entry)
        if isinstance(entry, Sent):
            made.write("INSERT INTO notes_sent (send_id) VALUES (?)", (entry.send_id,))
    return made


NOTES = Module(
    name="notes",
    summary="Keeps notes.",
    kinds={"note"},
    steps=STEPS,
    derived=("notes", "notes_sent"),
    prepare=prepare,
)


@define(eq=False)
class FakeOutbox:
    """Takes messages to one recipient; what has the text ``too long`` cannot be sent."""

    things: Things = field(factory=Things)
    handed: list[str] = field(factory=list)
    """The texts of what was handed over, each time anew."""

    async def hand_over(
        self,
        module: str,
        messages: Sequence[ToSend],
        store: Callable[[Sequence[KeyedSend]], Awaitable[Written | None]],
    ) -> Written | None:
        """Check messages, and store them."""
        texts = [str(each.draft.data["msg"]) for each in messages]
        self.handed += texts
        if "too long" in texts:
            raise TooLarge("The message is too long.", size=2, limit=1)
        keys = [
            each.idempotency_key and Idempotency(OF_MODULES, each.idempotency_key, text.encode())
            for each, text in zip(messages, texts, strict=True)
        ]
        sends = [self.things.send(model_object="reply", message=each.encode()) for each in texts]
        return await store([KeyedSend(*each) for each in zip(sends, keys, strict=True)])


@define(eq=False)
class Desk:
    """A database with a journal, and a runner of the module, all on a clock of the test's own."""

    database: Database
    clock: Clock = field(factory=Clock)
    things: Things = field(factory=Things)
    journal: Journal = field(init=False)
    thread: ModuleThread = field(init=False)
    outbox: FakeOutbox = field(factory=FakeOutbox)
    now: float = NOW
    """The time of day, in seconds since the epoch."""
    prepared: list[int] = field(factory=list)
    """How many entries the module got each time."""
    passed_on: list[object] = field(factory=list)
    """What the module has passed on."""

    def __attrs_post_init__(self) -> None:
        self.thread = ModuleThread(self.clock, InlineWorker)
        self.journal = Journal(
            entries=JournalEntries(self.database),
            clock=self.clock,
            marks=CursorMarks([], "mark", 0),
            last_seq=0,
            floor=0,
        )

    def reader(self, module: Module = NOTES) -> ModuleReader:
        """Return a reader, which is to be opened."""

        def noted(entries: Sequence[Entry], read: Read) -> Prepared:
            self.prepared.append(len(entries))
            return module.prepare(entries, read)

        reading = Reading(
            evolve(module, prepare=noted),
            lambda: (sorted(module.kinds), False),
            self.database.side.read,
            None,  # type: ignore[arg-type]
        )
        return ModuleReader(
            reading=reading,
            repository=ModuleRepository(self.database),
            outbox=self.outbox,
            thread=self.thread,
            journal=self.journal,
            clock=self.clock,
            now=lambda: self.now,
            on_stored=self.passed_on.extend,
        )

    def runner(self, module: Module = NOTES, spacing: float = 0.0) -> ModuleRunner:
        """Return a runner that was not started."""
        return ModuleRunner(
            reader=self.reader(module),
            journal=self.journal,
            clock=self.clock,
            pacing=Pacing(self.clock, spacing),
        )

    def receive(self, *texts: str, kind: str = "note") -> list[int]:
        """Store messages, all in one transaction; return their ids."""
        new = [
            self.things.message(model_object=kind, data=b'{"msg":"%s"}' % each.encode())
            for each in texts
        ]
        inbox = InboxRepository(self.database)
        stored = result_of(inbox.keep(self.things.drop, new, now=NOW))
        ids = [each.id for each in stored.messages]
        self.journal.advance(ids[-1])
        return ids

    def send(self) -> int:
        """Store a message that is to be sent; return its id."""
        text = b'{"time_stamp":5,"data":{"msg":"out"}}'
        new = self.things.send(model_object="note", message=text)
        added = result_of(OutboxRepository(self.database).add(new, now=NOW))
        self.journal.advance(added.last_seq)
        return int(added.id)

    def rows(self, sql: str) -> list[Any]:
        """Run a statement, and return its rows."""
        work = self.database.run(lambda connection: connection.execute(sql).fetchall())
        return list(result_of(work))

    def notes(self) -> list[str]:
        """Return what the module has kept of received messages."""
        return [text for (text,) in self.rows("SELECT text FROM notes ORDER BY message_id")]

    def events(self) -> list[str]:
        """Return the kinds of events, in their order."""
        return [kind for (kind,) in self.rows("SELECT kind FROM events ORDER BY seq")]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Return an open database with a journal."""
    database = Database(tmp_path / "qabel.db", GivenKey(bytes(32)), worker=InlineWorker)
    result_of(database.open())
    made = Desk(database)
    yield made
    result_of(made.database.close())
    assert made.clock.getDelayedCalls() == []


@pytest.fixture
def running(desk: Desk) -> Iterator[Callable[..., ModuleRunner]]:
    """Return a function that starts a runner, which is stopped at the end."""
    started: list[ModuleRunner] = []

    def run(*args: Any, **given: Any) -> ModuleRunner:
        made = desk.runner(*args, **given)
        made.start()
        started.append(made)
        return made

    yield run
    for each in started:
        each.stop()


PACKAGE = ROOT / "docs" / "modules" / "notes"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the package into a directory of its own."""
    folder = tmp_path_factory.mktemp("notes")
    source, target = folder / "source", folder / "site"
    source.mkdir()
    for name in ("pyproject.toml", "qabel_notes.py", "qabel_notes_command.py"):
        (source / name).write_text((PACKAGE / name).read_text())
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
         "--disable-pip-version-check", "--target", target, source],
        check=True,
    )  # fmt: skip
    return target
