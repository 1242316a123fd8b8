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


def test_a_reader_that_has_seen_enough() -> None:
    """What is asked for may be read in part: there is no error, and what comes later goes on."""
    code = (
        "import sys; from qabel.host.standard_streams import say;"
        "sys.stdin.read(); say('x'); say('y'); sys.exit(3)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdin, process.stdout, process.stderr:
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait() == 3


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
