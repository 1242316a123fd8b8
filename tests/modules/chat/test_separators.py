"""Separators: nothing of deleted words stays in them."""

import random
from collections.abc import Sequence

import pytest

from qabel.modules.chat.separators import first_word, mend
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


@pytest.mark.parametrize("seed", range(3))
def test_nothing_of_deleted_words_stays(found: Found, seed: int) -> None:
    """After deletions separators are of words that are there, and all of those are found."""
    left = fill(found, seed)
    assert excess(found)
    found.apply(mend(found.database.side.read))
    assert excess(found) == set()
    assert mend(found.database.side.read) == []
    found.execute("INSERT INTO chat_words (chat_words) VALUES ('integrity-check')")
    for seq, word in enumerate(left, 1):
        assert 10 * seq in found.search(word)
    found.add(["geheim" + str(each) for each in range(200)], first=10_000)
    found.execute("INSERT INTO chat_words (chat_words) VALUES ('optimize')")
    assert len(found.search("geheim", limit=1000)) == 250 + 200


def test_pages_that_have_changed(found: Found) -> None:
    """What was read before pages were written anew changes nothing."""
    fill(found, 1)
    changes = mend(found.database.side.read)
    found.execute("INSERT INTO chat_words (chat_words) VALUES ('optimize')")
    before = found.execute("SELECT * FROM chat_words_idx")
    found.apply(changes)
    assert found.execute("SELECT * FROM chat_words_idx") == before


def test_pages_without_words() -> None:
    """A page with nothing but places of a word that began before has none."""
    assert first_word(b"\x00\x00\x00\x06ab") is None
    assert first_word(b"\x00\x00\x00\x07\x020x\x04") == b"0x"
