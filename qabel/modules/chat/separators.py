"""What of deleted words stays in the index of a full-text table, and how that is taken out, too.

Of each page of its index but the first, FTS5 keeps a separator: the beginning of the page's first
word, as far as that differs from the last word of the page before. With ``secure-delete`` it takes
the word of a deleted message out of the page, and leaves the separator as it is: that may be all of
the word, if others differ from it in their last letters only. A beginning of the word that now is
the first one serves as well.
"""

from collections.abc import Iterator

from qabel.store.modules.changes import Change
from qabel.store.modules.entries import Read

_AT_ONCE = 500
"""Pages that a statement reads: two megabytes."""

# Where pages are in ``chat_words_data``, as in the source of FTS5: fts5_index.c.
_PAGES = """
SELECT segid, term, pgno, id, block FROM chat_words_idx
JOIN chat_words_data ON id = (segid << 37) + (pgno >> 1)
WHERE (segid, term) > (?, ?) ORDER BY segid, term LIMIT ?
"""

# Segments do not change but by deletions, which leave this right, until their numbers are used
# again: so the page must be the one that was read.
_ADD = """
INSERT INTO chat_words_idx (segid, term, pgno) SELECT segid, :new, pgno FROM chat_words_idx
WHERE segid = :segment AND term = :old AND pgno = :page
    AND (SELECT block FROM chat_words_data WHERE id = :id) = :block
"""
_REMOVE = """
DELETE FROM chat_words_idx WHERE segid = :segment AND term = :old AND pgno = :page
    AND EXISTS (SELECT 1 FROM chat_words_idx WHERE segid = :segment AND term = :new)
"""


def mend(read: Read) -> list[Change]:
    """Return the statements that take what is left of deleted words out of the separators.

    All pages of the index that have separators are read: some 35 for each thousand messages.

    Args:
        read: runs statements that read, after the deletion was committed.

    Raises:
        StoreError: the table cannot be read.

    """
    found = list(_mended(read))
    return [Change(_ADD, found), Change(_REMOVE, found)] if found else []


def _mended(read: Read) -> Iterator[dict[str, object]]:
    segment, last = 0, b""
    while rows := read(_PAGES, (segment, last, _AT_ONCE)):
        for segment, last, page, number, block in rows:
            first = first_word(block)
            if first is not None and not first.startswith(last):
                yield {
                    "segment": segment,
                    "old": last,
                    "new": _separator(last, first),
                    "page": page,
                    "id": number,
                    "block": block,
                }


def _separator(old: bytes, first: bytes) -> bytes:
    """Return the shortest beginning of a word that is behind the old separator."""
    size = next(size for size in range(1, len(first) + 1) if first[:size] > old)
    return first[:size]


def first_word(block: bytes) -> bytes | None:
    """Return the first word of a page, with the character for its index; None if it has none."""
    words = int.from_bytes(block[2:4], "big")
    if words >= len(block):
        return None
    start, _ = _number(block, words)
    size, behind = _number(block, start)
    return block[behind : behind + size]


def _number(block: bytes, at: int) -> tuple[int, int]:
    """Return a number of one or two bytes, and where it ends: none is larger than a page."""
    if block[at] < 0x80:
        return block[at], at + 1
    return (block[at] & 0x7F) << 7 | block[at + 1], at + 2
