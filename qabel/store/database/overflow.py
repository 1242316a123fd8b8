"""Where the rows of a page continue on other pages, which SQLite calls overflow pages.

Pure. The format is described at https://www.sqlite.org/fileformat2.html.
"""

from collections.abc import Iterator

from qabel.store.database.pages import FILE_HEADER, USABLE

CONTENT = USABLE - 4
"""Bytes of a row on an overflow page, after the number of the next one."""

_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR = 0x0D, 0x0A, 0x02
_CHILD = 4
_LEAST = (USABLE - 12) * 32 // 255 - 23


def overflows(page: bytes, *, is_first: bool = False) -> Iterator[tuple[int, int]]:
    """Yield, for each row that continues elsewhere, where and how far.

    Args:
        page: a decrypted page; from one that is no part of a B-tree, nothing is yielded.
        is_first: whether it is the first page of the file.

    Returns:
        The offset of the number of the first overflow page, and how many of them there are.

    """
    start = FILE_HEADER if is_first else 0
    kind = page[start]
    if kind not in (_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR):
        return
    most = USABLE - 35 if kind == _TABLE_LEAF else (USABLE - 12) * 64 // 255 - 23
    pointers = start + (12 if kind == _INDEX_INTERIOR else 8)
    for number in range(_number(page, start + 3, 2)):
        at = _number(page, pointers + 2 * number, 2)
        if kind == _INDEX_INTERIOR:
            at += _CHILD
        size, at = _varint(page, at)
        if kind == _TABLE_LEAF:
            _, at = _varint(page, at)
        if size <= most:
            continue
        local = _LEAST + (size - _LEAST) % CONTENT
        local = local if local <= most else _LEAST
        if at + local + 4 <= USABLE:
            yield at + local, -(-(size - local) // CONTENT)


def _varint(page: bytes, at: int) -> tuple[int, int]:
    """Return a number of variable length, and the offset after it."""
    value = 0
    for position in range(at, min(at + 8, USABLE)):
        value = value << 7 | page[position] & 0x7F
        if page[position] < 0x80:
            return value, position + 1
    return value << 8 | page[min(at + 8, USABLE)], at + 9


def _number(page: bytes, at: int, size: int) -> int:
    return int.from_bytes(page[at : at + size], "big")
