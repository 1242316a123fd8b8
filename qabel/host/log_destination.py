"""Where a daemon logs: to a file that can be opened anew and rotated, or to standard output.

Nothing here knows Qabel.
"""

import signal
import sys
from typing import Any

import attrs
from twisted.logger import FileLogObserver, textFileLogObserver
from twisted.python import usage
from twisted.python.logfile import LogFile

from qabel.host.json_logs import json_lines


@attrs.define(eq=False)
class _LogStream:
    """The stream of a log file; what cannot be written is lost, and remembered."""

    file: LogFile
    error: str | None = attrs.field(default=None, init=False)

    def write(self, text: str) -> None:
        """Write a text."""
        # What is raised here would be logged, to the same file.
        try:
            self.file.write(text)
        except (OSError, ValueError) as error:
            self.error = getattr(error, "strerror", None) or str(error)
        else:
            self.error = None

    def flush(self) -> None:
        """Do nothing: the file has no buffer."""


@attrs.define(eq=False)
class LogDestination:
    """The file or stream for the log: the one where twistd would have logged."""

    file: str | None = attrs.field(default=None, init=False)
    """A path; None for standard output."""
    as_json: bool = attrs.field(default=False, init=False)
    _stream: _LogStream | None = attrs.field(default=None, init=False)

    def __call__(self) -> FileLogObserver:
        """Return the observer; twistd calls this when it begins to log."""
        stream: Any = sys.stdout
        if self.file is not None:
            stream = self._stream = _LogStream(LogFile.fromFullPath(self.file))
        return json_lines(stream) if self.as_json else textFileLogObserver(stream)

    @property
    def is_file(self) -> bool:
        """Whether the log goes to a file that this daemon has opened."""
        return self._stream is not None

    @property
    def error(self) -> str | None:
        """Why the last line could not be written to the file; None if it was."""
        return None if self._stream is None else self._stream.error

    def reopen(self) -> None:
        """Open the file anew, by its name, after another program has moved it away."""
        if self._stream is not None:
            self._change(self._stream.file.reopen)

    def rotate(self) -> None:
        """Move the file away, and begin a new one."""
        if self._stream is not None:
            self._change(self._stream.file.rotate)

    def _change(self, change: Any) -> None:
        if self._stream is None:
            return
        try:
            # If this fails, the file that is open stays in use.
            with open(self._stream.file.path, "ab"):
                pass
            change()
        except OSError as error:
            self._stream.error = error.strerror or str(error)


DESTINATION = LogDestination()
"""The one of this process. twistd is given its name, and imports it by that."""


def choose_destination(twistd: usage.Options, *, as_json: bool) -> None:
    """Make twistd log to ``DESTINATION``, unless it has a logger of another kind.

    Call this while a plugin's options are parsed. Without a file, and without JSON, twistd's own
    way to log is left alone.

    Args:
        twistd: the options of twistd itself.
        as_json: whether to log in JSON.

    """
    DESTINATION.as_json, DESTINATION.file = as_json, None
    if twistd.get("syslog") or twistd.get("logger"):
        return
    name = twistd["logfile"] or ("-" if twistd["nodaemon"] else "twistd.log")
    if name != "-":
        DESTINATION.file = name
    if as_json or name != "-":
        twistd["logger"] = f"{__name__}.DESTINATION"


def rotate_on_signal(reactor: Any) -> None:
    """Rotate the log on SIGUSR1, as twistd does for the files that it opens itself."""
    number = getattr(signal, "SIGUSR1", None)
    if number is not None and DESTINATION.is_file and not signal.getsignal(number):
        signal.signal(number, lambda *_: reactor.callFromThread(DESTINATION.rotate))
