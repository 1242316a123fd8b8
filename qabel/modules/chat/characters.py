r"""What each character is to a search: a letter without case and accents, or what parts words.

``FOLDED`` is for ``str.translate``. It makes of a character

- the letters and digits that it is searched by: of ``É`` an ``e``, of ``ß`` two ``s``, of ``ﬁ``
  an ``f`` and an ``i``;
- nothing, if it cannot be seen, or is an accent;
- of a script without spaces, the mark ``\x01`` and the character; of an emoji, or another symbol
  that is no letter and not in ASCII, ``\x02`` and the character;
- an apostrophe, a hyphen or a dot, if it may stand within a word;
- a space, if it parts words.

No other ASCII characters come out, and none that has another meaning in FTS5.
"""

import unicodedata
from bisect import bisect_right

WITHOUT_SPACES = "\x01"
"""Stands before each character of a script without spaces."""
SYMBOL = "\x02"
"""Stands before each symbol."""

_MOST_KEPT = 10_000
"""Characters whose folding is kept: more than people's texts have."""

_RANGES = (
    *((0x0E00, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF)),
    *((0x1950, 0x19FF), (0x1A20, 0x1AAF), (0x1B00, 0x1B7F), (0x2E80, 0x2FDF)),
    *((0x3005, 0x3007), (0x3021, 0x3029), (0x3031, 0x312F), (0x31A0, 0x31FF)),
    *((0x3400, 0x4DBF), (0x4E00, 0xA4CF), (0xA980, 0xA9FF), (0xAA60, 0xAADF)),
    *((0xF900, 0xFAFF), (0x16FE0, 0x18D8F), (0x1AFF0, 0x1B2FF), (0x20000, 0x3FFFD)),
)
"""Scripts without spaces: Thai, Lao; Tibetan; Burmese; Khmer; Tai, New Tai Lue, Khmer symbols; Tai
Tham; Balinese; radicals; Han; kana and Bopomofo; Han; Han and Yi; Javanese, Burmese; Burmese, Tai
Viet; Han; Tangut; kana and Nüshu; Han."""
_STARTS = [first for first, _ in _RANGES]

_UNSEEN = {
    *range(0x115F, 0x1161),  # fillers of Hangul
    *range(0x1F3FB, 0x1F400),  # colours of skin
    *range(0x180B, 0x1810),  # what chooses between glyphs, as the next two
    *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
    *(0x034F, 0x0640, 0x17B4, 0x17B5, 0x2800),
}
"""What cannot be seen, though its category does not say so; colours of emoji; Arabic's stretching
of words."""

_WITHIN_WORDS = {
    **dict.fromkeys("'`\u00b4\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u2018\u2019\u201b\u2032", "'"),
    **dict.fromkeys("\u05f3\u07f4\u07f5\ua78b\ua78c", "'"),
    **dict.fromkeys("-\u058a\u05be\u2010\u2011\u30fb\ufe63", "-"),
    **dict.fromkeys("._@\u00b7", "."),
}

_LETTERS = {
    **dict(zip("łøđħŧð\u0131\u0237", "lodhtdij", strict=True)),
    **dict(zip("æœþ", ("ae", "oe", "th"), strict=True)),
}
"""Letters with strokes, and others that Unicode does not take apart."""


def _kind(character: str, category: str) -> str:
    """Return what stands for a character that has no case and no parts any more."""
    if category[0] in "LN" or category in ("Mn", "Mc"):
        at = bisect_right(_STARTS, ord(character)) - 1
        if at >= 0 and ord(character) <= _RANGES[at][1]:
            return WITHOUT_SPACES + character
        return character
    # Not assigned: an emoji or a letter of a later version of Unicode.
    is_symbol = category in ("So", "Cn", "Sc") or (category == "Sm" and character >= "\u2190")
    return SYMBOL + character if is_symbol and character >= "\x80" else " "


def _folded(character: str) -> str:
    if character in _WITHIN_WORDS:
        return _WITHIN_WORDS[character]
    category = unicodedata.category(character)
    is_unseen = ord(character) in _UNSEEN or category in ("Cf", "Cs")
    if is_unseen or (category == "Cc" and not character.isspace()):
        return ""
    if category == "Me" or unicodedata.combining(character):
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    return _LETTERS.get(character) or _kind(character, category)


def fold_character(character: str) -> str:
    """Return what a single character is searched by; see the module."""
    if character in _WITHIN_WORDS:
        return _WITHIN_WORDS[character]
    parts = unicodedata.normalize("NFKD", character)
    # Before the case: of one accent, lower case makes a letter.
    bare = "".join(each for each in parts if not unicodedata.combining(each))
    plain = unicodedata.normalize("NFKD", bare.casefold())
    return "".join(map(_folded, plain))


class _Foldings(dict[int, str]):
    """The foldings of the characters that were met."""

    def __missing__(self, number: int) -> str:
        folding = fold_character(chr(number))
        if len(self) < _MOST_KEPT:
            self[number] = folding
        return folding


FOLDED = _Foldings()
"""What stands for each character, by its number."""


class _VowelSigns(dict[int, int | None]):
    def __missing__(self, number: int) -> int | None:
        found = None if unicodedata.category(chr(number))[0] == "M" else number
        if len(self) < _MOST_KEPT:
            self[number] = found
        return found


_WITHOUT_VOWEL_SIGNS = _VowelSigns()


def without_vowel_signs(folded: str) -> str:
    """Return folded text without the signs that Indian scripts, Thai and others have for vowels.

    To Unicode they are marks, as accents are; to who reads them they are letters. So words are
    searched for with them by who writes them, and are found without them, too.
    """
    return folded.translate(_WITHOUT_VOWEL_SIGNS)
