"""Contact texts as mails, chats, terminals and QR readers leave them: read right, or refused."""

import html
import json
import quopri
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qabel.crypto import PublicKey
from qabel.drop.card_values import BadCard, ContactCard
from qabel.drop.cards import CardError, read_cards
from qabel.drop.contact_text import find_contact_texts, read_contact_text, write_contact_text
from qabel.drop.url import DropURL

KEY = "565689ffdf3c5be17b44ab2a5519e28a919b520c2fb9fde9414b46dcdbc99c3b"
DROP_ID = "AbC-efgh_0123456789abcdefghijklmnopqrstuvWx"
URL = f"https://drop.example.org/a/long/path/to/it/{DROP_ID}"
OTHER = f"http://127.0.0.1:5000/{DROP_ID[::-1]}"
CARD = ContactCard("Alice B", PublicKey.from_hex(KEY), (DropURL.parse(URL), DropURL.parse(OTHER)))
TEXT = write_contact_text(CARD)
LINES = TEXT.split("\n")


def wrapped(text: str, width: int) -> str:
    """Return a text as a terminal of this width shows it."""
    return "\n".join(
        line[at : at + width] for line in text.split("\n") for at in range(0, len(line), width)
    )


def quoted(text: str, mark: str) -> str:
    """Return a text as mail programs quote it."""
    return "\n".join(mark + line for line in text.split("\n"))


WRAPPED_MAIL = f"Hi,\n\n{wrapped(TEXT, 60)}\n\nBest regards\n-- \nAlice"
LEFT_BY_TOOLS = [
    f"{TEXT}\n", f"{TEXT}\r\n\r\n", f" \n{TEXT}", TEXT.replace("\n", "\r"),
    TEXT.replace("\n", "\u2028"), quoted(TEXT, "    "), TEXT.replace("\n", "   \n"),
    TEXT.replace("\n", "\n\n"), f"Hi Bob,\n\nhere it is:\n\n{TEXT}\n\nBest regards\nAlice",
    WRAPPED_MAIL, *(wrapped(TEXT, width) for width in (40, 52, 63, 72, 76, 80)),
    quoted(TEXT, "> "), quoted(WRAPPED_MAIL, "> > "), quoted(TEXT, ">>"), quoted(TEXT, "| "),
    TEXT.replace("\n", "<br>\r\n"), "".join(f"<p>{line}</p>" for line in LINES),
    TEXT.replace("\n", "&#10;"), html.escape(TEXT).replace("\n", "<br/>"),
    TEXT.replace(URL, f'<a href="{URL}">{URL}</a>').replace("\n", "<br>"),
    quopri.encodestring(TEXT.encode()).decode(), f'"{TEXT}"', f"```\n{TEXT}\n```", f"`{TEXT}`",
    f"({TEXT})", f"“{TEXT}”.", TEXT.replace(URL, f"<{URL}>"), TEXT.replace(URL, f"[{URL}]({URL})"),
    TEXT.replace(URL, f"<{URL}|{URL}>"), TEXT.replace(URL, f"{URL}<{URL}>"),
    TEXT.replace(URL, f"{URL} <{URL}>"), TEXT.replace(URL, f"mailto:{URL}"), f"{TEXT}.",
    TEXT.replace("\n", " "), TEXT.replace("\n", "\t"), TEXT.replace("\n", ""), quote(TEXT),
    quote(TEXT, safe=""), quote_plus(TEXT), "mailto:?body=" + quote(TEXT.replace("\n", "\r\n")),
    TEXT.replace(URL, quote(URL, safe="")), f"QR-Code:{TEXT}\n", json.dumps({"text": TEXT}),
    TEXT.replace("/", "/\u200b"), TEXT.replace("\n", "\u00a0\n"), f"\ufeff\u200b{TEXT}",
    TEXT.replace("https://", "".join(chr(ord(each) + 0xFEE0) for each in "https://")),
    TEXT.replace("drop.example.org", "DROP.Example.org"),
    TEXT.replace("https", "HTTPS"), TEXT.replace(", ", ","), TEXT.replace(", ", ",\n"),
    TEXT.replace(", ", " "), TEXT.replace(", ", ";\n"), TEXT.replace(KEY, KEY.upper()),
    TEXT.replace(KEY, " ".join(KEY[at : at + 4] for at in range(0, 64, 4))),
    f"QABELCONTACT is what they begin with:\n{TEXT}",
]  # fmt: skip


