"""QR codes of contact cards."""

from io import BytesIO, StringIO

from qabel.core.errors import Conflict

FORMATS = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "txt": "text/plain; charset=utf-8",
}
"""Content types of QR codes, by file name extension."""

SCALE = 6
"""The side of a module of the code, in pixels."""


def draw(content: str, kind: str) -> bytes:
    """Draw a text as a QR code with error correction level L.

    Args:
        content: the text.
        kind: the format, one of `FORMATS`.

    Raises:
        Conflict: if the text is too long.

    """
    import segno  # noqa: PLC0415 - few use it, and it would delay every start

    try:
        code = segno.make_qr(content, error="L", boost_error=False)
    except segno.DataOverflowError:
        raise Conflict("Too long for a QR code.") from None
    if kind == "txt":
        drawn = StringIO()
        code.terminal(drawn, compact=True)
        return drawn.getvalue().encode()
    out = BytesIO()
    # With a light background: scanners could not read the code on a dark page otherwise.
    code.save(out, kind=kind, scale=SCALE, light="#fff")
    return out.getvalue()
