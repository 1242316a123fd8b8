"""The search of messages, in a real encrypted file."""

import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qabel.modules.chat.search import add, place, remove, search
from qabel.store.database.erasing import DELAY
from tests.modules.chat.searched import KEY, Found, found, message
from tests.store.database.attacker import find

__all__ = ["found"]

MARK = re.compile(rb"m\d{7}k")


def test_words(found: Found) -> None:
    """All words of a query are wanted, each at the beginning of a word; the newest come first."""
    found.add(["Grüße aus der Straße", "Eine E-Mail", "日本語のテスト", "Straßen und Grüße 👍🏽"])
    assert found.search("strasse") == [4, 1]
    assert found.search("GRU strassen") == [4]
    assert found.search("email") == found.search("mail") == found.search("e-mail") == [2]
    assert found.search("語の") == [3]
    assert found.search("本の") == []
    assert found.search("👍") == [4]
    assert found.search("g") == [4, 1]
    assert found.search("aus nirgends") == []


@pytest.mark.parametrize("query", ["", "  ", '"', "*", "()", "\x00", "\ud800", "- -"])
def test_queries_without_words(query: str) -> None:
    """Nothing is looked for without a word."""
    assert search(query, limit=10) is None


@pytest.mark.parametrize(
    "query",
    [
        *('say "hello', "hello OR", "NOT hello", "hello*", "words:hello", "^hello", "(hello"),
        *(
            "hello NEAR",
            "{tags}: hello",
            "hello -",
            "he'llo\"*",
            "hello)",
            "say + hello",
            "\\hello",
        ),
    ],
)
def test_no_syntax(found: Found, query: str) -> None:
    """No part of a query is taken for FTS5's own language: its words are looked for."""
    found.add(['Say or not: near words, tags, hello. He "llo" hello'])
    assert found.search(query) == [1]


def test_narrowed(found: Found) -> None:
    """Only messages of the identity and the conversation are found that are asked for."""
    keys = [bytes([each]) * 16 for each in (0, 1, 0x7F, 0xFF)]
    for number, key in enumerate(keys, 1):
        found.add(["hello"], first=number, identity=2 * key, conversation=key)
        found.add(["hello"], first=number + 10, identity=2 * key, conversation=b"c" * 16)
    for number, key in enumerate(keys, 1):
        assert found.search("hello", identity=2 * key) == [number + 10, number]
        assert found.search("hello", conversations=[key]) == [number]
        assert found.search("hello", identity=2 * key, conversations=[b"c" * 16]) == [number + 10]
    assert found.search("hello", identity=b"x" * 32) == []


def test_pages(found: Found) -> None:
    """A page begins behind the last hit of the one before."""
    found.add(["hello"] * 25)
    pages = [found.hits("hello", limit=10)]
    while pages[-1]:
        pages.append(found.hits("hello", limit=10, before=pages[-1][-1][0]))
    assert [len(each) for each in pages] == [10, 10, 5, 0]
    assert [each // 2 for page in pages for _, each in page] == list(range(25, 0, -1))


def test_order(found: Found) -> None:
    """Hits are in the order of the journal, also those that were sent, or have the same number."""
    sent = [2 * (send * 1024 + recipient) + 1 for send in (1, 2, 3) for recipient in (0, 1023)]
    found.pending += [message(7, "hello", number=each) for each in sent]
    found.add(["hello"] * 3, first=6)
    assert [number for _, number in found.hits("hello")] == [16, *reversed(sent), 14, 12]
    found.execute("DELETE FROM chat_messages WHERE id IN (14, ?)", sent[1])
    left = [16, *reversed(sent[2:]), sent[0], 12]
    assert [number for _, number in found.hits("hello")] == left
    assert place(2**31 - 1, 2**40 + 1) < 2**63


def test_changed_texts(found: Found) -> None:
    """A message is found by its present text alone."""
    found.add(["old words", "other words"])
    found.apply([*remove([place(1, 2)]), *add([message(1, "new words")])])
    assert found.search("old") == []
    assert found.search("new") == [1]
    assert found.search("words") == [2, 1]


def test_deleted_messages(found: Found) -> None:
    """What is deleted from the table of messages is found no more."""
    found.add(["hello"] * 3)
    found.execute("DELETE FROM chat_messages WHERE seq = 2")
    assert found.search("hello") == [3, 1]
    assert found.execute("SELECT message FROM chat_words ORDER BY rowid") == [(2,), (6,)]


def test_nothing_to_do() -> None:
    """Without messages there are no statements."""
    assert add([]) == remove([]) == []


def test_no_words_in_reprs() -> None:
    """What may be logged shows neither texts nor queries."""
    made = search("secret", limit=1)
    new = message(1, "secret")
    assert "secret" not in repr([made, add([new]), new])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(), query=st.text())
def test_any_text_and_query(found: Found, text: str, query: str) -> None:
    """The database takes every query, and every word of a text finds it."""
    found.execute("DELETE FROM chat_messages")
    found.add([text])
    found.search(query)
    assert found.search(text) == [1] or search(text, limit=1) is None


@pytest.mark.parametrize("seed", range(3))
def test_what_is_deleted_cannot_be_read_with_the_key(found: Found, seed: int) -> None:
    """Soon after messages were deleted their words are nowhere in the file; others are whole."""
    dice = random.Random(seed)  # noqa: S311 - it is to be repeatable
    # The beginnings differ: FTS5 stores what is common to words that follow each other once.
    marks = [f"{dice.randrange(36**4):x}m{number:07}k" for number in range(3000)]
    for first in range(0, 3000, 50):
        texts = [f"{each} hello {each} {dice.random()}" for each in marks[first : first + 50]]
        found.add(texts, first=first + 1)
    gone = set(dice.sample(range(3000), 1500))
    wanted = {MARK.findall(marks[each].encode())[0] for each in gone}
    found.run(
        lambda each: each.executemany(
            "DELETE FROM chat_messages WHERE seq = ?", [(number + 1,) for number in gone]
        )
    )
    assert wanted & find(found.path.parent, KEY, MARK)
    found.clock.advance(DELAY)
    left = find(found.path.parent, KEY, MARK)
    assert not wanted & left
    assert len(left) == 1500
    found.execute("INSERT INTO chat_words (chat_words) VALUES ('integrity-check')")
    assert len(found.search("hello", limit=5000)) == 1500
