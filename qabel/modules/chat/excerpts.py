"""Excerpts: the part of a text around what was searched for."""

from collections.abc import Sequence

from attrs import field, frozen

from qabel.modules.chat.folding import Term, places

BEFORE = 40
"""Characters before the first place that was found, at most."""

LENGTH = 160
"""Characters of an excerpt, at most."""

_LONGEST_WORD = 20
"""Characters that an excerpt is shortened by at most, so that it begins and ends with a word."""


@frozen
class Excerpt:
    """A part of a text, as it was written."""

    text: str = field(repr=False)
    places: Sequence[tuple[int, int]]
    """Where it has what was searched for: the first character, and the one behind the last."""
    is_cut_before: bool
    """Whether the text has more before it."""
    is_cut_behind: bool
    """Whether the text has more behind it."""


def excerpt(text: str, wanted: Sequence[Term]) -> Excerpt:
    """Return the part of a text that has the first place where it is as was searched for.

    Args:
        text: the text of a message.
        wanted: the terms of the query.

    """
    found = places(text, wanted)
    first = found[0][0] if found else 0
    start = _start(text, max(0, min(first - BEFORE, len(text) - LENGTH)), first)
    end = _end(text, min(start + LENGTH, len(text)))
    within = [
        (begin - start, min(behind, end) - start) for begin, behind in found if start <= begin < end
    ]
    return Excerpt(text[start:end], within, start > 0, end < len(text))


def _start(text: str, start: int, first: int) -> int:
    """Return where the next word begins, unless there is none soon."""
    if start and not text[start - 1].isspace():
        for at in range(start, min(start + _LONGEST_WORD, first)):
            if text[at].isspace():
                return at + 1
    return start


def _end(text: str, end: int) -> int:
    """Return where the last word ends that is there in whole, unless it is a long one."""
    if end < len(text) and not text[end].isspace():
        for at in range(end - 1, end - _LONGEST_WORD, -1):
            if text[at].isspace():
                return at
    return end
