"""Where and why a text is no JSON: the usual mistakes by name, with line and column."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.json_errors import LONGEST_SEARCH, find_unpaired_surrogate, name_character, position
from qabel.jsontext import InvalidJSON, parse

MISTAKES = {
    '{"a":NaN}': "no NaN; use null (line 1, column 6)",
    '{"a":-Infinity}': "no infinity; use null (line 1, column 7)",
    '{"a":undefined}': "no undefined; use null (line 1, column 6)",
    '{"a":None}': "write null (line 1, column 6)",
    '[\n True]': "write true (line 2, column 2)",
    '{"a":False}': "write false (line 1, column 6)",
    '// note\n{}': "comments are not allowed in JSON (line 1, column 1)",
    '{"a":1 /* b */}': "comments are not allowed in JSON (line 1, column 8)",
    '{}\n# note': "comments are not allowed in JSON (line 2, column 1)",
    "{'a':1}": 'need double quotes (") (line 1, column 2)',
    '{“a”:1}': 'typographic quotes; use plain double quotes (") (line 1, column 2)',
    '{"a":„b“}': 'typographic quotes; use plain double quotes (") (line 1, column 6)',
    '{"a":\u00a01}': "it is U+00A0 (NO-BREAK SPACE) (line 1, column 6)",
    '\u200b{}': "it is U+200B (ZERO WIDTH SPACE) (line 1, column 1)",
    '{"a":"b\nc"}': r"a line break in a string must be written as \n (line 1, column 8)",
    '{"a":"b\r\nc"}': r"a line break in a string must be written as \n (line 1, column 8)",
    '{"a":"\t"}': r"a tab in a string must be written as \t (line 1, column 7)",
    '{"a":"\0"}': "it is U+0000 (line 1, column 7)",
    '{"a":+1}': "a number begins with a digit or a minus sign (line 1, column 6)",
    '{"ä":.5}': "a number begins with a digit or a minus sign (line 1, column 6)",
    '{"a":1,}': "trailing comma in object (line 1, column 8)",
    '{"ä":1,\n "ö":2, "\\u00f6":3}': "duplicate key (line 2, column 9)",
    '{"a":[{"a":1},{"b":[],"b":1}]}': "duplicate key (line 1, column 23)",
    '[1,\n 2e999]': "out of range (line 2, column 2)",
    '["' + "1" * 400 + '", 1.' + "2" * 400 + "]": "digits (line 1, column 406)",
    "[" * 65 + "]" * 65: "too deeply (line 1, column 65)",
    '["\\\\ud800", "\\ud800"]': "surrogate (line 1, column 14)",
}  # fmt: skip


@pytest.mark.parametrize("text", MISTAKES)
def test_usual_mistakes_are_named(text: str) -> None:
    """What people and other languages write is named, with its line and column in characters."""
    with pytest.raises(InvalidJSON) as caught:
        parse(text.encode())
    assert str(caught.value).endswith(MISTAKES[text])


def test_places_in_long_texts_are_not_searched() -> None:
    """In a text that is too long, the error has no position, so that it takes little time."""
    text = b'{"a":1,"b":"' + b"x" * LONGEST_SEARCH + b'","a":1}'
    with pytest.raises(InvalidJSON, match=r"duplicate key$"):
        parse(text)


@given(st.text(alphabet="aä\n"), st.text(max_size=3))
def test_positions_count_characters(before: str, after: str) -> None:
    """Lines and columns are those that an editor shows."""
    found = position((before + after).encode(errors="replace"), len(before.encode()))
    lines = before.split("\n")
    assert found == f" (line {len(lines)}, column {len(lines[-1]) + 1})"


@given(st.lists(st.sampled_from(["\\ud83d", "\\ude00", "\\\\", "ud83d", "a", "\\n"])))
def test_surrogates_without_another_half_are_found(parts: list[str]) -> None:
    """A place is found if and only if Python cannot encode the string."""
    text = f'["{"".join(parts)}"]'
    try:
        json.loads(text)[0].encode()
        is_whole = True
    except UnicodeEncodeError:
        is_whole = False
    assert (find_unpaired_surrogate(text.encode()) == "") is is_whole


def test_characters_are_named() -> None:
    """A character has its number, and a name if Unicode gives it one."""
    assert name_character("–") == "U+2013 (EN DASH)"  # noqa: RUF001 - it is the one that is meant
    assert name_character("\x07") == "U+0007"
