"""QR codes of what people show each other."""

from io import BytesIO, StringIO

from qabel.core.errors import Conflict

FORMATS = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "txt": "text/plain; charset=utf-8",
}
"""How a QR code can be had, by the ending of its name."""

SCALE = 6
"""Pixels of a module's side."""


def draw(content: str, kind: str) -> bytes:
    """Draw a text as a QR code with error correction L. Raises Conflict if it does not fit."""
    import segno  # noqa: PLC0415 - few ask for it, and all would wait for it at the start

    try:
        code = segno.make_qr(content, error="L", boost_error=False)
    except segno.DataOverflowError:
        raise Conflict("It does not fit into a QR code.") from None
    if kind == "txt":
        drawn = StringIO()
        code.terminal(drawn, compact=True)
        return drawn.getvalue().encode()
    out = BytesIO()
    # With a light background of its own: on a dark page it could not be read otherwise.
    code.save(out, kind=kind, scale=SCALE, light="#fff")
    return out.getvalue()
