"""QR codes on a terminal, and in files."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from qabel.cli.errors import CommandError, usage_error
from qabel.cli.output import Output, wants_color

CONTACT_MARK = "QABELCONTACT"
BORDER = 4
"""Modules of white around a code, which readers need."""

PIXELS = 6
"""Pixels of a module's side in a file."""

_BLACK_ON_WHITE = "\x1b[30;107m"
_PLAIN = "\x1b[0m"


def contact_text(card: Mapping[str, Any]) -> str:
    """Give what a QR code of a contact holds: four lines, with none after the last."""
    urls = [str(url) for url in card["drop_urls"]]
    alias = str(card["alias"])
    if not urls or "\n" in alias:
        why = "has a line break in its name" if urls else "has no drop URL"
        raise CommandError(f"this identity {why}: it cannot be shown as a QR code")
    return "\n".join([CONTACT_MARK, alias, ", ".join(urls), str(card["public_key"])])


def show(text: str, output: Output, *, invert: bool = False) -> None:
    """Draw a text as a QR code on the terminal, two modules in each character."""
    rows = _modules(text)
    color = wants_color(output.out)
    encoding = output.out.encoding or "utf-8"
    drawn = _half_blocks(rows, dark=color != invert) if _can("▀", encoding) else _wide(rows)
    for line in drawn:
        output.raw(f"{_BLACK_ON_WHITE}{line}{_PLAIN}\n" if color else f"{line}\n")


def write(text: str, kind: str) -> bytes:
    """Draw a text as a QR code in a file of a kind: svg or png."""
    if kind not in ("svg", "png"):
        raise usage_error("a QR code is written as .svg or .png")
    out = BytesIO()
    _code(text).save(out, kind=kind, scale=PIXELS, border=BORDER)
    return out.getvalue()


def _code(text: str) -> Any:
    import segno  # noqa: PLC0415 - only this command needs it, and it takes its time

    try:
        return segno.make_qr(text, error="l", boost_error=False)
    except segno.DataOverflowError:
        raise CommandError("this identity has too many drop URLs for a QR code") from None


def _modules(text: str) -> list[list[bool]]:
    """Give the modules with the border, dark ones True; an even number of rows."""
    rows = [[bool(each) for each in row] for row in _code(text).matrix_iter(border=BORDER)]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    return rows


def _half_blocks(rows: Sequence[Sequence[bool]], *, dark: bool) -> list[str]:
    """Draw two rows in each line; ``dark`` tells that ink stands for dark modules."""
    ink = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}
    return [
        "".join(
            ink[upper is dark, lower is dark]
            for upper, lower in zip(*rows[place : place + 2], strict=True)
        )
        for place in range(0, len(rows), 2)
    ]


def _wide(rows: Sequence[Sequence[bool]]) -> list[str]:
    """Draw with ASCII alone, on a terminal that shows light letters on dark."""
    return ["".join("  " if dark else "##" for dark in row) for row in rows]


def _can(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
