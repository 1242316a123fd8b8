"""Where and why a text is not strict JSON, for people: line, column, and the usual mistakes.

All of this is for the messages of ``qabel.jsontext``. It quotes nothing of the text but single
characters that are no letters, and a few words of other languages, such as ``NaN``.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from math import isfinite

LONGEST_SEARCH = 256 * 1024
"""Bytes of a text in which a place is searched token by token; in longer ones it takes too long."""

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]:]|-?[0-9][0-9.eE+-]*', re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_FOREIGN_WORDS = {
    "NaN": "JSON has no NaN; use null",
    "Infinity": "JSON has no infinity; use null",
    "undefined": "JSON has no undefined; use null",
    "None": "write null",
    "True": "write true",
    "False": "write false",
}
_BEGINNINGS = {
    "//": "comments are not allowed in JSON",
    "/*": "comments are not allowed in JSON",
    "#": "comments are not allowed in JSON",
    "'": 'strings and keys need double quotes (")',
    "+": "a number begins with a digit or a minus sign",
    ".": "a number begins with a digit or a minus sign",
}
_CONTROLS = {
    "\n": "a line break in a string must be written as \\n",
    "\r": "a line break in a string must be written as \\n",
    "\t": "a tab in a string must be written as \\t",
}
TYPOGRAPHIC_QUOTES = "“”„‟‘’‚‛«»″＂"  # noqa: RUF001 - these are the ones that are meant


def position(data: bytes, offset: int) -> str:
    """Return the line and column of a byte, both counted from 1, columns in characters."""
    before = data[:offset]
    line = before.count(b"\n") + 1
    column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
    return f" (line {line}, column {column})"


def explain_character(data: bytes, offset: int) -> str:
    """Return what is usually wrong where a parser stopped at a byte: ": …", or nothing."""
    text = data[offset : offset + 16].decode(errors="ignore")
    for begin, meaning in _BEGINNINGS.items():
        if text.startswith(begin):
            return f": {meaning}"
    for word, meaning in _FOREIGN_WORDS.items():
        if text.startswith(word):
            return f": {meaning}"
    first = text[:1]
    if first and first in TYPOGRAPHIC_QUOTES:
        return ': typographic quotes; use plain double quotes (")'
    if first in _CONTROLS:
        return f": {_CONTROLS[first]}"
    if first and (ord(first) < 0x20 or not first.isascii()):
        return f": it is {name_character(first)}"
    return ""


def name_character(character: str) -> str:
    """Return the number of a character, and its name if it has one: U+00A0 (NO-BREAK SPACE)."""
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X}" + (f" ({name})" if name else "")


def find_duplicate_key(data: bytes, decode: Callable[[bytes], object]) -> str:
    """Return the position of the first key that its object had before; "" if it is not found.

    Args:
        data: a JSON text.
        decode: the decoder of strings.

    """
    objects: list[set[object]] = []
    last: re.Match[bytes] | None = None
    for token in _tokens(data):
        mark = token[0]
        if mark in (b"{", b"["):
            objects.append(set())
        elif mark in (b"}", b"]"):
            objects.pop()
        elif mark == b":" and last is not None:
            key = decode(last[0])
            if key in objects[-1]:
                return position(data, last.start())
            objects[-1].add(key)
        last = token
    return ""


def find_deep(data: bytes, depth: int) -> str:
    """Return the position of the first bracket that is nested too deeply; "" if none is found."""
    level = 0
    for token in _tokens(data):
        level += (token[0] in (b"{", b"[")) - (token[0] in (b"}", b"]"))
        if level > depth:
            return position(data, token.start())
    return ""


def find_bad_number(data: bytes, digits: int) -> str:
    """Return the position of the first number that has too many digits, or is out of range."""
    for token in _tokens(data):
        if token[0][:1] in b"-0123456789" and _is_bad(token[0], digits):
            return position(data, token.start())
    return ""


def find_unpaired_surrogate(data: bytes) -> str:
    """Return the position of the first escape of a surrogate that has no other half."""
    for token in _tokens(data):
        if not token[0].startswith(b'"'):
            continue
        high: re.Match[bytes] | None = None
        for escape in _ESCAPE.finditer(token[0]):
            number = int(escape[1] or b"0", 16)
            is_low = 0xDC00 <= number < 0xE000
            follows = high is not None and high.end() == escape.start()
            if high is not None and not (is_low and follows):
                return position(data, token.start() + high.start())
            if is_low and not follows:
                return position(data, token.start() + escape.start())
            high = escape if 0xD800 <= number < 0xDC00 else None
        if high is not None:
            return position(data, token.start() + high.start())
    return ""


def _is_bad(text: bytes, digits: int) -> bool:
    if sum(text.count(each) for each in b"0123456789") > digits:
        return True
    try:
        return not isfinite(float(text))
    except ValueError:
        return False


def _tokens(data: bytes) -> Iterator[re.Match[bytes]]:
    return iter(()) if len(data) > LONGEST_SEARCH else _TOKEN.finditer(data)
