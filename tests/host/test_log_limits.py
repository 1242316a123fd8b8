"""Limits on the log: what can be provoked at will is counted, not written down again and again."""

import io
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import Logger, LogPublisher, textFileLogObserver
from twisted.python.failure import Failure

from qabel.host import log_limits
from qabel.host.log_limits import (
    MOST_KINDS,
    MOST_LINES,
    MOST_PROBLEMS,
    PERIOD,
    LimitedObserver,
    LogLimits,
    RareLog,
)


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


@pytest.fixture
def file() -> io.StringIO:
    """Return where the log is written."""
    return io.StringIO()


@pytest.fixture
def log(clock: Clock, file: io.StringIO) -> Logger:
    """Return a limited log."""
    observer = LimitedObserver(textFileLogObserver(file), LogLimits(seconds=clock.seconds))
    return Logger("here", observer=LogPublisher(observer))


def lines(file: io.StringIO) -> list[str]:
    """Return the texts that were written, and begin a new page."""
    found = [line.partition("] ")[2] for line in file.getvalue().splitlines()]
    file.truncate(file.seek(0))
    return found


def test_a_flood_becomes_a_few_lines(log: Logger, clock: Clock, file: io.StringIO) -> None:
    """After a few lines only one is written in a minute, which says how many were left out."""
    for number in range(200):
        log.warn("bad message {number}", number=number)
    assert lines(file) == [f"bad message {number}" for number in range(MOST_PROBLEMS)]
    for _ in range(2):
        clock.advance(PERIOD)
        for _ in range(200):
            log.warn("bad message {number}", number=7)
    left = 200 - MOST_PROBLEMS
    assert lines(file) == [
        f"bad message 7 (similar lines left out: {left})",
        "bad message 7 (similar lines left out: 199)",
    ]


def test_when_it_is_over(log: Logger, clock: Clock, file: io.StringIO) -> None:
    """After a quiet minute a few lines are written again."""
    for _ in range(MOST_PROBLEMS + 1):
        log.warn("bad")
    for _ in range(2):
        clock.advance(PERIOD)
        log.warn("bad")
    clock.advance(PERIOD)
    lines(file)
    for _ in range(MOST_PROBLEMS):
        log.warn("bad")
    assert lines(file) == ["bad"] * MOST_PROBLEMS


def test_different_lines_do_not_hide_each_other(log: Logger, file: io.StringIO) -> None:
    """A flood of one kind leaves room for all others; what informs has more room."""
    for _ in range(100):
        log.warn("flood")
        log.info("many")
    log.error("something else")
    found = lines(file)
    assert found.count("flood") == MOST_PROBLEMS
    assert found.count("many") == MOST_LINES
    assert found[-1] == "something else"


def test_errors_differ_by_where_they_were_raised(log: Logger, file: io.StringIO) -> None:
    """The same error again and again is one kind; another one is written with its traceback."""

    def fail(how: Callable[[], Any]) -> None:
        try:
            how()
        except Exception:  # noqa: BLE001 - whatever it is
            log.failure("it failed")

    for _ in range(50):
        fail(lambda: {}["x"])
    fail(lambda: 1 // 0)
    text = file.getvalue()
    assert text.count("KeyError") == MOST_PROBLEMS
    assert text.count("ZeroDivisionError") == 1


def test_kinds_without_number(clock: Clock) -> None:
    """Should texts not be constant, they take neither the memory nor the disk."""
    limits = LogLimits(seconds=clock.seconds)
    events = [{"log_format": f"text {number}"} for number in range(2 * MOST_KINDS)]
    assert sum(limits.admit(each) is not None for each in events) == MOST_KINDS + MOST_LINES
    assert len(limits._kinds) == MOST_KINDS + 1


def test_rare_lines(clock: Clock, file: io.StringIO) -> None:
    """One line of a kind is written in a minute, with the number of the others."""
    rare = RareLog(Logger("here", observer=LogPublisher(textFileLogObserver(file))), clock.seconds)
    for _ in range(200):
        rare.warn("spoofed")
        rare.warn("from {server}", server="x")
    assert lines(file) == ["spoofed", "from x"]
    clock.advance(PERIOD)
    rare.warn("spoofed")
    assert lines(file) == ["spoofed (similar lines left out: 199)"]


def test_the_event_of_others_is_not_changed(clock: Clock) -> None:
    """Only what is written differs: other observers get all of the event."""
    limits = LogLimits(1, clock.seconds)
    event = {"log_format": "x", "log_failure": Failure(KeyError())}
    before = dict(event)
    assert limits.admit(event) is event
    assert limits.admit(event) is None
    clock.advance(PERIOD)
    assert limits.admit(event) == {
        **before,
        "log_format": "x" + log_limits._LEFT_OUT,
        "log_left_out": 1,
    }
    assert event == before


PROCESS = """
import gc, sys
from twisted.internet.defer import fail
from twisted.logger import Logger, globalLogBeginner, textFileLogObserver
from twisted.python import log
from qabel.host.log_limits import limit_logs
limit_logs()
globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.__stdout__)])
for number in range(200):
    try:
        {}["x"]
    except KeyError:
        Logger().failure("new failure")
        log.err(None, "old failure")
    log.msg("old message", number)
    Logger().warn("new warning {number}", number=number)
    fail(ValueError("x"))
    gc.collect(0)
"""


def test_all_logs_of_a_process() -> None:
    """New and old log calls, and Deferreds that nobody looks after, are limited."""
    done = subprocess.run(
        [sys.executable, "-c", PROCESS], capture_output=True, text=True, timeout=60, check=True
    )
    counts = {
        text: done.stdout.count(text)
        for text in ("new failure", "old failure", "old message", "new warning", "ValueError: x")
    }
    assert 0 < min(counts.values()) <= max(counts.values()) <= MOST_LINES, counts
    assert counts["new failure"] == MOST_PROBLEMS
    assert len(done.stdout.encode()) < 15_000
    assert done.stderr == ""
