"""Text for terminals: harmless whoever wrote it, of a known width, and times as people say them."""

import time
import unicodedata

_JOINERS = "\u200c\u200d"
"""Invisible, and needed: Persian and Indic words and many emoji are made with them."""

_YEAR_10000 = 253_000_000_000_000
"""Milliseconds since the epoch: what lies past that was never meant."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def visible(text: str, *, lines: bool = False) -> str:
    r"""Show all that a terminal would not: control characters, bidi overrides, odd spaces.

    They stand as ``\x1b`` or ``\u202e`` then, and cannot move the cursor, turn letters around, or
    pretend to be another line. ``lines`` leaves line breaks as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        each if _is_harmless(each) or (lines and each == "\n") else _escaped(each) for each in text
    )


def _is_harmless(character: str) -> bool:
    return character.isprintable() or character in _JOINERS


def _escaped(character: str) -> str:
    short = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}.get(character)
    if short is not None:
        return short
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width(text: str) -> int:
    """Count the columns that a text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def clipped(text: str, columns: int) -> str:
    """Give as much of a text as fits into some columns, with … where something was cut off."""
    if width(text) <= columns:
        return text
    kept, room = [], max(columns, 1) - 1
    for each in text:
        room -= _columns(each)
        if room < 0:
            break
        kept.append(each)
    return "".join(kept) + "…"


def padded(text: str, columns: int) -> str:
    """Fill a text up with blanks to some columns."""
    return text + " " * (columns - width(text))


def moment(milliseconds: float | None) -> str:
    """Write a time, given in milliseconds since the epoch, as the local one."""
    if milliseconds is None:
        return "-"
    if not 0 <= milliseconds < _YEAR_10000:
        return "?"
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(milliseconds / 1000))
    except (OverflowError, ValueError, OSError):
        return "?"


def duration(seconds: float) -> str:
    """Write a length of time with one or two units."""
    whole = max(int(seconds), 0)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def ago(milliseconds: float | None, now: float) -> str:
    """Write how long ago a time was; ``now`` is in seconds since the epoch."""
    if milliseconds is None:
        return "never"
    seconds = now - milliseconds / 1000
    return "just now" if seconds < 1 else f"{duration(seconds)} ago"


def size(octets: int) -> str:
    """Write a number of bytes."""
    amount = float(octets)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def count(number: int, one: str, many: str = "") -> str:
    """Write a number of things."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def short_key(key: object) -> str:
    """Give the beginning of a public key, enough for people to tell keys apart."""
    text = str(key)
    return f"{text[:8]}…" if len(text) > 9 else text
