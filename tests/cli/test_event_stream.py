"""Following the daemon's events over connections that break."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import define, field

from qabel.cli.api_client import ApiClient
from qabel.cli.daemon_address import DaemonAddress
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.event_stream import FIRST_PAUSE, LONGEST_PAUSE, EventStream
from qabel.cli.sse import MAX_LINE, Event
from tests.cli.prepared_server import PreparedServer, prepared_server, problem_response

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

NOTHING = b""
"""The response of a server that hangs up without one."""


def event(number: int) -> bytes:
    """Return an event as it is sent."""
    return b"id: db.%d\nevent: drop\ndata: {}\n\n" % number


class SleptEnoughError(Exception):
    """Ends a stream that would go on forever."""


@define(eq=False)
class Following:
    """A stream of events, and what it did."""

    server: PreparedServer
    stream: EventStream = field(init=False)
    pauses: list[float] = field(factory=list)
    losses: list[str] = field(factory=list)
    gaps: list[str] = field(factory=list)
    most_pauses: int = 20

    def begin(
        self, path: Path, cursor: str | None, *, is_given: bool = False
    ) -> Iterator[Event | None]:
        """Follow the events after a cursor, which may be the user's."""
        client = ApiClient(DaemonAddress(path), None)
        self.stream = EventStream(
            client,
            ("drop", "outbox"),
            cursor,
            self.losses.append,
            self.gaps.append,
            is_given=is_given,
            sleep=self.sleep,
        )
        return self.stream.events()

    def sleep(self, seconds: float) -> None:
        """Take note of a pause."""
        self.pauses.append(seconds)
        if len(self.pauses) == self.most_pauses:
            raise SleptEnoughError

    def cursors(self) -> list[str]:
        """Return the cursors that were sent, one a connection."""
        name = "Last-Event-ID: "
        return [
            next((line[len(name) :] for line in head.splitlines() if line.startswith(name)), "")
            for head in self.server.requests
        ]


@contextmanager
def following(
    path: Path, *responses: bytes, cursor: str | None = None, is_given: bool = False
) -> Iterator[tuple[Following, Iterator[Event | None]]]:
    """Follow the events of a server that sends these responses, and then hangs up on everybody."""
    left = iter(responses)
    with prepared_server(path / "rest.sock", lambda _: next(left, NOTHING)) as server:
        made = Following(server)
        events = made.begin(path / "rest.sock", cursor, is_given=is_given)
        yield made, events
        events.close()  # type: ignore[attr-defined]


def test_endless_events_end_the_command(tmp_path: Path) -> None:
    """A server whose event does not end is not asked again: it is no daemon."""
    endless = HEAD + event(1) + b"data: " + b"x" * (MAX_LINE + 1)
    with following(tmp_path, endless) as (_, events):
        assert next_event(events).id == "db.1"
        with pytest.raises(CommandError, match="cannot be read") as raised:
            list(events)
    assert raised.value.exit_status == ExitStatus.FAILURE


def next_event(events: Iterator[Event | None]) -> Event:
    """Return the next event."""
    return next(each for each in events if each is not None)


def test_a_connection_that_breaks(tmp_path: Path) -> None:
    """It reconnects from the last event that arrived completely: none is missing, none comes twice.

    The loss is reported once.
    """
    cut_off = HEAD + b"id: db.1\n\n" + event(2) + event(3)[:-5]
    with following(tmp_path, cut_off, HEAD + event(3), cursor="db.0") as (made, events):
        assert [next_event(events).id for _ in range(2)] == ["db.2", "db.3"]
        assert made.cursors() == ["db.0", "db.2"]
        assert made.pauses == [FIRST_PAUSE]
        assert len(made.losses) == 1
        assert made.server.targets[0] == "/events?kinds=drop%2Coutbox"


def test_the_cursor_at_the_start(tmp_path: Path) -> None:
    """The cursor that the stream starts from is known before the first event."""
    with following(tmp_path, HEAD + b"id: db.7\n\n", NOTHING, HEAD + event(8)) as (made, events):
        assert next(events) is None
        assert made.stream.cursor == "db.7"
        assert next_event(events).id == "db.8"
        assert made.cursors() == ["", "db.7", "db.7"]


def test_pauses(tmp_path: Path) -> None:
    """Each pause is twice the last one, up to a limit; after an event they are short again."""
    responses = [HEAD + event(1), *[NOTHING] * 9, HEAD + event(2)]
    with following(tmp_path, *responses) as (made, events):
        assert [next_event(events).id for _ in range(2)] == ["db.1", "db.2"]
        growing = [FIRST_PAUSE * 2**each for each in range(6)]
        assert made.pauses == [*growing, *[LONGEST_PAUSE] * 4]
        assert len(made.losses) == 1
        with pytest.raises(SleptEnoughError):
            next_event(events)
        assert made.pauses[10:13] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
        assert len(made.losses) == 2


def test_no_daemon_at_first(tmp_path: Path) -> None:
    """A daemon that is unreachable from the start is an error; nothing is tried again."""
    with following(tmp_path, NOTHING) as (made, events):
        with pytest.raises(CommandError) as caught:
            next(events)
        assert caught.value.exit_status == ExitStatus.UNREACHABLE
        assert (made.pauses, made.losses) == ([], [])


@pytest.mark.parametrize("before", [[], [HEAD + event(1)]])
def test_a_rejection(tmp_path: Path, before: list[bytes]) -> None:
    """A rejected request is an error, at first and after a connection was lost."""
    gone = problem_response(410, detail="Gone.")
    with following(tmp_path, *before, gone, cursor="other.1") as (made, events):
        with pytest.raises(CommandError) as caught:
            list(events)
        assert caught.value.http_status == 410
        assert len(made.pauses) == len(before)


def test_a_restored_database(tmp_path: Path) -> None:
    """Where the cursor is not known any more, it says so and starts again from the oldest one."""
    gone = problem_response(410, detail="Not known here.", oldest="0")
    for before, cursor in (([], "lost.7"), ([HEAD + event(7)], None)):
        path = tmp_path / str(len(before))
        path.mkdir()
        with following(path, *before, gone, HEAD + event(1), cursor=cursor) as (made, events):
            for _ in before:
                next_event(events)
            assert next_event(events).id == "db.1"
            assert made.cursors()[-1] == "0"
            assert len(made.gaps) == 1
            assert made.gaps[0].startswith("Not known here.")


def test_a_cursor_that_the_user_gave(tmp_path: Path) -> None:
    """A cursor from the command line that is not known is an error: it may be a mistake."""
    gone = problem_response(410, detail="Not known here.", oldest="0")
    with following(tmp_path, gone, cursor="lost.7", is_given=True) as (made, events):
        with pytest.raises(CommandError, match="Not known here"):
            list(events)
        assert made.gaps == []


def test_a_daemon_that_knows_no_cursor(tmp_path: Path) -> None:
    """A daemon that rejects the oldest cursor, which it named itself, is not asked for ever."""
    gone = problem_response(410, detail="Not known here.", oldest="0")
    with following(tmp_path, gone, gone, gone, cursor="lost.7") as (made, events):
        with pytest.raises(CommandError, match="Not known here"):
            list(events)
        assert len(made.server.requests) == 2
