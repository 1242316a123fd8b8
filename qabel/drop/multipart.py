"""A drop server's answer, ``multipart/mixed`` with a part for each message, read and written.

The bytes are those of the deployed server: CRLF line ends, ``Content-Type`` and ``Date`` in each
part, the message raw (Qabel-Protocol-Drop, "Receiving"; RFC 2046, section 5.1).
"""

import re
import uuid
from typing import Final

import attrs

HEADERS_LIMIT = 4096
"""Bytes that the header lines of one part may have."""

_PADDING_LIMIT = 64  # spaces and tabs that may stand between a boundary and its line end

_CONTENT_TYPE = re.compile(
    r"multipart/mixed\s*((?:;[^;\"]*(?:\"[^\"]*\"[^;\"]*)?)*)", re.IGNORECASE
)
_BOUNDARY = re.compile(r";\s*boundary=(?:\"([^\"]*)\"|([^\s;\"]+))\s*(?:;|$)", re.IGNORECASE)
_BOUNDARY_TEXT = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")


class MultipartError(ValueError):
    """The answer is not what a drop server sends."""


class NotMultipart(MultipartError):
    """The content type is not ``multipart/mixed`` with a usable boundary."""


class MalformedPart(MultipartError):
    """The header lines of a part are too long, or are none."""


class IncompleteMultipart(MultipartError):
    """The answer ended before its closing boundary: more parts may have been on their way."""


@attrs.frozen
class Part:
    """One part: its raw ``body``, and its ``Date`` header as it was written, if it had one.

    The body of a part over the limit is empty: it was passed over, not held.
    """

    body: bytes = attrs.field(repr=False)
    date: str | None = None


class MultipartParser:
    """Takes a multipart answer in arbitrary pieces, and gives its parts as they become whole.

    ``content_type`` is the answer's header; ``part_limit`` is in bytes. Holds no more than a part
    of that size, its headers and the piece just fed. Raises NotMultipart when made.

    A fault in the middle never takes away the whole parts before it: ``feed`` gives these, and the
    *next* call raises.
    """

    def __init__(self, content_type: str, *, part_limit: int = 16384) -> None:
        self._delimiter: Final = b"\r\n--" + _boundary_of(content_type)
        self._part_limit: Final = part_limit
        # What precedes the first boundary is a part to pass over. The line end belongs to
        # the boundary after it, and the first boundary may have none before it.
        self._buffer = bytearray(b"\r\n")
        self._in_headers = False
        self._in_preamble = True
        self._scanned = 0  # no delimiter starts before this place in the buffer
        self._dropped = False  # the front of the current body was thrown away
        self._date: str | None = None
        self._fault: MultipartError | None = None
        self._complete = False

    @property
    def complete(self) -> bool:
        """Whether the closing boundary has come: whatever follows means nothing."""
        return self._complete

    def feed(self, data: bytes) -> list[Part]:
        """Take the next bytes; give the parts that they completed, oldest first.

        Raises MultipartError for a fault that the bytes fed *before* had.
        """
        if self._fault is not None:
            raise self._fault
        if self._complete:
            return []
        self._buffer += data
        parts: list[Part] = []
        try:
            while not self._complete and self._step(parts):
                pass
        except MultipartError as fault:
            self._fault = fault
        if self._complete or self._fault is not None:
            self._buffer.clear()
        return parts

    def finish(self) -> None:
        """Say that no more bytes come. Raises IncompleteMultipart, or the fault there was."""
        if self._fault is not None:
            raise self._fault
        if not self._complete:
            raise IncompleteMultipart("the answer ended before its closing boundary")

    def _step(self, parts: list[Part]) -> bool:
        """Get past the next headers or body; False if more bytes are needed for that."""
        return self._read_headers() if self._in_headers else self._read_body(parts)

    def _read_headers(self) -> bool:
        # The buffer starts with the line end of the boundary: a part may have no header lines.
        end = self._buffer.find(b"\r\n\r\n", 0, HEADERS_LIMIT + 6)
        if end < 0:
            if len(self._buffer) >= HEADERS_LIMIT + 6:
                raise MalformedPart(f"the header lines of a part exceed {HEADERS_LIMIT} bytes")
            return False
        self._date = _date_of(bytes(self._buffer[2:end]))
        # One line end stays: in an empty body it is the one that belongs to the next boundary.
        del self._buffer[: end + 2]
        self._in_headers = False
        self._scanned = 0
        return True

    def _read_body(self, parts: list[Part]) -> bool:
        start = self._buffer.find(self._delimiter, self._scanned)
        if start < 0:
            self._keep_from(max(self._scanned, len(self._buffer) - len(self._delimiter) + 1))
            return False
        after = start + len(self._delimiter)
        end = self._line_end(after)
        if end is None:
            self._keep_from(start)
            return False
        if end < 0:
            self._scanned = after - 1
            return True
        self._finish_part(parts, start)
        del self._buffer[:end]
        self._in_headers = True
        return True

    def _line_end(self, after: int) -> int | None:
        """Find where the line of a delimiter ends: None if not yet known, -1 if it is none."""
        rest = bytes(self._buffer[after : after + _PADDING_LIMIT + 2])
        if rest.startswith(b"--"):
            self._complete = True
            return after + 2
        line = rest.lstrip(b" \t")
        if line.startswith(b"\r\n"):
            return after + len(rest) - len(line)
        undecided = line in (b"", b"\r") and len(rest) < _PADDING_LIMIT + 2
        return None if undecided or rest == b"-" else -1

    def _finish_part(self, parts: list[Part], end: int) -> None:
        if self._in_preamble:
            self._in_preamble = False
        elif self._dropped or end - 2 > self._part_limit:
            parts.append(Part(b"", self._date))
        else:
            parts.append(Part(bytes(memoryview(self._buffer)[2:end]), self._date))
        self._dropped = False

    def _keep_from(self, place: int) -> None:
        """Remember that the search goes on at that place; let go of a body that got too long."""
        if self._in_preamble or self._dropped or place - 2 > self._part_limit:
            del self._buffer[:place]
            self._dropped = True
            place = 0
        self._scanned = place


