"""Text in lines of a width, by the number of cells that each character takes up."""

import re
from collections.abc import Iterator

import wcwidth

_WORDS = re.compile(r"\S+\s*|\s+")


def cells(text: str) -> int:
    """Return how many cells of a terminal a visible text takes up, character by character."""
    if text.isascii():
        return len(text)
    return sum(max(wcwidth.wcwidth(each), 0) for each in text)


def wrapped(text: str, columns: int) -> list[str]:
    """Return the lines of a visible text, none of them wider than a number of columns.

    They end between words, or within one that is wider. Line breaks stay.
    """
    return [line for each in text.split("\n") for line in _lines(each, max(columns, 2))]


def _lines(text: str, columns: int) -> Iterator[str]:
    line, used = "", 0
    for word in _WORDS.findall(text):
        size = cells(word.rstrip())
        if line and used + size > columns:
            yield line.rstrip()
            line, used = "", 0
        if size > columns:
            *whole, word = _cut(word, columns)  # noqa: PLW2901 - what is left of it
            yield from whole
        line += word
        used += cells(word)
    yield line.rstrip()


def _cut(word: str, columns: int) -> Iterator[str]:
    """Yield the pieces of a word, each of a line's width but the last."""
    start = used = 0
    for index, each in enumerate(word):
        size = cells(each)
        if used + size > columns:
            yield word[start:index]
            start, used = index, 0
        used += size
    yield word[start:]
