"""Where the output goes: tables for people, JSON lines for programs, colours on terminals."""

import json
import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from attrs import define, field

from qabel.cli.errors import CommandError
from qabel.cli.own_command import OwnCommand
from qabel.cli.table import Column, Row, table_lines
from qabel.cli.text import clip, pad, visible, width
from qabel.host.standard_streams import wants_color

STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}

SPINNER = "|/-\\"
SPINNER_DELAY = 0.4
"""Seconds before the spinner appears: short work shows none."""

SPINNER_INTERVAL = 0.1
"""Seconds between two pictures of the spinner."""


@define
class Output:
    """Where results and notes are printed. All text passes through ``visible``."""

    json: bool = False
    """Whether the output is for a program: one JSON value per line, and nothing else."""
    out: TextIO = field(factory=lambda: sys.stdout)
    err: TextIO = field(factory=lambda: sys.stderr)
    own: OwnCommand = field(factory=OwnCommand)
    """How this call of the command began: hints are written like that."""

    def styled(self, text: str, style: str, *, err: bool = False) -> str:
        """Return a visible text in a style, if there are colours."""
        if not style or not wants_color(self.err if err else self.out):
            return text
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m"

    def rows(self, items: Iterable[Row], columns: Sequence[Column], empty: str) -> None:
        """Print a table, or each item as a line of JSON; ``empty`` is a note if there are none."""
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
        """Print one item: as lines of name and value, or as a line of JSON."""
        if self.json:
            self.value(item)
            return
        longest = max(width(name) for name, _ in fields)
        for name, value in fields:
            shown = visible(str(value), lines=True).replace("\n", "\n" + " " * (longest + 2))
            self._write(self.styled(pad(name, longest), "dim") + "  " + shown + "\n")

    def value(self, value: object) -> None:
        """Print a value as one line of JSON, in ASCII: it is harmless on a terminal too."""
        self._write(_json_line(value))

    def done(self, text: str, item: Row) -> None:
        """Print what was done; for a program, print ``item``."""
        if self.json:
            self.value(item)
        else:
            self.line(self.own.in_text(text))

    def line(self, text: str, style: str = "", *, lines: bool = False) -> None:
        """Print a line for people."""
        self._write(self.styled(visible(text, lines=lines), style) + "\n")

    def raw(self, text: str) -> None:
        """Print text that is known to be harmless as it is, such as a QR code."""
        self._write(text)

    def note(self, text: str, style: str = "dim") -> None:
        """Print a note for people to standard error: it is not part of the result."""
        if not self.json and text:
            self.err.write(self.styled(visible(self.own.in_text(text)), style, err=True) + "\n")
            self.err.flush()

    def hint(self, text: str) -> None:
        """Print what can be done next, to standard error: for people at a terminal only."""
        if self.out.isatty():
            self.note(text)

    def warning(self, text: str) -> None:
        """Print to standard error what people and programs should know: it is no error."""
        if self.json:
            self.err.write(_json_line({"warning": text}))
            self.err.flush()
        else:
            self.note(text, "yellow")

    def error(self, error: CommandError) -> None:
        """Print an error to standard error, in one line."""
        message, hint = self.own.in_text(error.message), self.own.in_text(error.hint)
        if self.json:
            report = {"error": message, "hint": hint, "exit": int(error.exit_status)}
            if error.http_status:
                report["status"] = error.http_status
            self.err.write(_json_line(report))
            return
        shown = visible(message).rstrip(".")
        end = "" if shown.endswith(("?", "!")) else "."
        more = f" {visible(hint)}" if hint else ""
        self.err.write(self.styled(f"qabel: {shown}{end}", "red", err=True) + more + "\n")

    def flush(self) -> None:
        """Write what is buffered."""
        self.out.flush()

    @contextmanager
    def progress(self, label: str) -> Iterator[Callable[[str], None]]:
        """Show a spinner on a terminal while something takes long.

        What is yielded changes the text beside it.
        """
        labels = [label]
        if self.json or not self.err.isatty():
            yield labels.append
            return
        ended = threading.Event()
        spinner = threading.Thread(target=self._spin, args=(labels, ended), daemon=True)
        spinner.start()
        try:
            yield labels.append
        finally:
            ended.set()
            spinner.join()

    def _spin(self, labels: Sequence[str], ended: threading.Event) -> None:
        turn = longest = 0
        while not ended.wait(SPINNER_DELAY if turn == 0 else SPINNER_INTERVAL):
            shown = clip(visible(labels[-1]), shutil.get_terminal_size().columns - 4)
            longest = max(longest, width(shown))
            self.err.write(f"\r{SPINNER[turn % len(SPINNER)]} {pad(shown, longest)} ")
            self.err.flush()
            turn += 1
        if turn:
            self.err.write("\r" + " " * (longest + 3) + "\r")
            self.err.flush()

    def _table(self, items: Sequence[Row], columns: Sequence[Column]) -> None:
        terminal_width = shutil.get_terminal_size().columns if self.out.isatty() else None
        for line in table_lines(items, columns, self.styled, terminal_width):
            self._write(line + "\n")

    def _write(self, text: str) -> None:
        self.out.write(text)


def _json_line(value: object) -> str:
    return json.dumps(value, separators=(",", ":")) + "\n"
