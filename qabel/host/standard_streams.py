"""The standard streams of a process: there, and with colours where these are wanted.

Nothing here knows Qabel.
"""

import os
import sys
from typing import TextIO


def open_missing_streams() -> None:
    """Open the null device as each standard stream that the parent process has closed.

    Otherwise a file that is opened later, such as a database, would take the stream's descriptor,
    and get what is written to the stream.
    """
    # The lowest free descriptor is used, so each stream gets its own.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        continue
    os.close(descriptor)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode))


def say(text: str) -> None:
    """Print what was asked for; whoever closes the pipe, such as ``head``, has seen enough."""
    try:
        print(text, flush=True)  # noqa: T201 - this is what was asked for
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def wants_color(stream: TextIO) -> bool:
    """Return whether to use colours: on a terminal that has them, unless NO_COLOR is set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
