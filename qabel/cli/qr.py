"""QR codes on a terminal, and in files."""

import shutil
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from qabel.cli.errors import CommandError, usage_error
from qabel.cli.output import Output
from qabel.host.standard_streams import wants_color

BORDER = 4
"""White modules around a code, which scanners need."""

PIXELS = 6
"""Pixels along a module's side in a file."""

_BLACK_ON_WHITE = "\x1b[30;107m"
_PLAIN = "\x1b[0m"


def contact_text(identity: Mapping[str, Any]) -> str:
    """Return the text in the QR code of an identity, as the daemon describes it.

    Raises CommandError if it cannot be written.
    """
    # Only this command needs them, and they take their time to import.
    from qabel.crypto import PublicKey  # noqa: PLC0415
    from qabel.drop.cards import CardError, ContactCard, write_contact_text  # noqa: PLC0415
    from qabel.drop.url import DropURL  # noqa: PLC0415

    if identity["drops"] is None:
        raise CommandError(
            "This token may not see the drop URLs", hint="It needs the scope contacts"
        )
    card = ContactCard(
        alias=identity["alias"],
        public_key=PublicKey.from_hex(identity["public_key"]),
        drop_urls=tuple(DropURL.parse(url) for url in identity["drops"]),
    )
    try:
        return write_contact_text(card)
    except CardError as error:
        raise CommandError(f"{card.alias} cannot be shown as a QR code: {error}") from None


def show(text: str, output: Output, *, invert: bool = False) -> None:
    """Draw a text as a QR code on the terminal, two modules in each character.

    Raises CommandError if the terminal is too narrow.
    """
    rows = _modules(text)
    color = wants_color(output.out)
    encoding = output.out.encoding or "utf-8"
    drawn = _half_blocks(rows, dark=color != invert) if _can_encode("▀", encoding) else _wide(rows)
    columns = len(drawn[0])
    if output.out.isatty() and columns > shutil.get_terminal_size().columns:
        raise CommandError(
            f"The terminal is too narrow for the QR code, which has {columns} columns",
            hint="To write it to a file: --output FILE.png",
        )
    for line in drawn:
        output.raw(f"{_BLACK_ON_WHITE}{line}{_PLAIN}\n" if color else f"{line}\n")


def image(text: str, kind: str) -> bytes:
    """Return an image of a text as a QR code; the kind is svg or png."""
    if kind not in ("svg", "png"):
        raise usage_error("A QR code can be written as .svg or .png only")
    out = BytesIO()
    _code(text).save(out, kind=kind, scale=PIXELS, border=BORDER)
    return out.getvalue()


def _code(text: str) -> Any:
    import segno  # noqa: PLC0415 - only this command needs it, and it takes its time to import

    try:
        return segno.make_qr(text, error="l", boost_error=False)
    except segno.DataOverflowError:
        raise CommandError("This identity has too many drop URLs for a QR code") from None


def _modules(text: str) -> list[list[bool]]:
    """Return an even number of rows of modules with the border; True is dark."""
    rows = [[bool(each) for each in row] for row in _code(text).matrix_iter(border=BORDER)]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    return rows


def _half_blocks(rows: Sequence[Sequence[bool]], *, dark: bool) -> list[str]:
    """Return lines with two rows each; with ``dark``, the ink is the dark modules."""
    ink = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}
    return [
        "".join(
            ink[upper is dark, lower is dark]
            for upper, lower in zip(*rows[index : index + 2], strict=True)
        )
        for index in range(0, len(rows), 2)
    ]


def _wide(rows: Sequence[Sequence[bool]]) -> list[str]:
    """Return lines of ASCII, for a terminal that shows light letters on a dark background."""
    return ["".join("  " if dark else "##" for dark in row) for row in rows]


def _can_encode(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
