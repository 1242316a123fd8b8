"""Strict JSON: every text that is accepted means the same to all parsers.

This is RFC 8259 as narrowed by RFC 7493 (I-JSON). What parsers disagree on is rejected: duplicate
keys, NaN, numbers out of range, unpaired surrogates, invalid UTF-8. The limits of numbers are the
same on every way in, from clients and from the network. Error messages never quote the text, which
may be secret.
"""

import codecs
import re
from collections.abc import Iterable
from itertools import accumulate
from math import isfinite

import msgspec

from qabel.json_errors import (
    explain_character,
    find_bad_number,
    find_deep,
    find_duplicate_key,
    find_unpaired_surrogate,
    position,
)

MAX_DEPTH = 64
"""Levels of nested objects and arrays that ``parse`` accepts by default."""

MAX_DIGITS = 300
"""Digits that a number may have, so that every integer is finite as a float, too."""

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_OPEN, _CLOSE, _DIGIT = 0x01, 0xFF, ord("0")
_DEPTHS = bytes.maketrans(b"[{]}", bytes([_OPEN, _OPEN, _CLOSE, _CLOSE]))
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_DIGITS = bytes.maketrans(b"123456789", bytes([_DIGIT]) * 9)
_WITHIN_NUMBERS = b".eE+-"
_MALFORMED = re.compile(r"JSON is malformed: (?P<what>.*) \(byte (?P<byte>\d+)\)")
_SURROGATE_AT_END = re.compile(rb'\\u[dD][89a-fA-F][0-9a-fA-F]{2}[^"\\]{0,5}"')


class InvalidJSON(ValueError):
    """The text is not JSON, or not JSON that all parsers understand alike."""


class InvalidNumber(InvalidJSON):
    """A number in the text has too many digits, or is out of range."""


def finite_float(text: str) -> float:
    """Parse a number with a fraction or an exponent: a ``float_hook`` for msgspec decoders.

    The decoder's own conversion takes 8 µs for some numbers, such as 1.5e300, and so a second for
    a mebibyte of them. Raises ValueError for a number out of range.
    """
    value = float(text)
    if not isfinite(value):
        raise ValueError("the number is out of range")
    return value


_decode = msgspec.json.Decoder(float_hook=finite_float).decode
_encode = msgspec.json.Encoder().encode


def parse(
    data: bytes,
    depth: int = MAX_DEPTH,
    *,
    digits: int = MAX_DIGITS,
    unique_keys: bool = True,
) -> object:
    """Parse a JSON text in UTF-8 to a dict, list, str, int, float, bool or None.

    Args:
        data: the text.
        depth: levels of nested objects and arrays that it may have.
        digits: digits that a number may have, together with those of its exponent.
        unique_keys: whether duplicate keys are an error; otherwise the last one counts.

    Raises:
        InvalidNumber: a number is not within the limits.
        InvalidJSON: the text is not valid otherwise. The message says what is wrong and, where
            known, at which line and column (both counted from 1, columns in characters).

    """
    value = _decode_strictly(data)
    structure = _strip_strings(data)
    levels = memoryview(structure.translate(_DEPTHS, _NO_BRACKETS)).cast("b")
    if max(accumulate(levels), default=0) > depth:
        raise _too_deep(data, depth)
    if bytes([_DIGIT]) * (digits + 1) in structure.translate(_DIGITS, _WITHIN_NUMBERS):
        raise InvalidNumber(
            f"a number has more than {digits} digits{find_bad_number(data, digits)}"
        )
    # The decoder keeps only the last of duplicate keys: the value has fewer members than the text.
    if unique_keys and _strip_strings(encode(value)).count(b":") != structure.count(b":"):
        raise InvalidJSON(f"an object has a duplicate key{find_duplicate_key(data, _decode)}")
    return value


def as_utf8(data: bytes) -> bytes:
    """Return a text in UTF-8 without a byte order mark, as editors may have saved it otherwise.

    The mark is no part of JSON (RFC 8259, section 8.1), so ``parse`` rejects it. UTF-16 is
    converted if it begins with a mark, or with an ASCII character. Anything else is returned as it
    is.
    """
    if data.startswith(_UTF16_MARKS):
        encoding = "utf-16"
    elif len(data) % 2 == 0 and data[:2].count(0) == 1:
        encoding = "utf-16-le" if data[1] == 0 else "utf-16-be"
    else:
        return data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode(encoding).encode()
    except UnicodeError:
        return data


def encode(value: object) -> bytes:
    """Encode a value as compact JSON in UTF-8.

    Raises InvalidJSON for what JSON cannot represent: NaN, infinities, unpaired surrogates, other
    types, and structures that contain themselves.
    """
    try:
        text = _encode(value)
    except UnicodeError:
        raise InvalidJSON("a string has an unpaired surrogate") from None
    except RecursionError:
        raise _too_deep() from None
    except (TypeError, ValueError, OverflowError, msgspec.EncodeError):
        raise InvalidJSON("a value has a type that JSON cannot represent") from None
    # msgspec encodes NaN and the infinities as null.
    if b"null" in text and not _is_finite(value):
        raise InvalidJSON("a number is NaN or infinite")
    return text


def _decode_strictly(data: bytes) -> object:
    try:
        return _decode(data)
    except UnicodeDecodeError:
        raise InvalidJSON(f"invalid UTF-8{_first_bad_byte(data)}") from None
    except RecursionError:
        raise _too_deep(data) from None
    except msgspec.ValidationError:
        where = find_bad_number(data, MAX_DIGITS)
        raise InvalidNumber(f"a number is out of range{where}") from None
    except msgspec.DecodeError as error:
        raise InvalidJSON(_explain(str(error), data)) from None


def _too_deep(data: bytes = b"", depth: int = MAX_DEPTH) -> InvalidJSON:
    return InvalidJSON(f"objects and arrays are nested too deeply{find_deep(data, depth)}")


def _explain(error: str, data: bytes) -> str:
    if not data or data.isspace():
        return "the document is empty"
    if match := _MALFORMED.fullmatch(error):
        byte = int(match["byte"])
        # msgspec has read the first of these already.
        byte -= match["what"] == "trailing characters"
        return f"{match['what']}{explain_character(data, byte)}{position(data, byte)}"
    # msgspec takes the rest of the text for the missing half of the pair, and finds it too short.
    if _SURROGATE_AT_END.search(data[-64:]):
        return f"a string has an unpaired surrogate{find_unpaired_surrogate(data)}"
    return f"unexpected end of the document{position(data, len(data))}"


def _first_bad_byte(data: bytes) -> str:
    try:
        bytes(data).decode()
    except UnicodeDecodeError as error:
        return position(data, error.start)
    return ""


def _strip_strings(text: bytes) -> bytes:
    """Return a valid JSON text without its strings, so that only structure and numbers remain."""
    bare = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(bare.split(b'"')[::2])


def _is_finite(value: object) -> bool:
    level = [value]
    while level:
        if not all(isfinite(each) for each in level if isinstance(each, float)):
            return False
        level = [inner for each in level for inner in _members(each)]
    return True


def _members(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple) else ()
