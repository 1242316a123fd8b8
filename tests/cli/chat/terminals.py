"""A terminal in which ``qabel`` runs, with what is seen on its screen."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pyte

from tests.integration.processes import ROOT

PATIENCE = 60.0
"""Seconds until something must be seen, on a machine that does other things too."""

CTRL_C, CTRL_D, ENTER, NEW_LINE = "\x03", "\x04", "\r", "\x1b\r"
PAGE_UP, PAGE_DOWN = "\x1b[5~", "\x1b[6~"


class Terminal:
    """A process on a terminal of its own; as a context manager it is killed at the end."""

    def __init__(
        self,
        directory: Path,
        *arguments: str,
        columns: int = 80,
        rows: int = 24,
        term: str = "xterm",
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        env = {
            **os.environ,
            "TERM": term,
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", ""))),
            "QABEL_DATA_DIR": str(directory),
        }
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            env.pop(name, None)
        self._process, self._terminal = pty.fork()
        if self._process == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execve(sys.executable, [sys.executable, "-m", "qabel", *arguments], env)  # noqa: S606
        self._status: int | None = None

    @property
    def lines(self) -> list[str]:
        """The lines of the screen, without spaces at their ends."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(self.lines)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._terminal, text.encode())

    def paste(self, text: str) -> None:
        """Paste a text, as terminals do it."""
        self.type(f"\x1b[200~{text}\x1b[201~")

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the window."""
        self.screen.resize(rows, columns)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def end(self) -> None:
        """Ask the process to end, as whoever shuts down the machine does."""
        os.kill(self._process, signal.SIGTERM)

    def wait_for(self, what: str | Callable[[], bool]) -> Self:
        """Wait until a text is on the screen, or something else is the case."""
        look = (lambda: what in self.text) if isinstance(what, str) else what
        deadline = time.monotonic() + PATIENCE
        while not look():
            assert time.monotonic() < deadline, f"no {what} in:\n{self.text}"
            assert self._pump(0.1), f"ended without {what}:\n{self.text}\n{self.raw[-2000:]!r}"
        return self

    def ended(self) -> int:
        """Wait until the process has ended, and return its exit status."""
        deadline = time.monotonic() + PATIENCE
        while self._pump(0.1):
            assert time.monotonic() < deadline, f"it does not end:\n{self.text}"
        return self._wait()

    def _wait(self) -> int:
        if self._status is None:
            _, status = os.waitpid(self._process, 0)
            self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def _pump(self, seconds: float) -> bool:
        """Show what the process has written; return whether it still has the terminal open."""
        is_there, _, _ = select.select([self._terminal], [], [], seconds)
        if not is_there:
            return True
        try:
            piece = os.read(self._terminal, 65536)
        except OSError:
            return False
        self.raw += piece
        self._stream.feed(piece)
        return bool(piece)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is None:
            os.kill(self._process, signal.SIGKILL)
            self._wait()
        os.close(self._terminal)
