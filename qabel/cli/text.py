"""Text on a terminal: harmless whoever wrote it, measured, cut and padded by display width."""

from collections.abc import Sequence

import wcwidth

_JOINERS = "\u200c\u200d"
"""Invisible, but needed: Persian and Indic words and many emoji contain them."""

_LISTED = 200
"""Characters of a text in a list."""


def visible(text: str, *, lines: bool = False) -> str:
    r"""Return a text with control characters, bidi overrides and unusual spaces escaped.

    They become ``\x1b`` or ``\u202e``: they cannot move the terminal's cursor, reverse the text or
    pretend to be another line. With ``lines``, line breaks are kept.
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
    """Return the number of display columns that a visible text takes up."""
    return wcwidth.width(text, control_codes="ignore")


def clip(text: str, columns: int) -> str:
    """Return a visible text cut to a number of display columns, with … where it was cut off."""
    if width(text) <= columns:
        return text
    # What is beside the cut may be wider than the sum of its characters.
    for end in range(max(columns - 1, 0), 0, -1):
        cut = wcwidth.clip(text, 0, end, control_codes="ignore") + "…"
        if width(cut) <= columns:
            return cut
    return "…"


def beginning(text: str) -> str:
    """Return the beginning of a text, which is enough of it in a list."""
    return text if len(text) <= _LISTED else f"{text[:_LISTED].rstrip()}…"


def pad(text: str, columns: int) -> str:
    """Return a visible text with spaces after it up to a number of display columns."""
    return wcwidth.ljust(text, columns, control_codes="ignore")


def short_key(key: object) -> str:
    """Return the beginning of a public key, enough for people to tell keys apart."""
    text = str(key)
    return f"{text[:8]}…" if len(text) > 9 else text


def drop_urls(urls: Sequence[str] | None) -> str:
    """Return drop URLs, one a line; the daemon shows them to tokens of some scopes only."""
    if urls is None:
        return "not shown to this token: it needs the scope contacts"
    return "\n".join(urls) or "none"
