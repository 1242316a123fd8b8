"""What tools make of keys, URLs and texts, and what is taken away again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.drop.pasted import (
    clean_key,
    clean_url,
    explain_key,
    has_links,
    has_quote_mark,
    open_links,
    to_plain_width,
    without_html,
    without_invisible,
    without_quote_marks,
    without_quoted_printable,
)

KEY = "565689ffdf3c5be17b44ab2a5519e28a919b520c2fb9fde9414b46dcdbc99c3b"
URL = "https://drop.example:8080/a_b/-1234567890123456789012345678901234567891234_"


@pytest.mark.parametrize(
    "around",
    [
        "{}", " {}\r\n", "\ufeff{}", "\u00a0{}\u3000", "<{}>", "({})", '"{}"', "“{}”", "«{}»",
        "`{}`", "**{}**", "{}.", "{},", "<{}>;", "URL: {}", "mailto:{}", "[{0}]({0})",
        "[my drop]({})", "{0}<{0}>", "<{0}|{0}>", "\u200b{}\u200b",
    ],
)  # fmt: skip
def test_what_stands_around_a_url_is_taken_away(around: str) -> None:
    """Brackets, quotes, labels, links and invisible characters are no part of a URL."""
    assert clean_url(around.format(URL)) == URL


def test_what_stands_in_a_url_is_taken_away() -> None:
    """Line breaks, soft hyphens, full-width characters and encodings of the whole are undone."""
    assert clean_url(f"{URL[:30]}\r\n   {URL[30:]}") == URL
    assert clean_url(f"{URL[:30]}\u00ad{URL[30:]}") == URL
    assert clean_url(URL.replace("https://", "ｈｔｔｐｓ：／／")) == URL  # noqa: RUF001
    assert clean_url(URL.replace("/", "%2F").replace(":", "%3A")) == URL
    assert clean_url("https://h.example/a&amp;b") == "https://h.example/a&b"
    assert clean_url("https://h.example/a b") == "https://h.example/a b"


@pytest.mark.parametrize(
    "text", ["[https://a.example/x](https://b.example/x)", "<http://a|http://b>"]
)
def test_link_that_shows_another_url_is_no_url(text: str) -> None:
    """A link that leads elsewhere than it says stays as it is."""
    assert open_links(text) == text
    assert has_links(text)
    assert not has_links("[1] (see) <https://a.example>")


@pytest.mark.parametrize(
    "text",
    [
        KEY, f" {KEY}\n", f"<{KEY}>", f"0x{KEY}", f"Public key: {KEY}", f"{KEY[:40]}\n{KEY[40:]}",
        " ".join(KEY[at : at + 4] for at in range(0, 64, 4)), f"\ufeff{KEY}.",
        "".join(chr(ord(each) + 0xFEE0) for each in KEY),
    ],
)  # fmt: skip
def test_digits_of_a_key_are_what_remains(text: str) -> None:
    """Only the digits of a key say anything."""
    assert clean_key(text) == KEY


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (KEY[:-1], "has 63"),
        (f"{KEY} 0", "has 65"),
        (KEY.replace("5656", "56–56"), "contains U+2013 (EN DASH)"),  # noqa: RUF001
        (KEY.replace("5656", "5O5O"), "contains other characters"),
    ],
)
def test_why_a_text_is_no_key(text: str, why: str) -> None:
    """The number of digits is stated, or the character that is none."""
    assert explain_key(text) == f"must have 64 hexadecimal digits, but {why}"


def test_texts_become_plain() -> None:
    """HTML, quoted-printable and quotations are undone, and plain texts stay as they are."""
    assert without_html("<p>a<br>b &amp; c</p>d") == "a\nb & c\nd"
    assert without_html("a <https://b.example> < c") == "a <https://b.example> < c"
    assert without_quoted_printable("J=C3=BCr=\r\ngen") == "Jürgen"
    assert without_quoted_printable("J=C3=BCrgen") == "J=C3=BCrgen"
    assert without_quoted_printable("=FF=\n") == "=FF=\n"
    assert without_quote_marks("> > a\n>b\nc > d") == "a\nb\nc > d"
    assert has_quote_mark("> a")
    assert not has_quote_mark("a > b")
    assert without_invisible("a\u200b\u200d") == "a\u200d"


@given(st.text())
def test_any_text_can_be_cleaned(text: str) -> None:
    """Whatever the text, nothing is raised, and full-width characters keep their places."""
    clean_url(text)
    assert explain_key(text)
    assert clean_key(clean_key(text)) or not clean_key(text)
    assert len(to_plain_width(text)) == len(text)
