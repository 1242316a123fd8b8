"""A drop server's response to GET: ``multipart/mixed`` with one part for each message.

The bytes are those of the deployed server: CRLF line ends, ``Content-Type`` and ``Date`` in each
part, the message raw (Qabel-Protocol-Drop, "Receiving"; RFC 2046, section 5.1).
"""

import re
import uuid
from typing import Final

import attrs

PART_END = b"\r\n"
"""What stands after a message in its part."""

HEADERS_LIMIT = 4096
"""Bytes that the header lines of a part may have."""

_PADDING_LIMIT = 64  # spaces and tabs between a boundary and its line end

_CONTENT_TYPE = re.compile(
    r"multipart/mixed\s*((?:;[^;\"]*(?:\"[^\"]*\"[^;\"]*)?)*)", re.IGNORECASE
)
_BOUNDARY = re.compile(r";\s*boundary=(?:\"([^\"]*)\"|([^\s;\"]+))\s*(?:;|$)", re.IGNORECASE)
_BOUNDARY_TEXT = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")


class MultipartError(ValueError):
    """The response is not what a drop server sends."""


class NotMultipart(MultipartError):
    """The content type is not ``multipart/mixed`` with a usable boundary."""


class MalformedPart(MultipartError):
    """The header lines of a part are too long or malformed."""


class IncompleteMultipart(MultipartError):
    """The response ended before its closing boundary: parts may be missing."""


@attrs.frozen
class Part:
    """One part: its raw ``body``, and its ``Date`` header as it was received, if there was one.

    The body of a part over the size limit is empty: it was discarded while it arrived.
    """

    body: bytes = attrs.field(repr=False)
    date: str | None = None


class MultipartParser:
    """Parses a multipart response fed in arbitrary pieces, part by part.

    It never buffers more than one part of ``part_limit`` bytes, its headers, and the piece just
    fed. An error in the middle does not lose the complete parts before it: ``feed`` returns these,
    and the *next* call raises.

    Args:
        content_type: the ``Content-Type`` header of the response; NotMultipart is raised for one
            that is not ``multipart/mixed`` with a boundary.
        part_limit: bytes that the body of a part may have.

    """

    def __init__(self, content_type: str, *, part_limit: int = 16384) -> None:
        self._delimiter: Final = b"\r\n--" + _parse_boundary(content_type)
        self._part_limit: Final = part_limit
        # The preamble is handled as a part to discard. A line end belongs to the boundary after it,
        # and the first boundary may have no line end before it.
        self._buffer = bytearray(b"\r\n")
        self._in_headers = False
        self._in_preamble = True
        self._scanned = 0  # no delimiter starts before this offset in the buffer
        self._dropped = False  # the front of the current body was discarded
        self._date: str | None = None
        self._error: MultipartError | None = None
        self._complete = False

    @property
    def complete(self) -> bool:
        """Whether the closing boundary has arrived; anything after it is ignored."""
        return self._complete

    def feed(self, data: bytes) -> list[Part]:
        """Process the next bytes and return the parts they complete, oldest first.

        Raises MultipartError for an error in the bytes fed *before*.
        """
        if self._error is not None:
            raise self._error
        if self._complete:
            return []
        self._buffer += data
        parts: list[Part] = []
        try:
            while not self._complete and self._step(parts):
                pass
        except MultipartError as error:
            self._error = error
        if self._complete or self._error is not None:
            self._buffer.clear()
        return parts

    def finish(self) -> None:
        """Mark the end of the response. Raises IncompleteMultipart, or the error found before."""
        if self._error is not None:
            raise self._error
        if not self._complete:
            raise IncompleteMultipart("the response ended before its closing boundary")

    def _step(self, parts: list[Part]) -> bool:
        """Consume the next headers or body; return False if that needs more bytes."""
        return self._read_headers() if self._in_headers else self._read_body(parts)

    def _read_headers(self) -> bool:
        # The buffer starts with the line end of the boundary, as a part may have no header lines.
        end = self._buffer.find(b"\r\n\r\n", 0, HEADERS_LIMIT + 6)
        if end < 0:
            if len(self._buffer) >= HEADERS_LIMIT + 6:
                raise MalformedPart(f"the headers of a part exceed {HEADERS_LIMIT} bytes")
            return False
        self._date = _parse_date(bytes(self._buffer[2:end]))
        # One line end stays: in an empty body it belongs to the next boundary.
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
        """Find the end of a delimiter's line: None if not known yet, -1 if it is no delimiter."""
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

    def _keep_from(self, offset: int) -> None:
        """Continue the search at ``offset`` next time; discard a body that got too long."""
        if self._in_preamble or self._dropped or offset - 2 > self._part_limit:
            del self._buffer[:offset]
            self._dropped = True
            offset = 0
        self._scanned = offset


def _parse_boundary(content_type: str) -> bytes:
    match = _CONTENT_TYPE.fullmatch(content_type.strip()) if len(content_type) <= 1000 else None
    if match is None:
        raise NotMultipart("the content type is not multipart/mixed")
    found = _BOUNDARY.search(match[1])
    text = (found[1] or found[2] or "") if found is not None else ""
    if _BOUNDARY_TEXT.fullmatch(text) is None:
        raise NotMultipart("the content type has no valid boundary")
    return text.encode("ascii")


def _parse_date(headers: bytes) -> str | None:
    date = None
    for line in headers.split(b"\r\n") if headers else ():
        name, colon, value = line.partition(b":")
        if not colon:
            raise MalformedPart("a header of a part has no colon")
        if date is None and name.lower() == b"date":
            date = value.strip(b" \t").decode("latin-1")
    return date


def new_boundary() -> str:
    """Generate a boundary that occurs in no message: a random UUID, as in the deployed server."""
    return str(uuid.uuid4())


def content_type(boundary: str) -> str:
    """Return the ``Content-Type`` of a response with that boundary."""
    return f'multipart/mixed; boundary="{boundary}"'


def encode_part(boundary: str, body: bytes, date: str) -> bytes:
    """Encode a message as a part; ``date``, when it arrived, is in the form of RFC 5322."""
    return part_head(boundary, date) + body + PART_END


def part_head(boundary: str, date: str) -> bytes:
    """Return what stands before a message in its part; see ``encode_part``."""
    head = f"--{boundary}\r\nContent-Type: application/octet-stream\r\nDate: {date}\r\n\r\n"
    return head.encode("ascii")


def closing_boundary(boundary: str) -> bytes:
    """Return the closing boundary, which follows the last part."""
    return f"--{boundary}--\r\n".encode("ascii")