def _boundary_of(content_type: str) -> bytes:
    match = _CONTENT_TYPE.fullmatch(content_type.strip()) if len(content_type) <= 1000 else None
    if match is None:
        raise NotMultipart("the answer's content type is not multipart/mixed")
    found = _BOUNDARY.search(match[1])
    text = (found[1] or found[2] or "") if found is not None else ""
    if _BOUNDARY_TEXT.fullmatch(text) is None:
        raise NotMultipart("the answer's content type has no usable boundary")
    return text.encode("ascii")


def _date_of(headers: bytes) -> str | None:
    date = None
    for line in headers.split(b"\r\n") if headers else ():
        name, colon, value = line.partition(b":")
        if not colon:
            raise MalformedPart("a header line of a part has no colon")
        if date is None and name.lower() == b"date":
            date = value.strip(b" \t").decode("latin-1")
    return date


def new_boundary() -> str:
    """Make up a boundary that no message holds: a random UUID, as the deployed server's are."""
    return str(uuid.uuid4())


def content_type(boundary: str) -> str:
    """Give the ``Content-Type`` of an answer with that boundary."""
    return f'multipart/mixed; boundary="{boundary}"'


def encode_part(boundary: str, body: bytes, date: str) -> bytes:
    """Write one message as a part, with the date (an HTTP or RFC 5322 text) when it arrived."""
    head = f"--{boundary}\r\nContent-Type: application/octet-stream\r\nDate: {date}\r\n\r\n"
    return head.encode("ascii") + body + b"\r\n"


def closing_boundary(boundary: str) -> bytes:
    """Give the closing boundary, after the last part."""
    return f"--{boundary}--\r\n".encode("ascii")
