"""Separators: nothing of deleted words stays in them."""

import random
from collections.abc import Sequence

import pytest

from qabel.deferreds import result_of
from qabel.store.database import separators
from qabel.store.database.erasing import DELAY
from qabel.store.database.separators import first_word, has_deleted_words, mend_some
from tests.modules.chat.searched import Found, found

__all__ = ["found"]


def fill(found: Found, seed: int) -> Sequence[str]:
    """Add messages of words that are much alike, and delete most; return the words that stay."""
    dice = random.Random(seed)  # noqa: S311 - it is to be repeatable
    words = [f"geheim{each:09}" for each in dice.sample(range(10**9), 2500)]
    words += ["".join(dice.choices("abcde漢字", k=9)) for _ in range(500)]
    for first in range(0, len(words), 50):
        found.add(words[first : first + 50], first=first + 1)
    found.execute("DELETE FROM chat_messages WHERE seq % 10")
    return words[9::10]


def excess(found: Found) -> set[bytes]:
    """Return the separators that are no beginnings of a word that is there."""
    found.execute("CREATE VIRTUAL TABLE temp.seen USING fts5vocab (main, chat_words, row)")
    words = {word.encode() for (word,) in found.execute("SELECT term FROM temp.seen")}
    found.execute("DROP TABLE temp.seen")
    terms = {term[1:] for (term,) in found.execute("SELECT term FROM chat_words_idx")}
    return {each for each in terms if not any(word.startswith(each) for word in words)}


def mend(found: Found) -> int:
    """Mend all separators, some in each transaction; return how many transactions that took."""
    count, after = 1, found.run(mend_some)
    while after is not None:
        count, after = count + 1, found.run(lambda each: mend_some(each, after))  # noqa: B023
    return count


@pytest.mark.parametrize("seed", range(3))
def test_nothing_of_deleted_words_stays(
    found: Found, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After deletions separators are of words that are there, and all of those are found."""
    monkeypatch.setattr(separators, "PAGES_AT_ONCE", 20)
    left = fill(found, seed)
    assert excess(found)
    assert mend(found) > 2
    assert excess(found) == set()
    assert mend(found) == 1
    found.execute("INSERT INTO chat_words (chat_words) VALUES ('integrity-check')")
    for seq, word in enumerate(left, 1):
        assert 10 * seq in found.search(word)
    found.add(["geheim" + str(each) for each in range(200)], first=10_000)
    found.execute("INSERT INTO chat_words (chat_words) VALUES ('optimize')")
    assert len(found.search("geheim", limit=1000)) == 250 + 200


def test_deletions_while_mending(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is deleted while it is at work is mended as well."""
    monkeypatch.setattr(separators, "PAGES_AT_ONCE", 20)
    fill(found, 1)
    after = found.run(mend_some)
    found.execute("DELETE FROM chat_messages WHERE seq % 20")
    while after is not None:
        after = found.run(lambda each: mend_some(each, after))  # noqa: B023
    assert excess(found) == set()
    assert not found.run(has_deleted_words)


def test_it_is_done_before_the_database_is_closed(found: Found) -> None:
    """What was deleted a moment before is mended when the database is opened again."""
    fill(found, 1)
    assert found.run(has_deleted_words)
    result_of(found.database.close())
    found.open()
    assert excess(found) == set()
    assert not found.run(has_deleted_words)


def test_it_is_done_after_a_start(found: Found) -> None:
    """What is still to be mended when the database is opened is, soon."""
    fill(found, 1)
    found.clock.advance(10)
    found.execute("INSERT INTO deleted_words (name, is_new) VALUES ('chat_words', 0)")
    result_of(found.database.close())
    found.open()
    assert found.run(has_deleted_words)
    found.clock.advance(DELAY)
    assert not found.run(has_deleted_words)


def test_a_table_that_is_gone(found: Found) -> None:
    """Of a table that is not there any more nothing is looked for."""
    fill(found, 1)
    found.execute("DROP TABLE chat_words")
    assert mend(found) == 1
    assert not found.run(has_deleted_words)


def test_pages_without_words() -> None:
    """A page with nothing but places of a word that began before has none."""
    assert first_word(b"\x00\x00\x00\x06ab") is None
    assert first_word(b"\x00\x00\x00\x07\x020x\x04") == b"0x"
