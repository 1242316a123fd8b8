"""Strict JSON: one text, one meaning, whatever it came from (RFC 8259, as narrowed by RFC 7493).

What readers disagree on is refused: keys given twice, NaN, numbers out of range, half surrogate
pairs, bytes that are no UTF-8. Nothing in an error quotes the text, which may be a secret.
"""

import re
from collections.abc import Iterable
from itertools import accumulate
from math import isfinite

import msgspec

MAX_DEPTH = 64
"""How deep objects and lists may lie in each other, unless the caller says otherwise."""

MAX_DIGITS = 309
"""Digits in a row of a number: as many as the largest floating point number has."""

_OPEN, _CLOSE, _DIGIT = 0x01, 0xFF, ord("0")
_DEPTHS = bytes.maketrans(b"[{]}", bytes([_OPEN, _OPEN, _CLOSE, _CLOSE]))
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_DIGITS = bytes.maketrans(b"123456789", bytes([_DIGIT]) * 9)
_TOO_MANY_DIGITS = bytes([_DIGIT]) * (MAX_DIGITS + 1)
_PLACE = re.compile(r"JSON is malformed: (?P<what>.*) \(byte (?P<byte>\d+)\)")
_HALF_AT_END = re.compile(rb'\\u[dD][89a-fA-F][0-9a-fA-F]{2}[^"\\]{0,5}"')


class InvalidJSON(ValueError):
    """A text that is no JSON, or no JSON that all readers understand alike."""


def finite_float(text: str) -> float:
    """Read a number that has a fraction or an exponent, for decoders; raises ValueError.

    The decoder's own way takes 8 µs for some, such as 1.5e300: a mebibyte of them, a second.
    """
    value = float(text)
    if not isfinite(value):
        raise ValueError("the number is out of range")
    return value


_decode = msgspec.json.Decoder(float_hook=finite_float).decode
_encode = msgspec.json.Encoder().encode


def parse(data: bytes, depth: int = MAX_DEPTH) -> object:
    """Read a JSON text in UTF-8: dict, list, str, int, float, bool or None.

    Objects and lists lie in each other at most ``depth`` deep. Raises InvalidJSON.
    """
    value = _read(data)
    structure = _structure(data)
    levels = memoryview(structure.translate(_DEPTHS, _NO_BRACKETS)).cast("b")
    if max(accumulate(levels), default=0) > depth:
        raise _too_deep()
    if _TOO_MANY_DIGITS in structure.translate(_DIGITS):
        raise InvalidJSON(f"a number has more than {MAX_DIGITS} digits")
    # Of keys given twice the last was kept, so what was kept has fewer members than the text.
    if _structure(encode(value)).count(b":") != structure.count(b":"):
        raise InvalidJSON("an object has the same key twice")
    return value


def encode(value: object) -> bytes:
    """Write a value as JSON in UTF-8, without blanks. Raises InvalidJSON if JSON cannot hold it."""
    try:
        text = _encode(value)
    except UnicodeError:
        raise InvalidJSON("a text has half of a surrogate pair") from None
    except RecursionError:
        raise _too_deep() from None
    except (TypeError, ValueError, OverflowError, msgspec.EncodeError):
        raise InvalidJSON("a value is of a kind that JSON does not have") from None
    # The library writes what is no number as null.
    if b"null" in text and not _is_finite(value):
        raise InvalidJSON("a number is not finite")
    return text


def _read(data: bytes) -> object:
    try:
        return _decode(data)
    except UnicodeDecodeError:
        raise InvalidJSON(f"the text is no UTF-8{_first_bad_byte(data)}") from None
    except RecursionError:
        raise _too_deep() from None
    except msgspec.ValidationError:
        raise InvalidJSON("a number is out of range") from None
    except msgspec.DecodeError as error:
        raise InvalidJSON(_explain(str(error), data)) from None


def _too_deep() -> InvalidJSON:
    return InvalidJSON("objects and lists lie too deep in each other")


def _explain(error: str, data: bytes) -> str:
    if not data or data.isspace():
        return "the text is empty"
    if match := _PLACE.fullmatch(error):
        return f"{match['what']}{_place(data, int(match['byte']))}"
    # The library looks for the other half behind the end of the text.
    if _HALF_AT_END.search(data[-64:]):
        return "a text has half of a surrogate pair"
    return f"the text ends too early{_place(data, len(data))}"


def _first_bad_byte(data: bytes) -> str:
    try:
        bytes(data).decode()
    except UnicodeDecodeError as error:
        return _place(data, error.start)
    return ""


def _place(data: bytes, position: int) -> str:
    before = data[:position]
    line = before.count(b"\n") + 1
    column = position - before.rfind(b"\n")
    return f" (line {line}, column {column})"


def _structure(text: bytes) -> bytes:
    """Give a valid JSON text without its strings."""
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
