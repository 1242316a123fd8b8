"""Words as they are searched for: without case and accents, in every script.

A text becomes a row of tokens, which are indexed; a query becomes terms, which are rows of tokens
that follow each other somewhere in a text:

- a word is one token, and found by what it begins with;
- in scripts without spaces each character is a token, and so is each emoji: what is searched for
  there is a phrase;
- of a word with hyphens, apostrophes, dots or the like in it each part is a token; what has hyphens
  or apostrophes is one in whole as well. So ``e-mail`` is found by ``mail`` and by ``email``.

Tokens have neither spaces nor ASCII characters other than letters and digits.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from attrs import frozen

from qabel.modules.chat.characters import FOLDED, SYMBOL, WITHOUT_SPACES, without_vowel_signs

LONGEST = 64
"""Characters of a token, and tokens of a term. Of what is longer the beginning is searched for."""

MOST_TERMS = 32
"""Terms of a query that are looked at. Without the others it finds more, not less."""

_MOST_JOINED = 6
"""Parts that a word with hyphens has at most to be a token in whole."""

_CHUNK = re.compile("[^ ]+")
_WORD = f"[^ {WITHOUT_SPACES}{SYMBOL}'.-]+"
_PART = re.compile(f"(?:{WITHOUT_SPACES}[^ ])+|(?:{SYMBOL}[^ ])+|{_WORD}")
_JOINABLE = re.compile(f"[^ {WITHOUT_SPACES}{SYMBOL}.]+")
"""Words with hyphens or apostrophes, and without; it must not have to try anything twice."""


@frozen
class Term:
    """What a query wants to be in a text: tokens that follow each other."""

    tokens: Sequence[str]
    is_prefix: bool
    """Whether the last token may be the beginning of a word only."""
    joined: str | None = None
    """What is wanted as well as the tokens: a word that begins with this."""


class _Token(NamedTuple):
    text: str
    start: int
    """Where it is in the folded text."""
    end: int


def indexed(text: str) -> str:
    """Return the tokens of a text, with spaces between them."""
    folded = text.translate(FOLDED)
    if _has_vowel_signs(folded):
        return " ".join([each.text for each in _stream(folded)])
    tokens: list[str] = []
    for chunk in folded.split():
        # Most are a word, and no more.
        if chunk.isalnum():
            tokens.append(chunk[:LONGEST])
            continue
        for run, _ in _runs(chunk):
            tokens += run
        tokens += [each.text for each in _joined(chunk, 0)]
    return " ".join(tokens)


def terms(query: str) -> list[Term]:
    """Return what a query wants to be in a text, all of it; nothing if it has no words.

    Args:
        query: words. No character has a meaning of its own.

    """
    found: dict[Term, None] = {}
    for match in _CHUNK.finditer(query.translate(FOLDED)):
        for term in _terms(match[0]):
            found[term] = None
            if len(found) == MOST_TERMS:
                return list(found)
    return list(found)


def places(text: str, wanted: Sequence[Term]) -> list[tuple[int, int]]:
    """Return where a text has what is wanted, in order: where each place begins, and where it ends.

    Args:
        text: a text.
        wanted: the terms of a query.

    """
    stream = list(_stream(text.translate(FOLDED)))
    found = sorted(place for term in wanted for place in _matches(stream, term))
    if not found:
        return []
    # The character of the text that each character of the folded text comes from.
    ends = list(accumulate(len(FOLDED[ord(each)]) for each in text))
    merged: list[tuple[int, int]] = []
    for first, last in found:
        start, end = bisect_right(ends, first), bisect_right(ends, last - 1) + 1
        # Accents that stand by themselves.
        while end < len(text) and not FOLDED[ord(text[end])]:
            end += 1
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _stream(folded: str) -> Iterator[_Token]:
    """Yield the tokens of a folded text, in the order in which they are indexed."""
    has_vowel_signs = _has_vowel_signs(folded)
    for match in _CHUNK.finditer(folded):
        tokens = _tokens(match[0], match.start())
        yield from tokens
        if has_vowel_signs:
            bare = [(each, without_vowel_signs(each.text)) for each in tokens]
            if any(each.text != text for each, text in bare):
                yield from (_Token(text, each.start, each.end) for each, text in bare if text)


def _has_vowel_signs(folded: str) -> bool:
    return not folded.isascii() and len(without_vowel_signs(folded)) != len(folded)


def _tokens(chunk: str, offset: int) -> list[_Token]:
    return [*_parts(chunk, offset), *_joined(chunk, offset)]


def _runs(chunk: str) -> Iterator[tuple[Sequence[str], re.Match[str]]]:
    """Yield a word as its only token, and what has no spaces as a token for each character."""
    for match in _PART.finditer(chunk):
        text = match[0]
        yield (text[1::2] if text[0] in (WITHOUT_SPACES, SYMBOL) else (text[:LONGEST],)), match


def _parts(chunk: str, offset: int) -> Iterator[_Token]:
    for run, match in _runs(chunk):
        start = offset + match.start()
        if isinstance(run, str):
            for number, character in enumerate(run):
                yield _Token(character, start + 2 * number, start + 2 * number + 2)
        else:
            yield _Token(run[0], start, offset + match.end())


def _joined(chunk: str, offset: int) -> Iterator[_Token]:
    if "'" not in chunk and "-" not in chunk:
        return
    for match in _JOINABLE.finditer(chunk):
        if (text := _join(match[0])) is not None:
            yield _Token(text, offset + match.start(), offset + match.end())


def _join(text: str) -> str | None:
    parts = [each for each in text.replace("-", "'").split("'") if each]
    return "".join(parts)[:LONGEST] if 1 < len(parts) <= _MOST_JOINED else None


def _terms(chunk: str) -> Iterator[Term]:
    """Yield the terms of a chunk: its words are one, and what is of another kind is others."""
    words: list[str] = []
    start = end = 0
    for match in _PART.finditer(chunk):
        text = match[0]
        is_word = text[0] not in (WITHOUT_SPACES, SYMBOL)
        if words and (not is_word or len(words) == LONGEST):
            yield _phrase(words, chunk[start:end])
            words = []
        if is_word:
            start = start if words else match.start()
            end = match.end()
            words.append(text[:LONGEST])
        else:
            characters = text[1::2]
            for first in range(0, len(characters), LONGEST):
                yield Term(tuple(characters[first : first + LONGEST]), is_prefix=False)
    if words:
        yield _phrase(words, chunk[start:end])


def _phrase(words: Sequence[str], text: str) -> Term:
    return Term(tuple(words), is_prefix=True, joined=None if "." in text else _join(text))


def _matches(stream: Sequence[_Token], term: Term) -> Iterator[tuple[int, int]]:
    *first, last = term.tokens
    for number, token in enumerate(stream):
        if term.joined is not None and token.text.startswith(term.joined):
            yield token.start, token.end
        if token.text != last and not (term.is_prefix and token.text.startswith(last)):
            continue
        before = stream[max(number - len(first), 0) : number]
        if [each.text for each in before] == first:
            yield (before[0] if before else token).start, token.end
