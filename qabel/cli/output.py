"""Where the output goes: tables for people, JSON lines for programs, colours on terminals."""

import json
import os
import shutil
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from attrs import define, field

from qabel.cli.table import Column, Row, table_lines
from qabel.cli.text import clip, pad, visible, width

STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}

SPINNER = "|/-\\"
SPINNER_DELAY = 0.4
"""Seconds before the spinner appears: short work shows none."""

SPINNER_INTERVAL = 0.1
"""Seconds between two pictures of the spinner."""


def wants_color(stream: TextIO) -> bool:
    """Tell whether colours are welcome: on a terminal that can, unless NO_COLOR is set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


@define
class Output:
    """Where results and notes go. Everything that is shown passes through ``visible``."""

    json: bool = False
    """Whether a program reads it: one JSON value a line, and no more."""
    out: TextIO = field(factory=lambda: sys.stdout)
    err: TextIO = field(factory=lambda: sys.stderr)

    def styled(self, text: str, style: str, *, err: bool = False) -> str:
        """Give a harmless text in a style, if there are colours."""
        if not style or not wants_color(self.err if err else self.out):
            return text
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m"

    def rows(self, items: Iterable[Row], columns: Sequence[Column], empty: str) -> None:
        """Show things: as a table, or each as a line of JSON; ``empty`` is a note for people."""
        if self.json:
            for item in items:
                self.value(item)
            return
        listed = list(items)
        if listed:
            self._table(listed, columns)
        else:
            self.note(empty)

    def record(self, item: Row, fields: Sequence[tuple[str, object]]) -> None:
        """Show one thing: as lines of name and value, or as a line of JSON."""
        if self.json:
            self.value(item)
            return
        longest = max(width(name) for name, _ in fields)
        for name, value in fields:
            shown = visible(str(value), lines=True).replace("\n", "\n" + " " * (longest + 2))
            self._write(self.styled(pad(name, longest), "dim") + "  " + shown + "\n")

    def value(self, value: object) -> None:
        """Write a value as one line of JSON, in ASCII: it is harmless on a terminal too."""
        self._write(json.dumps(value, separators=(",", ":")) + "\n")

    def done(self, text: str, item: Row) -> None:
        """Say what was done; a program gets ``item``."""
        if self.json:
            self.value(item)
        else:
            self.line(text)

    def line(self, text: str, style: str = "", *, lines: bool = False) -> None:
        """Write a line for people."""
        self._write(self.styled(visible(text, lines=lines), style) + "\n")

    def raw(self, text: str) -> None:
        """Write a text of ours as it is, such as a QR code."""
        self._write(text)

    def note(self, text: str, style: str = "dim") -> None:
        """Tell people something that is no result: it goes to standard error."""
        if not self.json and text:
            self.err.write(self.styled(visible(text), style, err=True) + "\n")
            self.err.flush()

    def flush(self) -> None:
        """Have what was written leave this process."""
        self.out.flush()

    @contextmanager
    def progress(self, label: str) -> Iterator[None]:
        """Show on a terminal that something goes on, if it takes long."""
        if self.json or not self.err.isatty():
            yield
            return
        ended = threading.Event()
        spinner = threading.Thread(target=self._spin, args=(label, ended), daemon=True)
        spinner.start()
        try:
            yield
        finally:
            ended.set()
            spinner.join()

    def _spin(self, label: str, ended: threading.Event) -> None:
        shown = clip(visible(label), shutil.get_terminal_size().columns - 4)
        turn = 0
        while not ended.wait(SPINNER_DELAY if turn == 0 else SPINNER_INTERVAL):
            self.err.write(f"\r{SPINNER[turn % len(SPINNER)]} {shown} ")
            self.err.flush()
            turn += 1
        if turn:
            self.err.write("\r" + " " * (width(shown) + 3) + "\r")
            self.err.flush()

    def _table(self, items: Sequence[Row], columns: Sequence[Column]) -> None:
        terminal_width = shutil.get_terminal_size().columns if self.out.isatty() else None
        for line in table_lines(items, columns, self.styled, terminal_width):
            self._write(line + "\n")

    def _write(self, text: str) -> None:
        self.out.write(text)
