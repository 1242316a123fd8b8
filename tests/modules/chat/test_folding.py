"""Words of texts, and of queries."""

import sqlite3
import time
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qabel.modules.chat.folding import MOST_TERMS, Term, indexed, places, terms

CHARACTERS = st.one_of(
    st.characters(),
    st.sampled_from(
        "aZé ßİ\u0131ﬁ\u0301\u200b'\u2019-.@_\"*:^()漢字かがｶﾞกิน हिन्दी한👍🏽👨\u200d👩🇩🇪\x00\n٣½"
    ),
)
TEXTS = st.text(CHARACTERS)


def finds(query: str, text: str) -> bool:
    """Return whether a text has all that a query wants, by looking at its tokens only."""
    tokens = indexed(text).split(" ")
    return all(_has(tokens, each) for each in terms(query))


def _has(tokens: Sequence[str], term: Term) -> bool:
    *first, last = term.tokens
    if term.joined is not None and any(each.startswith(term.joined) for each in tokens):
        return True
    return any(
        tokens[at : at + len(first)] == first
        and (
            tokens[at + len(first)].startswith(last)
            if term.is_prefix
            else tokens[at + len(first)] == last
        )
        for at in range(len(tokens) - len(first))
    )


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", ""),
        ("Grüße, Ёлка!", "grusse елка"),
        ("ΣΑΣ σας", "σασ σασ"),  # noqa: RUF001 - Greek
        ("Ｆｕｌｌ", "full"),  # noqa: RUF001 - it is about these letters
        ("a\u200bb\x00c", "abc"),
        ("don't l’amour", "don t dont l amour lamour"),  # noqa: RUF001 - the usual apostrophe
        ("E-Mail rock-'n'-roll", "e mail email rock n roll rocknroll"),
        ("me@example.org", "me example org"),
        ("https://a.example/b?c=d", "https a example b c d"),
        ("1,000.50", "1 000 50"),
        ("日本語のテスト", "日 本 語 の テ ス ト"),
        ("iPhone手机", "iphone 手 机"),
        ("ภาษาไทย", "ภ า ษ า ไ ท ย"),
        ("दिल", "दिल दल"),
        ("hi👍🏽", "hi 👍"),
        ("👨\u200d👩\u200d👧 1\ufe0f\u20e3", "👨 👩 👧 1"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_tokens(text: str, tokens: str) -> None:
    """A text is cut into words, and into characters where words have no spaces between them."""
    assert indexed(text) == tokens


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("email", "an e-mail"),
        ("e-mail", "an email"),
        ("e-mail", "an E\u2011Mail"),
        ("mail", "an e-mail"),
        ("amour", "l’amour"),  # noqa: RUF001 - the usual apostrophe
        ("dont", "don't"),
        ("élan", "elan"),
        ("elan", "e\u0301lan"),
        ("strasse", "STRAẞE"),
        ("istanbul", "İstanbul"),
        ("lodz", "Łódź"),
        ("example.org", "me@example.org"),
        ("語の", "日本語のテスト"),
        ("か", "が"),
        ("ข้าว", "กินข้าว"),
        ("दल", "दिल"),
        ("한", "한국"),
        ("👍", "fine 👍🏽"),
        ("안녕", "안녕하세요"),
        ("m2", "m²"),
        ("world hello", "Hello, world"),
    ],
)
def test_what_is_found(query: str, text: str) -> None:
    """A word is found however it is written, and by its beginning."""
    assert finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [("ello", "hello"), ("本日", "日本"), ("e-mail", "mail e"), ("दिल", "दाल"), ("a b", "a")],
)
def test_what_is_not_found(query: str, text: str) -> None:
    """Nothing is found within words, in another order within a word, or by one word of two."""
    assert not finds(query, text)


@pytest.mark.parametrize(
    "query", ['a"b', "a AND b", "a:b", "(a* ^b)", "a NEAR(b, 2)", "{a} + b", "a\\b", "a,b", "a;b"]
)
def test_no_syntax(query: str) -> None:
    """What FTS5 has for its own language only parts words, and its words are words."""
    wanted = {each for term in terms(query) for each in term.tokens}
    assert {"a", "b"} <= wanted <= {"a", "b", "and", "near", "2"}


@given(TEXTS, st.data())
@example("x" * 200, None)
@example("a-b-c-d-e-f-g-h", None)
def test_every_word_is_found(text: str, data: st.DataObject | None) -> None:
    """Each word of a text finds it, and so does each beginning of a word."""
    for word in text.split():
        lengths = range(1, len(word) + 1)
        for length in lengths if data is None else [data.draw(st.sampled_from(lengths)), len(word)]:
            assert finds(word[:length], text)


@given(TEXTS)
def test_every_query_is_taken(query: str) -> None:
    """Tokens are what FTS5's tokenizer leaves as it is, and no query asks for more than it can."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'ascii')")
    connection.execute("CREATE VIRTUAL TABLE seen USING fts5vocab (words, 'instance')")
    connection.execute("INSERT INTO words VALUES (?)", (indexed(query),))
    seen = connection.execute("SELECT term FROM seen ORDER BY offset").fetchall()
    connection.close()
    assert [each for (each,) in seen] == indexed(query).split()
    assert len(terms(query)) <= MOST_TERMS


def test_long_queries() -> None:
    """Of a query that is very long the beginning counts."""
    assert len(terms(" ".join(map(str, range(1000))))) == MOST_TERMS
    assert len(terms("漢" * 10_000)) == 2
    assert max(len(each.tokens) for each in terms("a." * 10_000)) == 64


@pytest.mark.parametrize(
    ("text", "query", "found"),
    [
        ("Eine Straße.", "strass", ["Straße"]),
        ("ﬁne, Fi\u0301ne", "fin", ["ﬁne", "Fi\u0301ne"]),
        ("the e-mail, the email", "email", ["e-mail", "email"]),
        ("cafe\u0301 x", "cafe", ["cafe\u0301"]),
        ("日本語日本", "日本", ["日本", "日本"]),
        ("กินข้าว", "ข้าว", ["ข้าว"]),
        ("दिल दाल", "दल", ["दिल", "दाल"]),
        ("a 👍🏽 b", "👍", ["👍🏽"]),
        ("me@example.org", "example.org me", ["me", "example.org"]),
        ("nothing", "else", []),
    ],
)
def test_places(text: str, query: str, found: list[str]) -> None:
    """The places are those of the text as it is written."""
    assert [text[start:end] for start, end in places(text, terms(query))] == found


@given(TEXTS, TEXTS)
def test_places_are_in_order(text: str, query: str) -> None:
    """Places are within the text, and none overlaps another; what is found has one."""
    found = places(text, terms(query))
    assert all(0 <= start < end <= len(text) for start, end in found)
    assert all(first[1] <= second[0] for first, second in pairwise(found))
    assert bool(found) or not terms(query) or not finds(query, text)


@pytest.mark.parametrize(
    "text",
    [
        "hello world " * 9000,
        "漢字" * 17_000,
        "a-" * 50_000,
        "a" * 100_000,
        "-" * 100_000,
        "\u0301\u0316" * 25_000,
        "e" + "\u0301\u0316" * 25_000,
        "กิน" * 11_000,
    ],
)
def test_long_texts(text: str) -> None:
    """A text of 100 kB takes a fraction of a second, whatever it is."""
    start = time.process_time()
    indexed(text)
    places(text, terms("hello 字 a"))
    assert time.process_time() - start < 2
