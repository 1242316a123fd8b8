"""Logging in JSON, one object per line, for programs that collect logs.

Nothing here knows Qabel.
"""

import json
from datetime import UTC, datetime
from typing import IO, Any

from twisted.logger import FileLogObserver, LogEvent, LogLevel, eventAsText


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
