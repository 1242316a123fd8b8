"""Logging in JSON, one object per line, for programs that collect logs.

Nothing here knows Qabel.
"""

import json
import sys
from datetime import UTC, datetime
from typing import IO, Any

import attrs
from twisted.logger import FileLogObserver, LogEvent, LogLevel, eventAsText
from twisted.python import usage
from twisted.python.logfile import LogFile


@attrs.define(eq=False)
class Destination:
    """The file or stream for JSON logs: the one where twistd would have logged plain text."""

    file: str | None = attrs.field(default=None, init=False)
    """A path; None for standard output."""

    def __call__(self) -> FileLogObserver:
        """Return the observer; twistd calls this when it begins to log."""
        return json_lines(sys.stdout if self.file is None else LogFile.fromFullPath(self.file))


DESTINATION = Destination()
"""The one of this process. twistd is given its name, and imports it by that."""


def log_json(twistd: usage.Options) -> None:
    """Make twistd log in JSON. Call this while a plugin's options are parsed."""
    name = twistd["logfile"] or ("-" if twistd["nodaemon"] else "twistd.log")
    DESTINATION.file = None if name == "-" else name
    twistd["logger"] = f"{__name__}.DESTINATION"


def json_lines(stream: IO[Any]) -> FileLogObserver:
    """Return an observer that writes each event as a JSON object on a line of its own."""
    return FileLogObserver(stream, as_json_line)


def as_json_line(event: LogEvent) -> str:
    """Return an event's text, time and level as JSON; its other values are not meant for logs."""
    text = eventAsText(event, includeTraceback=False, includeTimestamp=False, includeSystem=False)
    failure = event.get("log_failure")
    if not text and failure is None:
        return ""
    record = {
        "time": datetime.fromtimestamp(event["log_time"], UTC).isoformat(timespec="milliseconds"),
        "level": event.get("log_level", LogLevel.info).name,
        "namespace": event.get("log_namespace", ""),
        "text": text,
    }
    if failure is not None:
        record["traceback"] = failure.getTraceback()
    return json.dumps(record) + "\n"
