"""Where to cut a text that is too long for one message.

Each function gets the text, the index where a piece begins, and the one where it must end at most,
which is before the end of the text; it returns the index where to cut.
"""

import re

from wcwidth import iter_graphemes

# Scripts without spaces: Chinese, Japanese, and full-width forms.
_IDEOGRAPH = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60\U00020000-\U0003ffff"
_GLUE = "\u00a0\u2007\u202f\u200d\u2060"
_OPENING = _GLUE + "(\\[{\u3008\u300a\u300c\u300e\u3010\u3014\u3016\u3018\uff08\uff3b\uff5b"
_NOT_FIRST = _GLUE + (
    "!),.:;?\\]}"
    "\u3001\u3002\u3005\u3009\u300b\u300d\u300f\u3011\u3015\u3017\u3019\u3041\u3043\u3045\u3047"
    "\u3049\u3063\u3083\u3085\u3087\u308e\u309d\u309e\u30a1\u30a3\u30a5\u30a7\u30a9\u30c3\u30e3"
    "\u30e5\u30e7\u30ee\u30fb-\u30fe\uff01\uff09\uff0c\uff0e\uff1a\uff1b\uff1f\uff3d\uff5d"
)
# No-break spaces are none; a zero-width space separates words of Khmer, for example.
_SPACE = "(?:[^\\S\u00a0\u2007\u202f]|\u200b)"
_LAST_WORD_END = re.compile(
    f"(?s:.+)(?:(?<={_SPACE})(?!{_SPACE})"
    f"|(?<=[{_IDEOGRAPH}])(?<![{_OPENING}])(?![{_NOT_FIRST}]|{_SPACE})"
    f"|(?<![{_OPENING}])(?=[{_IDEOGRAPH}])(?![{_NOT_FIRST}]))(?s:(?=.))"
)


def anywhere(_text: str, _start: int, end: int) -> int:
    """Return ``end``: a text may be cut between any two code points."""
    return end


def after_grapheme(text: str, start: int, end: int) -> int:
    """Return the end of the last grapheme that fits; ``end`` if not even one does."""
    around = text[end - 1 : end + 1]
    if around.isascii() and around != "\r\n":
        return end
    found, position = end, start
    for grapheme in iter_graphemes(text[start : end + 1]):
        position += len(grapheme)
        if position > end:
            break
        found = position
    return found


def after_word(text: str, start: int, end: int) -> int:
    """Return the end of the last word that fits, with the space after it; else of a grapheme."""
    limit = end
    while found := _LAST_WORD_END.match(text, start, limit + 1):
        limit = found.end()
        # Marks belong to the space or character before them.
        if next(iter_graphemes(text[limit - 1 : limit + 1])) == text[limit - 1]:
            return limit
        limit -= 1
    return after_grapheme(text, start, end)
