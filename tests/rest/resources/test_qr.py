"""QR codes: three formats of one picture."""

import xml.etree.ElementTree as ET

import pytest

from qabel.core.errors import Conflict
from qabel.rest.resources.qr import FORMATS, SCALE, draw

MOST = 2953
"""Bytes that fit into a QR code with error correction L."""

QUIET = 4
"""Modules of the light margin that every QR code needs."""


def png_side(picture: bytes) -> int:
    """Return the width of a PNG picture, which is its height too, in pixels."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])
    assert width == height
    return width


def svg_side(picture: bytes) -> int:
    """Return the width of an SVG picture, which is its height too, in pixels."""
    image = ET.fromstring(picture)  # noqa: S314 - our own
    assert image.get("width") == image.get("height")
    return int(image.get("width", "0"))


@pytest.mark.parametrize(("length", "modules"), [(17, 21), (18, 25), (MOST, 177)])
def test_sizes(length: int, modules: int) -> None:
    """All formats show the smallest code that holds the text, with the margin that it needs."""
    text = "a" * length
    side = modules + 2 * QUIET
    assert png_side(draw(text, "png")) == side * SCALE
    assert svg_side(draw(text, "svg")) == side * SCALE
    lines = draw(text, "txt").decode().splitlines()
    assert len(lines) == -(-side // 2)


@pytest.mark.parametrize("kind", FORMATS)
def test_too_much_text(kind: str) -> None:
    """A text that fits into no QR code is a conflict."""
    with pytest.raises(Conflict):
        draw("a" * (MOST + 1), kind)


def test_a_light_background() -> None:
    """The picture has a light background of its own, so that it can be read on a dark page."""
    assert b"#fff" in draw("a", "svg")


@pytest.mark.parametrize("kind", FORMATS)
def test_any_text(kind: str) -> None:
    """Other texts give other pictures, and the same text always the same, whatever the letters."""
    assert draw("Bärbel 🐻", kind) == draw("Bärbel 🐻", kind) != draw("Barbel 🐻", kind)
