"""Logs in JSON, for programs that collect logs: an object in each line.

Nothing here knows Qabel.
"""

import json
import sys
from datetime import UTC, datetime
from typing import IO, Any

from twisted.logger import FileLogObserver, LogEvent, LogLevel, eventAsText
from twisted.python import usage
from twisted.python.logfile import LogFile


class Destination:
    """Where a process logs in JSON: where twistd would have logged in plain text."""

    def __init__(self) -> None:
        self.file: str | None = None
        """A path; None for standard output."""

    def __call__(self) -> FileLogObserver:
        """Give the observer: twistd calls this when it begins to log."""
        return json_lines(sys.stdout if self.file is None else LogFile.fromFullPath(self.file))


DESTINATION = Destination()
"""The one of this process. twistd finds what is to log by its name, as it is given."""


def log_json(twistd: usage.Options) -> None:
    """Have twistd log in JSON; for a plugin's options, while those of twistd are being parsed."""
    name = twistd["logfile"] or ("-" if twistd["nodaemon"] else "twistd.log")
    DESTINATION.file = None if name == "-" else name
    twistd["logger"] = f"{__name__}.DESTINATION"


def json_lines(stream: IO[Any]) -> FileLogObserver:
    """Give an observer that writes each event as a JSON object in a line of its own."""
    return FileLogObserver(stream, as_json_line)


def as_json_line(event: LogEvent) -> str:
    """Write what an event says, and nothing else that it holds: that is not meant for logs."""
    text = eventAsText(event, includeTraceback=False, includeTimestamp=False, includeSystem=False)
    failure = event.get("log_failure")
    if not text and failure is None:
        return ""
    told = {
        "time": datetime.fromtimestamp(event["log_time"], UTC).isoformat(timespec="milliseconds"),
        "level": event.get("log_level", LogLevel.info).name,
        "namespace": event.get("log_namespace", ""),
        "text": text,
    }
    if failure is not None:
        told["traceback"] = failure.getTraceback()
    return json.dumps(told) + "\n"
