"""Tables for people, JSON for programs, colours on terminals."""

import io
import json
import time

import pytest

from qabel.cli.errors import CommandError, not_found
from qabel.cli.output import Output
from qabel.cli.table import Column

COLUMNS = [
    Column("ID", lambda each: each["id"]),
    Column("NAME", lambda each: each["name"], lambda _: "bold"),
]


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def output(*, terminal: bool = False, as_json: bool = False) -> Output:
    """Return an output that is kept in memory."""
    kind = Terminal if terminal else io.StringIO
    return Output(as_json, kind(), kind())


def written(to: Output) -> str:
    """Return what was written to standard output."""
    assert isinstance(to.out, io.StringIO)
    return to.out.getvalue()


def test_table_is_aligned_and_harmless() -> None:
    """Columns line up, and a name cannot start a line of its own."""
    to = output()
    to.rows([{"id": 1, "name": "世界"}, {"id": 22, "name": "a\nb\x1b[2J"}], COLUMNS, "none")
    assert written(to) == "ID  NAME\n1   世界\n22  a\\nb\\x1b[2J\n"


def test_json_rows_are_lines_of_ascii() -> None:
    """A program gets one value per line, in which nothing can control a terminal."""
    to = output(as_json=True)
    to.rows([{"id": 1, "name": "\u202e\x1b世"}], COLUMNS, "none")
    assert written(to).isascii()
    assert json.loads(written(to)) == {"id": 1, "name": "\u202e\x1b世"}


def test_no_rows() -> None:
    """People see on standard error that there is nothing to show."""
    to = output()
    to.rows([], COLUMNS, "Nothing yet")
    assert written(to) == ""
    assert to.err.getvalue() == "Nothing yet\n"  # type: ignore[attr-defined]


def test_wide_cells_are_clipped_on_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row is one line of a terminal; in a pipe, nothing is cut off."""
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("NO_COLOR", "1")
    for terminal, length in ((True, 30), (False, 104)):
        to = output(terminal=terminal)
        to.rows([{"id": 1, "name": "x" * 100}], COLUMNS, "none")
        assert len(written(to).splitlines()[1]) == length


def test_record_keeps_lines_under_their_name() -> None:
    """A text of several lines cannot pass for another field."""
    to = output()
    to.record({}, [("From", "Bob"), ("Text", "one\nFrom  Mum")])
    assert written(to) == "From  Bob\nText  one\n      From  Mum\n"


def test_progress_shows_only_what_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long work shows a spinner, and leaves a clean line."""
    monkeypatch.setattr("qabel.cli.output.SPINNER_DELAY", 0.01)
    to = output(terminal=True)
    with to.progress("writing"):
        end = time.monotonic() + 10
        while "writing" not in to.err.getvalue() and time.monotonic() < end:  # type: ignore[attr-defined]
            time.sleep(0.005)
    shown = to.err.getvalue()  # type: ignore[attr-defined]
    assert shown.startswith("\r| writing")
    assert shown.endswith("\r          \r")


@pytest.mark.parametrize("to", [output(), output(terminal=True, as_json=True)])
def test_progress_is_not_for_programs(to: Output) -> None:
    """Neither a pipe nor a program gets a spinner."""
    with to.progress("writing"):
        to.note("")
    assert to.err.getvalue() == ""  # type: ignore[attr-defined]


def test_errors() -> None:
    """An error is one line with a hint for people, and JSON for programs."""
    error = not_found("No such contact: 'a\nb'", "Did you mean 'ab'?")
    for as_json in (False, True):
        to = output(as_json=as_json)
        to.error(error)
        to.error(CommandError("The disk is full.", http_status=507))
        lines = to.err.getvalue().splitlines()  # type: ignore[attr-defined]
        if as_json:
            assert [json.loads(line)["exit"] for line in lines] == [4, 1]
            assert json.loads(lines[1])["status"] == 507
        else:
            assert lines == [
                r"qabel: No such contact: 'a\nb'. Did you mean 'ab'?",
                "qabel: The disk is full.",
            ]


def test_the_text_beside_the_spinner_changes() -> None:
    """Long work can say what it is doing; without a terminal nothing is shown."""
    to = output(terminal=True)
    with to.progress("copying a large file") as show:
        time.sleep(0.6)
        show("checking")
        time.sleep(0.3)
    assert isinstance(to.err, io.StringIO)
    shown = to.err.getvalue()
    assert "copying a large file" in shown
    assert "checking     " in shown
    quiet = output()
    with quiet.progress("copying") as show:
        show("checking")
    assert isinstance(quiet.err, io.StringIO)
    assert quiet.err.getvalue() == ""


def test_warnings_reach_people_and_programs() -> None:
    """A warning is on standard error: in plain text, or as a line of JSON."""
    for as_json, expected in ((False, "Look out\n"), (True, '{"warning":"Look out"}\n')):
        to = output(as_json=as_json)
        to.warning("Look out")
        assert isinstance(to.err, io.StringIO)
        assert (to.err.getvalue(), written(to)) == (expected, "")