@pytest.mark.parametrize("text", LEFT_BY_TOOLS)
def test_text_is_read_as_tools_leave_it(text: str) -> None:
    """Wherever the text stands, and however its lines were broken or joined, it is the same."""
    assert read_cards(text.encode()) == [CARD]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_text_is_read_as_editors_save_it(encoding: str) -> None:
    """Editors write byte order marks and UTF-16."""
    assert read_cards(TEXT.replace("\n", "\r\n").encode(encoding)) == [CARD]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (TEXT[:-1], "has 63"),
        (f"{TEXT}0", "has 65"),
        (f"{TEXT}\n\n".replace(KEY, KEY[:-2]) + "be", "has 62"),
        (TEXT.replace(KEY, f"{KEY[:-2]} be"), "different length"),
        (TEXT.replace(KEY, f"{KEY[:-2]}\nBe"), "letter case"),
        (TEXT.replace(KEY, f"{KEY[:-2]}\nBe well"), "other characters"),
        (TEXT.replace("5656", "56–56"), "EN DASH"),  # noqa: RUF001 - it is the one that is meant
        (TEXT.replace(DROP_ID, DROP_ID[:-1]), "drop URL 1 .* 43 characters"),
        (TEXT.replace(DROP_ID, f"{DROP_ID}x"), "drop URL 1 .* 43 characters"),
        (TEXT.replace(DROP_ID, DROP_ID.replace("-", "–")), "drop URL 1"),  # noqa: RUF001
        (TEXT.replace(KEY, ""), "public key must follow"),
        (TEXT.lower(), "letter case"),
        (TEXT.upper(), "capitals"),
        (TEXT.replace("Alice B", "Alice\nB"), "alias must be in one line"),
        (TEXT.replace("https://", "").replace("http://", ""), "no drop URL"),
        (TEXT.replace(URL, f"[{URL}](https://evil.example/{DROP_ID})"), "another URL"),
        (TEXT.replace(URL, f"{URL}<{OTHER}>"), "another URL"),
        ("QABELCONTACT", "no drop URL"),
        ("QABELCONTACT\nx\nhttp://" + "ab\n" * 100_000, "has no end"),
        ("QABELCONTACT" + "x" * 2**21, "longer than"),
        ("Hello", "begins with QABELCONTACT"),
        ("", "nothing"),
        (" \n", "nothing"),
    ],
)
def test_error_says_what_is_wrong(text: str, why: str) -> None:
    """A text that may not be what was sent is refused, with the reason."""
    with pytest.raises(CardError, match=why):
        read_cards(text.encode())


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x89PNG\r\n\x1a\n", "an image: scan"),
        (b"\xff\xd8\xff\xe0", "an image: scan"),
        (b"%PDF-1.7\n%\xe2", "a PDF file"),
        (b"BEGIN:VCARD\r\nFN:Alice\r\nEND:VCARD", "a vCard"),
        (TEXT.replace("Alice", "Jürgen").encode("latin-1"), r"not UTF-8 \(line 2, column 2\)"),
    ],
)
def test_other_files_are_named(data: bytes, why: str) -> None:
    """What somebody took for a contact is named."""
    with pytest.raises(CardError, match=why):
        read_cards(data)


def test_several_texts_are_several_contacts() -> None:
    """Each text in a mail is read on its own: one that is damaged does not spoil the others."""
    bob = TEXT.replace("Alice B", "Bob").replace(KEY, "02" * 32)
    cards = read_cards(f"{bob}\n\nand\n\n{TEXT[:-1]}\n\n{TEXT}\n".encode())
    assert [card.alias for card in cards] == ["Bob", "Alice B", "Alice B"]
    assert isinstance(cards[1], BadCard)
    assert "has 63" in cards[1].reason
    assert cards[2] == CARD


def test_exact_text_is_read_exactly() -> None:
    """The alias of a text with four lines is taken as it is, whatever it looks like."""
    for alias in ("> Bob ", " =C3=BC", "&amp;", "<b>Bob</b>", "", "\u200bBob\u200b", "a\u2028b"):
        card = ContactCard(alias, CARD.public_key, CARD.drop_urls)
        assert read_cards(write_contact_text(card).encode()) == [card]


# A cut may leave a part of a path, or of another drop URL, in the place of what is lost of an id:
# nobody can know. So there is one URL, and the cuts begin in its drop id.
SHORT = write_contact_text(ContactCard("Alice B", CARD.public_key, CARD.drop_urls[:1]))
CUTS = st.integers(min_value=SHORT.index(DROP_ID), max_value=len(SHORT))


@given(CUTS, CUTS, st.text(alphabet="abcdefABCDEF01 \n.-\u2013/<>", max_size=12))
@example(len(SHORT) - 2, len(SHORT), "\n")
def test_damaged_text_is_never_somebody_else(start: int, end: int, noise: str) -> None:
    """With a part lost and blanks or line breaks put in, a text has the same key or none."""
    start, end = sorted((start, end))
    for filling in ("\n" * (len(noise) % 3), " ", ""):
        damaged = f"{SHORT[:start]}{filling}{SHORT[end:]}\n\n{noise}"
        try:
            cards = find_contact_texts(damaged)
        except CardError:
            continue
        for card in cards:
            assert isinstance(card, ContactCard)
            assert card.public_key == CARD.public_key
            assert [str(url) for url in card.drop_urls] == [URL]


@given(st.lists(st.integers(0, len(TEXT)), max_size=4), st.sampled_from(["\n", "\r\n", "\n> "]))
def test_wrapped_text_is_the_same_or_refused(places: list[int], line_break: str) -> None:
    """Line breaks anywhere never make another contact of a text."""
    text = TEXT
    for place in sorted(places, reverse=True):
        text = text[:place] + line_break + text[place:]
    try:
        [card] = find_contact_texts(text)
    except CardError:
        return
    assert isinstance(card, ContactCard)
    assert (card.public_key, card.drop_urls) == (CARD.public_key, CARD.drop_urls)


@given(
    st.text()
    | st.text(alphabet=f"\n ,:/=>{KEY[:5]}").map(lambda end: TEXT[:40] + end)
    | st.lists(st.sampled_from(["http://", "\n", "<", " ", "a" * 43, ",", KEY, "/", ">", "["])).map(
        lambda parts: "QABELCONTACT\nx\n" + "".join(parts)
    )
)
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text raises anything but CardError, and each result can be written and read again."""
    try:
        cards = find_contact_texts(text)
    except CardError:
        return
    for card in cards:
        if isinstance(card, ContactCard):
            assert read_contact_text(write_contact_text(card)) == card
