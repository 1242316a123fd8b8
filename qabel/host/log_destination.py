"""Where a daemon logs: to a file that can be opened anew and rotated, or to a standard stream.

Nothing here knows Qabel.
"""

import signal
import sys
from io import RawIOBase
from pathlib import Path
from typing import Any

import attrs
from twisted.logger import FileLogObserver, ILogObserver, Logger, textFileLogObserver
from twisted.python import usage
from twisted.python.logfile import LogFile

from qabel.host.json_logs import json_lines
from qabel.host.standard_streams import wants_color
from qabel.host.terminal_log import WithoutDetails, terminal_lines

_log = Logger()


@attrs.define(eq=False)
class AppendedFile:
    """A log file that other programs rotate. It may be a device, or shared by processes.

    Raises OSError if it cannot be opened.
    """

    path: str
    _file: RawIOBase = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        # Appending makes a truncated file begin at its start, as with logrotate's copytruncate.
        self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115 - as long as the process

    def write(self, text: str) -> None:
        """Write a text. Raises OSError."""
        self._file.write(text.encode("utf-8", "backslashreplace"))

    def reopen(self) -> None:
        """Open the file anew. Raises OSError, and the file that is open stays in use."""
        file = open(self.path, "ab", buffering=0)  # noqa: SIM115 - as above
        self._file, old = file, self._file
        old.close()


@attrs.define(eq=False)
class _LogStream:
    """The stream of a log; what cannot be written is lost, and remembered."""

    file: Any
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
        """Do nothing: a file has no buffer, and standard error one for a line."""


@attrs.define(eq=False)
class LogDestination:
    """The file or stream for the log.

    Under ``twistd`` it is the one where that would have logged. In the foreground it is a file that
    other programs rotate, or standard error, with lines for people if that is a terminal.
    """

    file: str | None = attrs.field(default=None, init=False)
    """A path; None for a standard stream."""
    as_json: bool = attrs.field(default=False, init=False)
    is_foreground: bool = attrs.field(default=False, init=False)
    """Whether the daemon is a command of its own, without twistd."""
    _stream: _LogStream | None = attrs.field(default=None, init=False)

    def __call__(self) -> ILogObserver:
        """Return the observer; twistd calls this when it begins to log. Raises OSError."""
        if self.is_foreground:
            return WithoutDetails(self._foreground_observer())
        stream: Any = sys.stdout
        if self.file is not None:
            stream = self._stream = _LogStream(LogFile.fromFullPath(self.file))
        return json_lines(stream) if self.as_json else textFileLogObserver(stream)

    def _foreground_observer(self) -> FileLogObserver:
        own = _LogStream(sys.stderr if self.file is None else AppendedFile(self.file))
        if self.file is not None:
            self._stream = own
        stream: Any = own
        if self.as_json:
            return json_lines(stream)
        if self.file is None and sys.stderr.isatty():
            return terminal_lines(stream, color=wants_color(sys.stderr))
        return textFileLogObserver(stream)

    def log_in_foreground(self, file: str | None, *, as_json: bool) -> None:
        """Choose where a daemon without twistd logs.

        Args:
            file: a path; None or ``-`` for standard error.
            as_json: whether to log in JSON.

        """
        self.is_foreground, self.as_json = True, as_json
        self.file = None if file in (None, "-") else str(Path(file or "").expanduser().absolute())

    @property
    def is_standard_error(self) -> bool:
        """Whether the log goes to standard error."""
        return self.is_foreground and self.file is None

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
        if self._stream is None:
            _log.info("There is no log file to open anew (SIGHUP).")
            return
        self._change(self._stream.file.reopen)
        if self._stream.error is None:
            _log.info("The log file was opened anew.")
        else:
            _log.warn("The log file cannot be opened anew: {why}", why=self._stream.error)

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
            self._stream.error = None
        except OSError as error:
            self._stream.error = error.strerror or str(error)


DESTINATION = LogDestination()
"""The one of this process. twistd is given its name, and imports it by that."""


def choose_destination(twistd: usage.Options, own_file: str | None, *, as_json: bool) -> None:
    """Make twistd log to ``DESTINATION``, unless it has a logger of another kind.

    Call this while a plugin's options are parsed. Without a file, and without JSON, twistd's own
    way to log is left alone.

    Args:
        twistd: the options of twistd itself.
        own_file: a file from the plugin's options, in place of twistd's.
        as_json: whether to log in JSON.

    """
    DESTINATION.as_json, DESTINATION.file = as_json, None
    if twistd.get("syslog") or twistd.get("logger"):
        return
    name = own_file or twistd["logfile"] or ("-" if twistd["nodaemon"] else "twistd.log")
    if name != "-":
        DESTINATION.file = name
    if as_json or name != "-":
        twistd["logger"] = f"{__name__}.DESTINATION"


def rotate_on_signal(reactor: Any) -> None:
    """Under twistd, rotate the log on SIGUSR1, as it does for the files that it opens itself."""
    number = getattr(signal, "SIGUSR1", None)
    is_ours = DESTINATION.is_file and not DESTINATION.is_foreground
    if number is not None and is_ours and not signal.getsignal(number):
        signal.signal(number, lambda *_: reactor.callFromThread(DESTINATION.rotate))
