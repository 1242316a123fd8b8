"""The log on a terminal: short lines of plain text, whatever is in an event."""

import io

import pytest
from twisted.logger import LogEvent, Logger, LogPublisher
from twisted.python.failure import Failure

from qabel.host.terminal_log import WithoutDetails, terminal_lines


def written(*, color: bool = False, level: str = "info") -> str:
    """Return what becomes of a line, without its time."""
    stream = io.StringIO()
    log = Logger("qabel", observer=LogPublisher(terminal_lines(stream, color=color)))
    getattr(log, level)("said {what}", what="it")
    return stream.getvalue().partition(" ")[2]


def test_a_line_is_the_time_and_the_text() -> None:
    """What only informs is the time of day and the text; anything else says what it is."""
    assert written() == "said it\n"
    assert written(level="warn") == "warning: said it\n"
    assert written(level="critical") == "error: said it\n"


def test_colors() -> None:
    """With colours, the word that says what a line is stands out."""
    assert written(level="error", color=True) == "\x1b[31merror: \x1b[0msaid it\n"
    assert written(color=True) == "said it\n"


@pytest.mark.parametrize("namespace", ["twisted.internet.base", "log_legacy"])
def test_details_of_the_framework_are_left_out(namespace: str) -> None:
    """Lines of Twisted are written if they warn, or are about an error."""
    written: list[LogEvent] = []
    log = Logger(namespace, observer=LogPublisher(WithoutDetails(written.append)))
    log.info("details")
    log.warn("warning")
    log.info("old", isError=1)
    Logger("qabel.x", observer=log.observer).info("ours")
    assert [each["log_format"] for each in written] == ["warning", "old", "ours"]


def test_no_text_controls_the_terminal() -> None:
    """Control characters are shown, and the lines of a longer text are indented."""
    stream = io.StringIO()
    log = Logger("qabel", observer=LogPublisher(terminal_lines(stream, color=False)))
    log.info("{text}", text="a\x1b[2J\rb\nc\u202e")
    assert stream.getvalue().partition(" ")[2] == "a\\x1b[2J\\rb\n         c\\u202e\n"


def test_a_failure_has_its_traceback() -> None:
    """An unexpected error can be found from what is shown."""
    stream = io.StringIO()
    log = Logger("qabel", observer=LogPublisher(terminal_lines(stream, color=False)))
    log.failure("it broke", Failure(KeyError("x")))
    assert "error: it broke\n" in stream.getvalue()
    assert "KeyError" in stream.getvalue()
