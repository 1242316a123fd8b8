"""Since when there is trouble, and the two lines in the log that each makes."""

from collections.abc import Iterator

import pytest
from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from qabel.core.status.trouble_history import MOST_LINES, QUIET, TroubleHistory
from qabel.core.status.troubles import Trouble, TroubleKind

SERVER = "https://drop.example"
OTHER = "https://other.example"


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """Return the lines that are logged."""
    logged: list[str] = []

    def observe(event: LogEvent) -> None:
        logged.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    yield logged
    globalLogPublisher.removeObserver(observe)


def failing(server: str = SERVER, times: int = 1) -> Trouble:
    """Return the trouble of a server that fails."""
    what = f"Reading from {server} failed {times} times in a row."
    return Trouble(TroubleKind.SERVER_FAILING, what, server)


def test_a_trouble_is_logged_when_it_begins_and_when_it_is_over(lines: list[str]) -> None:
    """However often it is noted, and however its text changes, there are two lines."""
    clock = Clock()
    history = TroubleHistory(clock.seconds)
    for times in range(1, 100):
        history.note([failing(times=times)])
        clock.advance(1)
    history.note([])
    history.note([])
    assert lines == [
        f"Trouble: Reading from {SERVER} failed 1 times in a row.",
        f"Over after 99 s: Reading from {SERVER} failed 1 times in a row.",
    ]


def test_a_server_in_several_kinds_of_trouble_is_logged_once(lines: list[str]) -> None:
    """A server that fails, cannot be sent to, and becomes stale is one story, with one end."""
    clock = Clock()
    history = TroubleHistory(clock.seconds)
    stale = Trouble(TroubleKind.SERVER_STALE, "It could not be read for 15 min.", SERVER)
    sending = Trouble(TroubleKind.SENDING_FAILING, "Sending failed.", SERVER)
    for found in ([failing()], [failing(), sending], [stale, sending], [sending], []):
        history.note(found)
        clock.advance(10)
    assert [line.split(":")[0] for line in lines] == ["Trouble", "Over after 40 s"]


def test_each_subject_is_logged_by_itself(lines: list[str]) -> None:
    """Two servers have two lines; what a text has in braces is no part of the format."""
    history = TroubleHistory(Clock().seconds)
    history.note([failing(), failing(OTHER), Trouble(TroubleKind.STORE, "Odd {text}.")])
    assert len(lines) == 3
    assert lines[-1] == "Trouble: Odd {text}."


def test_since_when() -> None:
    """The time is that of the first look of those that found it without a gap."""
    clock = Clock()
    history = TroubleHistory(clock.seconds)
    clock.advance(5)
    history.note([failing()])
    clock.advance(5)
    history.note([failing(times=2), failing(OTHER)])
    assert history.since(failing(times=2)) == 5
    assert history.since(failing(OTHER)) == 10
    history.note([])
    clock.advance(5)
    history.note([failing()])
    assert history.since(failing()) == 15


def test_a_trouble_that_comes_and_goes(lines: list[str]) -> None:
    """It is logged three times, then as one, until it has been gone for five minutes."""
    clock = Clock()
    history = TroubleHistory(clock.seconds)
    for _ in range(500):
        history.note([failing()])
        clock.advance(2)
        history.note([])
        clock.advance(2)
    begin = f"Trouble: Reading from {SERVER} failed 1 times in a row."
    over = f"Over after 2 s: {begin.removeprefix('Trouble: ')}"
    flapping = f"{begin} It comes and goes; further times are not logged."
    assert lines == [begin, over, begin, over, flapping]
    clock.advance(QUIET)
    history.note([])
    assert lines[5:] == [f"Over after 33 min: {begin.removeprefix('Trouble: ')}"]
    history.note([failing()])
    assert lines[6:] == [begin]


def test_troubles_that_are_far_apart(lines: list[str]) -> None:
    """Each time is logged if there were five minutes in between."""
    clock = Clock()
    history = TroubleHistory(clock.seconds)
    for _ in range(5):
        history.note([failing()])
        clock.advance(2)
        history.note([])
        clock.advance(QUIET)
        history.note([])
    assert [line.split(":")[0] for line in lines] == ["Trouble", "Over after 2 s"] * 5


def test_very_many_servers(lines: list[str]) -> None:
    """Of a thousand at once some are logged, each with its end, and how many were left out."""
    clock = Clock()
    history = TroubleHistory(clock.seconds)
    servers = [failing(f"https://{number}.example") for number in range(1000)]
    history.note(servers)
    assert len(lines) == MOST_LINES
    clock.advance(61)
    history.note([*servers, failing()])
    assert lines[MOST_LINES:] == [
        f"Trouble: Reading from {SERVER} failed 1 times in a row. (similar lines left out: 980)"
    ]
    history.note([])
    assert len(lines) == 2 * (MOST_LINES + 1)
