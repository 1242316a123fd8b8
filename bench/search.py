"""The search of messages: making its index, and finding something in it."""

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from bench.measure import Row
from qabel.modules.chat.excerpts import excerpt
from qabel.modules.chat.search import TABLE, SearchedMessage, add, place, search
from qabel.store.database.connection import Connection, configure, connect
from qabel.store.modules.changes import Change
from qabel.store.modules.tables import migrate

AT_ONCE = 100
"""Messages in one transaction."""

MESSAGES = """
CREATE TABLE chat_messages (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, text TEXT) STRICT;
"""
MESSAGE = "INSERT INTO chat_messages VALUES (?, ?, ?)"

LIMIT = 0.1
"""Seconds that 99 of 100 searches may take."""

_LETTERS = "etaoinshrdlucmfwypvbgkjqxz"


class Texts:
    """Texts of some ten words, few common and most rare; every fifth is Chinese."""

    def __init__(self) -> None:
        self.dice = random.Random(1)  # noqa: S311 - each run is to have the same
        choose = self.dice.choices
        self.words = [
            "".join(choose(_LETTERS, range(26, 0, -1), k=2 + number % 10))
            for number in range(50_000)
        ]
        self.characters = [chr(0x4E00 + number) for number in range(3000)]
        self._words = list(accumulate(1 / (each + 1) for each in range(len(self.words))))
        self._characters = list(accumulate(1 / (each + 1) for each in range(3000)))

    def __call__(self, number: int) -> str:
        if number % 5:
            chosen = self.dice.choices(self.words, cum_weights=self._words, k=10)
            return " ".join(chosen).capitalize() + "."
        return "".join(self.dice.choices(self.characters, cum_weights=self._characters, k=20))


def run(*, small: bool) -> Iterator[Row]:
    """Index messages, compare with inserting rows that are made already, and search them."""
    count = 10_000 if small else 1_000_000
    texts = Texts()
    with tempfile.TemporaryDirectory() as name:
        ours, bare = (_database(Path(name) / each) for each in ("ours.db", "bare.db"))
        # Left to itself, FTS5 merges what was written by its own rules.
        bare.execute("INSERT INTO chat_words (chat_words, rank) VALUES ('automerge', 4)")
        ratios, longest = [], 0.0
        for first in range(0, count, 10_000):
            messages = [_message(first + each, texts) for each in range(10_000)]
            groups = [messages[at : at + AT_ONCE] for at in range(0, len(messages), AT_ONCE)]
            made = [list(_changes(each))[:2] for each in groups]
            times = [_timed(lambda each=each: _store(ours, _changes(each))) for each in groups]
            bare_time = sum(_timed(lambda each=each: _store(bare, each)) for each in made)
            ratios.append(bare_time / sum(times))
            longest = max(longest, *times)
            rate = len(messages) / sum(times)
        yield Row(
            f"index of {count:,} messages: folding and writing",
            "inserting the same rows",
            statistics.median(ratios),
            ">= 0.5",
            f"in the end {rate:,.0f} a second, longest transaction {1000 * longest:.0f} ms",
        )
        bare.close()
        yield from _searches(ours, texts, count)
        ours.close()


def _message(number: int, texts: Texts) -> SearchedMessage:
    conversation = (number % 2000).to_bytes(2, "big") * 8
    return SearchedMessage(
        place(number, 2 * number), 2 * number, bytes(32), conversation, texts(number)
    )


def _changes(messages: Sequence[SearchedMessage]) -> Iterator[Change]:
    yield Change(MESSAGE, [(each.id, each.place >> 32, each.text) for each in messages])
    yield from add(messages)


def _database(path: Path) -> Connection:
    path.touch()
    connection = connect(path, bytes(32))
    connection.execute("PRAGMA journal_mode = WAL")
    configure(connection)
    migrate(connection, "chat", [MESSAGES, TABLE])
    return connection


def _store(connection: Connection, changes: Sequence[Change] | Iterator[Change]) -> None:
    connection.execute("BEGIN")
    for each in changes:
        connection.executemany(each.sql, each.rows)
    connection.execute("COMMIT")
    # As often as the daemon does.
    if connection.execute("PRAGMA wal_checkpoint(NOOP)").fetchall()[0][1] > 4000:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _searches(connection: Connection, texts: Texts, count: int) -> Iterator[Row]:
    choose = texts.dice.choice
    kinds: dict[str, tuple[Callable[[], str], dict[str, Any]]] = {
        "a common word": (lambda: choose(texts.words[:50]), {}),
        "a rare word": (lambda: choose(texts.words[10_000:]), {}),
        "one letter": (lambda: choose(_LETTERS), {}),
        "a word and one letter": (lambda: f"{choose(texts.words[:500])} {choose(_LETTERS)}", {}),
        "two Chinese characters": (
            lambda: "".join(choose(texts.characters[:50]) for _ in "12"),
            {},
        ),
        "two rare Chinese ones": (lambda: "".join(choose(texts.characters) for _ in "12"), {}),
        "a common word in a conversation": (
            lambda: choose(texts.words[:50]),
            {"conversations": [bytes(16)], "identity": bytes(32)},
        ),
    }
    for name, (make, narrowing) in kinds.items():
        times = [_timed(lambda: _find(connection, make(), narrowing)) for _ in range(200)]  # noqa: B023
        slowest = sorted(times)[int(len(times) * 0.99)]
        yield Row(
            f"search in {count:,} messages: {name}, 99th percentile",
            f"{1000 * LIMIT:.0f} ms",
            slowest / LIMIT,
            "<= 1",
            f"median {1000 * statistics.median(times):.1f} ms",
        )


def _find(connection: Connection, query: str, narrowing: dict[str, Any]) -> None:
    made = search(query, limit=50, **narrowing)
    if made is None:
        return
    for _, number in connection.execute(made.sql, made.values).fetchall():
        row = connection.execute("SELECT text FROM chat_messages WHERE id = ?", (number,))
        for (text,) in row.fetchall():
            excerpt(text, made.terms)
