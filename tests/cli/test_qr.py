"""QR codes in letters."""

import io

import pytest
import segno

from qabel.cli import qr
from qabel.cli.errors import CommandError
from qabel.cli.output import Output
from tests.cli.test_output import Terminal

CARD = {
    "alias": "Älice",
    "drop_urls": ["http://localhost/" + "a" * 43, "http://localhost/" + "b" * 43],
    "public_key": "5" * 64,
}
TEXT = "QABELCONTACT\nÄlice\n{}, {}\n{}".format(*CARD["drop_urls"], CARD["public_key"])

UPPER, LOWER = "█▀", "█▄"


def modules(lines: list[str], ink: bool) -> list[list[bool]]:
    """Read drawn lines back: which modules are dark."""
    rows = []
    for line in lines:
        rows.append([(each in UPPER) is ink for each in line])
        rows.append([(each in LOWER) is ink for each in line])
    return rows


def expected() -> list[list[bool]]:
    """Give the modules of the code, as segno makes them."""
    code = segno.make_qr(TEXT, error="l", boost_error=False)
    return [[bool(each) for each in row] for row in code.matrix_iter(border=4)]


def test_contact_text() -> None:
    """It is what Qabel's clients read: four lines, several URLs in one."""
    assert qr.contact_text(CARD) == TEXT


@pytest.mark.parametrize("change", [{"alias": "a\nb"}, {"drop_urls": []}])
def test_what_cannot_be_written(change: dict[str, object]) -> None:
    """A name with a line break, or no drop URL, makes no text that could be read."""
    with pytest.raises(CommandError):
        qr.contact_text({**CARD, **change})


def test_in_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal with colours it is black on white, whatever the terminal's own are."""
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    qr.show(TEXT, Output(out=terminal))
    lines = [
        line.removeprefix("\x1b[30;107m").removesuffix("\x1b[0m")
        for line in terminal.getvalue().splitlines()
    ]
    found = expected()
    assert modules(lines, ink=True)[: len(found)] == found


@pytest.mark.parametrize("invert", [False, True])
def test_without_colours(invert: bool) -> None:
    """Without colours, ink is what lights up on a dark terminal; it can be swapped."""
    stream = io.StringIO()
    qr.show(TEXT, Output(out=stream), invert=invert)
    found = expected()
    assert modules(stream.getvalue().splitlines(), ink=invert)[: len(found)] == found


def test_in_ascii() -> None:
    """Where there are no half blocks, two signs make a module."""
    stream = io.TextIOWrapper(io.BytesIO(), "ascii", write_through=True)
    qr.show(TEXT, Output(out=stream))
    lines = stream.buffer.getvalue().decode().splitlines()  # type: ignore[attr-defined]
    found = expected()
    assert [[line[i] == " " for i in range(0, len(line), 2)] for line in lines][
        : len(found)
    ] == found


def test_in_files() -> None:
    """A code can be written as SVG and PNG, and as nothing else."""
    assert b"<svg" in qr.write(TEXT, "svg")
    assert qr.write(TEXT, "png").startswith(b"\x89PNG")
    with pytest.raises(CommandError, match=r"\.svg or \.png"):
        qr.write(TEXT, "gif")


def test_too_much() -> None:
    """What fits into no code is an error in one line."""
    with pytest.raises(CommandError, match="too many"):
        qr.write("x" * 5000, "svg")
