"""The part of an object that a client asks for (RFC 9110, section 14)."""

import re

from attrs import frozen

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@frozen
class ByteRange:
    """Bytes from ``begin`` to before ``end``."""

    begin: int
    end: int

    def content_range(self, size: int) -> str:
        """Return the header ``Content-Range``."""
        return f"bytes {self.begin}-{self.end - 1}/{size}"


class UnsatisfiableRange(Exception):
    """The object has no such bytes."""


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """Return the range that a client asks for; None for the whole.

    Several ranges at once, and what is no range, count as none, as the standard allows.

    Args:
        header: the header ``Range``.
        size: bytes of the object.

    Raises:
        UnsatisfiableRange: nothing of the range is there.

    """
    found = None if header is None else _RANGE.fullmatch(header.strip())
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < begin:
            return None
    if begin >= end:
        raise UnsatisfiableRange
    return ByteRange(begin, end)
