"""Chat: preparing and writing what the journal has, and reading it."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred

from bench.measure import Row
from bench.search import Texts
from qabel.deferreds import result_of
from qabel.host.job_thread import InlineWorker
from qabel.jsontext import encode
from qabel.modules.chat import queries
from qabel.modules.chat.module import module
from qabel.modules.chat.numbers import conversation_id
from qabel.modules.chat.search import MERGE, least_merged
from qabel.modules.chat.tables import DERIVED, STEPS
from qabel.modules.reading import Reading
from qabel.modules.runner import pace_of_batches
from qabel.modules.tools import ModuleTools
from qabel.store.database.clearing import LOG_LIMIT
from qabel.store.database.connection import Connection, Parameters, configure, connect
from qabel.store.database.database import Database
from qabel.store.key_record import GivenKey
from qabel.store.modules.progress import ModuleRepository
from qabel.store.modules.tables import migrate

KEY = bytes(32)
ME = b"\x4e" * 32
CONTACTS = 2000
FEW = 100

INSERT = (
    "INSERT INTO messages (id, version, time_stamp, acknowledge_id, sender, receiver, "
    "model_object, data, received, identity_id) VALUES (?, 1, ?, '0', ?, ?, ?, ?, ?, 1)"
)

CONVERSATION = "INSERT INTO chat_conversations VALUES (?, ?, ?, ?, ?, ?, ?)"
WORDS = "INSERT INTO chat_words (rowid, words, tags, message) VALUES (?, ?, ?, ?)"

LISTED = 0.1
"""Seconds that 99 of 100 lists of conversations may take."""


def run(*, small: bool) -> Iterator[Row]:
    """Prepare and write messages, compare with inserting the same rows, and read them."""
    count = 20_000 if small else 200_000
    with tempfile.TemporaryDirectory() as name:
        database = _database(Path(name) / "qabel.db", count)
        built = _built(database, count)
        rows = _Rows.read(database)
        bare = _bare(rows.batches(built.ends), Path(name) / "bare.db")
        at_once = _bare([rows], Path(name) / "at_once.db")
        yield Row(
            f"chat: preparing and writing {count:,} messages",
            "inserting the same rows and index in as many transactions",
            bare / built.seconds,
            ">= 0.5",
            f"{count / built.seconds:,.0f} a second in {len(built.ends)} transactions, "
            f"{1000 * built.longest:.0f} ms at most; bare {count / bare:,.0f}, and "
            f"{count / at_once:,.0f} in a single one",
        )
        yield from _reads(database, count)
        result_of(database.close())


def _database(path: Path, count: int) -> Database:
    database = Database(path, GivenKey(KEY), worker=InlineWorker)
    result_of(database.open())
    texts = Texts()

    def fill(connection: Connection) -> None:
        # Half of all are of one contact, and some hundred of another one.
        rows = []
        for number in range(1, count + 1):
            sender = 0 if number % 2 else 2 if number <= 2 * FEW else number // 2 % CONTACTS
            data = encode({"msg": texts(number)}).decode()
            rows.append(
                (number, number, _key(sender), ME, "box_message", data, 1_700_000_000_000 + number)
            )
        connection.executemany(INSERT, rows)
        connection.execute("UPDATE state SET last_seq = ?", (count,))

    result_of(database.run(fill))
    return database


def _key(number: int) -> bytes:
    return number.to_bytes(4, "big") * 8


@frozen
class _Built:
    """How chat dealt with the journal."""

    seconds: float
    longest: float
    """Of the transactions, in seconds."""
    ends: list[int]
    """The last number of each batch."""


def _built(database: Database, count: int) -> _Built:
    """Have chat deal with the journal as the host has it do."""
    repository = ModuleRepository(database)
    place = result_of(repository.open("chat", STEPS, DERIVED)).place
    # Chat asks nothing of what is around it when it prepares.
    tools = ModuleTools("chat", None, None, time.time, lambda _: None)  # type: ignore[arg-type]
    reading = Reading(module, lambda: (sorted(module.kinds), False), database.side.read, tools)
    batches, ends, longest = pace_of_batches(), [], 0.0
    started = time.perf_counter()
    while place.seq < count:
        batch = reading.prepare(place, batches.size)
        if batch.error is not None:
            raise RuntimeError(batch.error)
        begun = time.perf_counter()
        changes = batch.prepared.changes
        result_of(repository.write("chat", place, batch.span.last, changes, now=1.0))
        written = time.perf_counter() - begun
        longest, place = max(longest, written), batch.span.last
        ends.append(place.seq)
        batches.note(batch.span.count, max(batch.seconds, written))
    return _Built(time.perf_counter() - started, longest, ends)


@frozen
class _Rows:
    """What chat has written."""

    conversations: list[Any]
    messages: list[Any]
    words: list[Any]

    @classmethod
    def read(cls, database: Database) -> "_Rows":
        """Read all of it, in the order in which it was written."""
        return cls(
            _all(database, "SELECT * FROM chat_conversations"),
            _all(database, "SELECT * FROM chat_messages ORDER BY id"),
            _all(database, "SELECT rowid, words, tags, message FROM chat_words ORDER BY rowid"),
        )

    def batches(self, ends: list[int]) -> "Iterator[_Rows]":
        """Yield the rows of each batch; all conversations are in the first one."""
        conversations, messages, words = self.conversations, iter(self.messages), iter(self.words)
        size = 0
        for end in ends:
            # Each message has a number of the journal, from 1 on.
            size, before = end, size
            yield _Rows(
                conversations,
                list(islice(messages, size - before)),
                list(islice(words, size - before)),
            )
            conversations = []


def _bare(batches: Iterable[_Rows], path: Path) -> float:
    """Return the seconds that rows take in a connection of their own: a transaction for each."""
    path.touch()
    bare = connect(path, KEY)
    bare.execute("PRAGMA journal_mode = WAL")
    configure(bare)
    bare.execute(f"PRAGMA wal_autocheckpoint = {LOG_LIMIT}")
    bare.execute("PRAGMA foreign_keys = OFF")
    for table in ("state", "messages", "sends", "purges"):
        bare.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, last_seq INTEGER)")
    bare.execute("INSERT INTO state VALUES (1, 0)")
    migrate(bare, "chat", STEPS)
    for (name,) in bare.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        bare.execute(f"DROP TRIGGER {name}")
    [(width,)] = bare.execute("SELECT count(*) FROM pragma_table_info('chat_messages')")
    message = f"INSERT INTO chat_messages VALUES ({', '.join('?' * width)})"
    seconds = 0.0
    for batch in batches:
        started = time.perf_counter()
        bare.execute("BEGIN")
        bare.executemany(CONVERSATION, batch.conversations)
        bare.executemany(message, batch.messages)
        bare.executemany(WORDS, batch.words)
        # The index is kept in the same state.
        bare.execute(MERGE, (least_merged(len(batch.words)),))
        bare.execute("COMMIT")
        seconds += time.perf_counter() - started
    bare.close()
    return seconds


def _all(database: Database, sql: str) -> list[Any]:
    rows = database.run(lambda connection: connection.execute(sql).fetchall())
    return list(result_of(rows))


class _Reader:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self, sql: str, values: Parameters = ()) -> list[tuple[Any, ...]]:
        """Run a statement that reads."""
        return self._database.side.read(sql, values)


def _reads(database: Database, count: int) -> Iterator[Row]:
    reader = _Reader(database)

    def page(number: int) -> Callable[[], object]:
        which = conversation_id(ME, _key(number))
        return lambda: _run(queries.page(reader, which, 50, before=None, after=None))

    many, few = _median(page(0)), _median(page(2))
    yield Row(
        f"chat: a page of 50 of {count // 2:,} messages",
        f"of {FEW}",
        many / few,
        "<= 2",
        f"{1000 * many:.1f} ms",
    )
    times = sorted(_seconds(lambda: _run(queries.conversations(reader))) for _ in range(100))
    yield Row(
        f"chat: list of {CONTACTS:,} conversations, 99th percentile",
        f"{1000 * LISTED:.0f} ms",
        times[98] / LISTED,
        "<= 1",
        f"median {1000 * times[50]:.1f} ms",
    )
    unread = _median(lambda: _run(queries.unread(reader)))
    yield Row(
        "chat: unread counts, median", "10 ms", unread / 0.01, "<= 1", f"{1000 * unread:.1f} ms"
    )


def _run(work: Any) -> object:
    return result_of(Deferred.fromCoroutine(work))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _median(work: Callable[[], object]) -> float:
    return statistics.median(_seconds(work) for _ in range(100))
