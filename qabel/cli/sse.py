"""Server-sent events, read from bytes as they come."""

from collections.abc import Iterator

from attrs import define, field, frozen

MAX_LINE = 16 * 1024 * 1024
"""Bytes of a line; no event of the daemon comes near."""


@frozen
class Event:
    """One event: its kind, its text, and the id by which a reader resumes after it."""

    kind: str
    data: str = field(repr=False)
    id: str


@define
class EventReader:
    """Cuts a stream of bytes into events; a piece may end anywhere."""

    last_id: str = ""
    """The id of the newest event that came in whole."""
    _rest: bytes = field(default=b"", repr=False)
    _kind: str = ""
    _id: str = ""
    _data: list[str] = field(factory=list, repr=False)

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Take a piece, and give the events that it completes."""
        # A CR may be half of a CR LF: it waits for what follows.
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > MAX_LINE:
            raise ValueError("a line of the stream has no end")
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
