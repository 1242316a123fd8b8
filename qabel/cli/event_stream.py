"""The daemon's events from a cursor on, over as many connections as it takes."""

import http.client
import time
from collections.abc import Callable, Iterator

from attrs import define

from qabel.cli.api_client import ApiClient
from qabel.cli.api_errors import unreadable_events
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.sse import Event, EventReader

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
"""Seconds between attempts to reconnect: each pause is twice the last one."""

READ_SIZE = 65536

GONE = 410
"""The status of a response to a cursor that the daemon cannot continue from."""


@define
class EventStream:
    """Reads events, and reconnects whenever the connection is lost."""

    client: ApiClient
    kinds: tuple[str, ...]
    cursor: str | None
    """The cursor of the newest event that was returned; None before the first response."""
    on_loss: Callable[[str], None]
    on_gap: Callable[[str], None]
    """Called with a text when events may be missing, or come again."""
    on_open: Callable[[], None] = lambda: None
    """Called whenever a connection is open."""
    is_given: bool = False
    """Whether the user gave the cursor: then a daemon that does not know it is an error."""
    sleep: Callable[[float], None] = time.sleep

    def events(self) -> Iterator[Event | None]:
        """Yield events as they arrive, and None from time to time while there are none.

        If the daemon cannot continue from the cursor, because its database was restored or events
        were deleted, it continues from the oldest cursor instead, and reports that.

        Raises CommandError if the daemon rejects the request, or is unreachable at first.
        """
        pause, connected = FIRST_PAUSE, False
        while True:
            try:
                for event in self._one_connection():
                    connected, pause = True, FIRST_PAUSE
                    yield event
            except CommandError as error:
                if (connected or not self.is_given) and self._starts_again(error):
                    continue
                if error.exit_status != ExitStatus.UNREACHABLE or not connected:
                    raise
            if pause == FIRST_PAUSE:
                self.on_loss("Connection lost. Reconnecting until the daemon is back.")
            self.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _starts_again(self, error: CommandError) -> bool:
        """Return whether to start again from the oldest cursor, as this error says."""
        oldest = error.problem.get("oldest")
        if error.http_status != GONE or not isinstance(oldest, str) or oldest == self.cursor:
            return False
        self.cursor = oldest
        self.on_gap(f"{error.message} Continuing from the oldest cursor ({oldest}).")
        return True

    def _one_connection(self) -> Iterator[Event | None]:
        """Yield events until the connection ends; the first is None, as soon as it is open."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
        if self.cursor is not None:
            headers["Last-Event-ID"] = self.cursor
        response = self.client.stream("/events", {"kinds": ",".join(self.kinds)}, headers)
        reader = EventReader(self.cursor or "")
        self.on_open()
        with response:
            while piece := _read(response):
                for event in self._parse(reader, piece):
                    self.cursor = event.id
                    yield event
                # The stream begins with the cursor that it starts from.
                self.cursor = reader.last_id or self.cursor
                yield None

    def _parse(self, reader: EventReader, piece: bytes) -> Iterator[Event]:
        try:
            yield from reader.feed(piece)
        except ValueError:
            raise unreadable_events(self.client.address) from None


def _read(response: http.client.HTTPResponse) -> bytes:
    """Return what has arrived, at least one byte; nothing once the connection has ended."""
    try:
        return response.read1(READ_SIZE)
    except (OSError, http.client.HTTPException):
        return b""
