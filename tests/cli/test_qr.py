"""QR codes on terminals and in files."""

import io

import pytest
import segno

from qabel.cli import qr
from qabel.cli.errors import CommandError
from qabel.cli.output import Output
from tests.cli.test_output import Terminal

IDENTITY = {
    "alias": "Älice",
    "drops": ["http://localhost/" + "a" * 43, "http://localhost/" + "b" * 43],
    "public_key": "5" * 64,
}
TEXT = "QABELCONTACT\nÄlice\n{}, {}\n{}".format(*IDENTITY["drops"], IDENTITY["public_key"])

UPPER, LOWER = "█▀", "█▄"


def modules(lines: list[str], ink: bool) -> list[list[bool]]:
    """Return which modules of drawn lines are dark."""
    rows = []
    for line in lines:
        rows.append([(each in UPPER) is ink for each in line])
        rows.append([(each in LOWER) is ink for each in line])
    return rows


def expected() -> list[list[bool]]:
    """Return the modules of the code, as segno makes them."""
    code = segno.make_qr(TEXT, error="l", boost_error=False)
    return [[bool(each) for each in row] for row in code.matrix_iter(border=4)]


def test_contact_text() -> None:
    """It is what Qabel clients scan: four lines, all URLs on one of them."""
    assert qr.contact_text(IDENTITY) == TEXT


@pytest.mark.parametrize("change", [{"alias": "a\nb"}, {"drops": []}])
def test_what_cannot_be_written(change: dict[str, object]) -> None:
    """An alias with a line break, or no drop URL, is an error."""
    with pytest.raises(CommandError, match="cannot be shown as a QR code"):
        qr.contact_text({**IDENTITY, **change})


def test_in_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal with colours it is black on white, whatever the terminal's colours are."""
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
    """In a locale without half blocks, two characters make a module."""
    stream = io.TextIOWrapper(io.BytesIO(), "ascii", write_through=True)
    qr.show(TEXT, Output(out=stream))
    lines = stream.buffer.getvalue().decode().splitlines()  # type: ignore[attr-defined]
    found = expected()
    assert [[line[i] == " " for i in range(0, len(line), 2)] for line in lines][
        : len(found)
    ] == found


def test_in_files() -> None:
    """A code can be written as SVG or PNG, and as nothing else."""
    assert b"<svg" in qr.image(TEXT, "svg")
    assert qr.image(TEXT, "png").startswith(b"\x89PNG")
    with pytest.raises(CommandError, match=r"\.svg or \.png"):
        qr.image(TEXT, "gif")


def test_too_much() -> None:
    """A text that does not fit into a code is an error."""
    with pytest.raises(CommandError, match="too many"):
        qr.image("x" * 5000, "svg")
