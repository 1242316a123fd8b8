"""The standard streams: there is something at each descriptor, and colours are for terminals."""

import io
import subprocess
import sys

import pytest

from qabel.host.standard_streams import wants_color

CODE = """
import os, sys
from qabel.host.standard_streams import open_missing_streams
open_missing_streams()
print("nobody reads this")
print("nor this", file=sys.stderr)
os.write(3, repr([os.path.realpath(f"/proc/self/fd/{each}") for each in range(3)]).encode())
"""


class Terminal(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_closed_streams_are_opened_on_the_null_device() -> None:
    """In a process without standard streams, each is the null device, and can be written to."""
    close = 'exec "$0" -c "$1" 3>&1 0<&- 1>&- 2>&-'
    command = ["sh", "-c", close, sys.executable, CODE]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == repr(["/dev/null"] * 3)


def test_colors_only_on_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets colours unless NO_COLOR is set or it is dumb; a pipe gets none."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert wants_color(Terminal())
    assert not wants_color(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_color(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not wants_color(Terminal())
