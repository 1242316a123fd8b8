"""Server-sent events, parsed from bytes as they arrive."""

from collections.abc import Iterator

from attrs import define, field, frozen

MAX_LINE = 16 * 1024 * 1024
"""Bytes of a line; the daemon's events are much shorter."""


@frozen
class Event:
    """One event: its kind, its text, and the id (the cursor) to continue after it."""

    kind: str
    data: str = field(repr=False)
    id: str


@define
class EventReader:
    """Splits a stream of bytes into events; a piece may end anywhere."""

    last_id: str = ""
    """The id of the newest event that arrived completely."""
    _rest: bytes = field(default=b"", repr=False)
    _kind: str = ""
    _id: str = ""
    _data: list[str] = field(factory=list, repr=False)

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Yield the events that a piece completes. Raises ValueError for an endless line."""
        # A CR may be the first half of CR LF, so it is left until the next piece.
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > MAX_LINE:
            raise ValueError(f"a line of the event stream is longer than {MAX_LINE} bytes")
        for line in lines:
            event = self._line(line.removesuffix(b"\r").decode("utf-8", "replace"))
            if event is not None:
                yield event

    def _line(self, line: str) -> Event | None:
        if not line:
            return self._complete()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._kind = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
        return None

    def _complete(self) -> Event | None:
        kind, data = self._kind or "message", self._data
        self._kind, self._data = "", []
        if self._id:
            self.last_id = self._id
        return Event(kind, "\n".join(data), self.last_id) if data else None
