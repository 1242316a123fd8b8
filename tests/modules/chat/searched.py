"""Messages that are searched, in a real encrypted file."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from twisted.internet.task import Clock

from qabel.deferreds import result_of
from qabel.host.job_thread import InlineWorker
from qabel.modules.chat.search import TABLE, SearchedMessage, add, place, search
from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.key_record import GivenKey
from qabel.store.modules.changes import Change, apply
from qabel.store.modules.tables import migrate

KEY = bytes(range(32))

MESSAGES = """
CREATE TABLE chat_messages (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, text TEXT) STRICT;
"""


@define
class Found:
    """Messages that are searched.

    Args:
        path: the file, whose directory exists.

    """

    path: Path
    clock: Clock = field(factory=Clock)
    database: Database = field(init=False)
    """Open, with the tables."""
    pending: list[SearchedMessage] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self.open()
        self.run(lambda each: migrate(each, "chat", [MESSAGES, TABLE]))

    def open(self) -> None:
        """Open the file."""
        self.database = Database(self.path, GivenKey(KEY), worker=InlineWorker, reactor=self.clock)
        result_of(self.database.open())

    def run(self, work: Callable[[Connection], Any]) -> Any:
        """Run a transaction."""
        return result_of(self.database.run(work))

    def execute(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement; return its rows."""
        return self.run(lambda each: each.execute(sql, values).fetchall())  # type: ignore[no-any-return]

    def apply(self, changes: list[Change]) -> None:
        """Make changes as a module does."""
        self.run(lambda each: apply(each, "chat", changes, [], 1.0))

    def add(self, texts: Iterable[str], *, first: int = 1, **which: bytes) -> None:
        """Add messages that were received, with the numbers from ``first`` on in the journal."""
        for seq, text in enumerate(texts, first):
            self.pending.append(message(seq, text, **which))
        self.store()

    def store(self) -> None:
        """Store the messages that are pending."""
        rows = [(each.id, each.place >> 32, each.text) for each in self.pending]
        change = Change("INSERT INTO chat_messages VALUES (?, ?, ?)", rows)
        self.apply([change, *add(self.pending)])
        self.pending.clear()

    def search(self, query: str, *, limit: int = 100, **which: Any) -> list[int]:
        """Return the ids in chat, halved, of the messages that are found."""
        return [number // 2 for _, number in self.hits(query, limit=limit, **which)]

    def hits(self, query: str, *, limit: int = 100, **which: Any) -> list[tuple[int, int]]:
        """Return the places and ids of the messages that are found."""
        made = search(query, limit=limit, **which)
        return [] if made is None else self.database.side.read(made.sql, made.values)  # type: ignore[return-value]


def message(seq: int, text: str, *, number: int | None = None, **which: bytes) -> SearchedMessage:
    """Return a message; one that was received, unless it has an odd number."""
    number = 2 * seq if number is None else number
    given = {"identity": bytes(32), "conversation": bytes(16), **which}
    return SearchedMessage(place(seq, number), number, text=text, **given)


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Found]:
    """Return messages that are searched, of which there are none yet."""
    directory = tmp_path / "data"
    directory.mkdir()
    made = Found(directory / "qabel.db")
    yield made
    result_of(made.database.close())
