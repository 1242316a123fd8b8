"""The log as people read it: no details of the framework, and short lines in a terminal.

Nothing here knows Qabel.
"""

from datetime import datetime
from typing import IO, Any

from attrs import frozen
from twisted.logger import (
    FileLogObserver,
    ILogObserver,
    LogEvent,
    LogLevel,
    eventAsText,
)
from zope.interface import implementer

_LABELS = {
    LogLevel.warn: ("warning: ", "33"),
    LogLevel.error: ("error: ", "31"),
    LogLevel.critical: ("error: ", "31"),
}
"""What a line begins with, and the number of its colour, by level."""

_TIME_COLOR = "2"

_DETAILS = ("twisted", "log_legacy")
"""Namespaces whose lines that only inform are about details of the framework."""


def terminal_lines(stream: IO[Any], *, color: bool) -> FileLogObserver:
    """Return an observer that writes events for people.

    Args:
        stream: where to write.
        color: whether the stream shows colours.

    """

    def paint(text: str, number: str) -> str:
        return f"\x1b[{number}m{text}\x1b[0m" if color and text else text

    def line(event: LogEvent) -> str:
        level = event.get("log_level", LogLevel.info)
        label, number = _LABELS.get(level, ("", ""))
        text = eventAsText(event, includeTimestamp=False, includeSystem=False)
        if not text:
            return ""
        shown = _visible(text.rstrip("\n")).replace("\n", "\n         ")
        # Local time, as on the clock beside the terminal.
        time = datetime.fromtimestamp(event["log_time"]).strftime("%H:%M:%S")  # noqa: DTZ006
        body = paint(label, number) + shown if number else shown
        return f"{paint(time, _TIME_COLOR)} {body}\n"

    return FileLogObserver(stream, line)


@implementer(ILogObserver)
@frozen(eq=False)
class WithoutDetails:
    """Passes events on to another observer, but for those about details of the framework."""

    _observer: ILogObserver

    def __call__(self, event: LogEvent) -> None:
        """Observe one event."""
        is_detail = str(event.get("log_namespace", "")).partition(".")[0] in _DETAILS
        informs = event.get("log_level", LogLevel.info) not in _LABELS
        is_error = event.get("isError") or "log_failure" in event
        if not (is_detail and informs and not is_error):
            self._observer(event)


def _visible(text: str) -> str:
    """Return a text without what could control the terminal."""
    return "".join(
        each if each == "\n" or each.isprintable() else each.encode("unicode_escape").decode()
        for each in text
    )
