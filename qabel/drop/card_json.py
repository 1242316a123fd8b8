"""JSON of cards in what people pass on: wrapped, quoted, in the middle of a mail, several in a row.

Strict JSON comes first. If a text is no such, its objects are looked for; what they hold must then
be valid itself, so that one bad entry does not spoil the others.
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from qabel.drop.pasted import (
    has_quote_mark,
    without_html,
    without_invisible,
    without_quote_marks,
    without_quoted_printable,
)
from qabel.jsontext import InvalidJSON, encode, parse

MAX_SEARCHED = 1024 * 1024
"""Characters of a text in which objects are looked for anywhere."""

MAX_FAILURES = 10
"""Braces with which no object begins that are passed over in one text."""

_OBJECT = re.compile(r'\{\s*["\'“”„«]')
_NOT_UTF8 = re.compile(r"(?<!\\ud[89ab]..)\\udc[89a-f]")
_NO_LINE_END = re.compile(r"[^\n]")
_KEYS = ("public_key", "private_key")


class RepeatedKeys(dict[str, Any]):
    """An object in which a key stood more than once."""


def find_objects(data: bytes) -> list[dict[str, Any]]:
    """Return the objects in a text that hold contacts or an identity, in their order.

    Their members are to be checked by ``check_member``. Raises InvalidJSON for an object that is
    malformed: those within it are not looked for, as some would be missed without a word.
    """
    text = without_invisible(data.decode(errors="surrogateescape")).rstrip()
    found = _objects_in(text) if text.lstrip().startswith("{") and "=\n" not in text else []
    if found or len(text) > MAX_SEARCHED:
        return found
    for reading in _readings(text):
        found = _objects_in(reading)
        if found:
            break
    return found


def check_member(value: object) -> None:
    """Raise InvalidJSON if a value that was found is not strict JSON."""
    if _has_repeated_keys(value):
        raise InvalidJSON("an object has a duplicate key")
    if _NOT_UTF8.search(json.dumps(value)):
        raise InvalidJSON("it is not UTF-8")
    parse(encode(value))


def has_line_break(value: object) -> bool:
    """Return whether a string in a value has a line break, and so may have been wrapped."""
    if isinstance(value, str):
        return not {"\n", "\r"}.isdisjoint(value)
    if isinstance(value, dict):
        return any(map(has_line_break, value.values()))
    return isinstance(value, list) and any(map(has_line_break, value))


def _readings(text: str) -> Iterator[str]:
    text = without_quoted_printable(text)
    begin = text.find("{")
    if begin >= 0 and has_quote_mark(text[text.rfind("\n", 0, begin) + 1 : begin]):
        text = without_quote_marks(text)
    yield text
    yield without_html(text)
    if "%7B" in text.upper():
        yield unquote(text)


def _objects_in(text: str) -> list[dict[str, Any]]:
    decoder = json.JSONDecoder(object_pairs_hook=_object, strict=False)
    found, failures, at = [], 0, text.find("{")
    while at >= 0 and failures < MAX_FAILURES:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            if _OBJECT.match(text, at):
                # In place of what stands before, blanks keep the position of the error.
                before = _NO_LINE_END.sub(" ", text[:at])
                parse((before + text[at:]).encode(errors="replace"))
            failures, end = failures + 1, at + 1
        else:
            if _is_card(value):
                found.append(value)
        at = text.find("{", end)
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else RepeatedKeys(members)


def _is_card(value: dict[str, Any]) -> bool:
    return "contacts" in value or ("alias" in value and any(key in value for key in _KEYS))


def _has_repeated_keys(value: object) -> bool:
    if isinstance(value, RepeatedKeys):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return isinstance(inner, list | type({}.values())) and any(map(_has_repeated_keys, inner))
