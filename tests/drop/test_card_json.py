"""Objects of cards in texts: found wherever they are, and checked each on its own."""

import contextlib
import html
import json
import quopri
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.drop.card_json import check_member, find_objects, has_line_break
from qabel.jsontext import InvalidJSON

CARD: dict[str, Any] = {
    "alias": "Jürgen",
    "public_key": "56" * 32,
    "drop_urls": ["http://d/" + "x" * 43],
}
FILE = {"contacts": [CARD]}
TEXT = json.dumps(FILE, ensure_ascii=False)


def found(text: str) -> list[Any]:
    """Return the objects in a text, all of which are valid."""
    objects = find_objects(text.encode())
    for each in objects:
        check_member(each)
    return objects


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"Hi {{Bob}},\n\n{TEXT}\n\nBye",
        f"```json\n{TEXT}\n```",
        f"// a comment before it\n{TEXT}",
        "\n".join(f"> {line}" for line in json.dumps(FILE, indent=1).splitlines()),
        html.escape(TEXT),
        f"<p>{html.escape(TEXT)}</p>",
        quote(TEXT),
        quopri.encodestring(TEXT.encode()).decode(),
        f"\ufeff\u200b{TEXT}",
    ],
)
def test_object_is_found_in_a_text(text: str) -> None:
    """Mails, code fences, quotations, HTML and the encodings of mails and URLs are undone."""
    assert found(text) == [FILE]


def test_all_objects_are_found() -> None:
    """Several files, or the lines of a list, are several objects."""
    assert found(f"{TEXT}\n{json.dumps(CARD)}\r\n{TEXT}") == [FILE, CARD, FILE]


def test_line_breaks_in_strings_are_kept() -> None:
    """A string that was wrapped has its line breaks, so that they can be judged."""
    [value] = found(json.dumps(CARD)[:60] + "\n" + json.dumps(CARD)[60:])
    assert has_line_break(value)
    assert not has_line_break(CARD)
    assert has_line_break([1, {"a": ["\r"]}])


@pytest.mark.parametrize(
    "text",
    ['{"contacts":[1,]}', "{“contacts”:[]}", "see:\n{'alias':1}", '{"contacts":[{"alias":"a"},'],
)
def test_malformed_object_is_an_error(text: str) -> None:
    """What is in a malformed object is not taken out of it: some would be missed."""
    with pytest.raises(InvalidJSON, match=r"line \d"):
        find_objects(text.encode())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"contacts":[{"a":1,"a":2}]}', "duplicate key"),
        ('{"contacts":[{"a":{"b":1,"b":2}}]}', "duplicate key"),
        ('{"contacts":[NaN]}', "NaN"),
        ('{"contacts":["\\ud800"]}', "surrogate"),
        ('{"contacts":["\udcff"]}', "not UTF-8"),
    ],
)
def test_invalid_members_are_found_and_named(text: str, why: str) -> None:
    """A member that no strict parser would accept is found, but is an error when it is checked."""
    [value] = find_objects(text.encode(errors="surrogateescape"))
    with pytest.raises(InvalidJSON, match=why):
        check_member(value)


@given(st.text(alphabet='{}[]":,\n> =a1') | st.binary().map(lambda data: data.decode("latin-1")))
def test_other_texts_have_no_objects(text: str) -> None:
    """Whatever the text, nothing but InvalidJSON is raised."""
    with contextlib.suppress(InvalidJSON):
        assert find_objects(text.encode()) == []


def test_search_ends_soon() -> None:
    """Many braces, or deep ones, are given up."""
    assert find_objects(b"{ " * 100_000) == []
    with pytest.raises(InvalidJSON):
        find_objects(b'{"a":' * 100_000)
