"""QR codes: read from a picture, and by a camera."""

import struct
import urllib.request
import zlib
from pathlib import Path

import pytest

from tests.browser.cards import go, settle
from tests.browser.conftest import Browsers, Come, Someone

ADDED = "Bob is one of your contacts now."
SIDE = 480


def code_of(one: Someone) -> Path:
    """Return a picture of the QR code of somebody's identity, as the daemon makes it."""
    path = one.folder / "code.png"
    token = one.command("token", "show")
    request = urllib.request.Request(
        f"http://127.0.0.1:{one.port}/identities/1/qr.png",
        headers={"Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        path.write_bytes(answer.read())
    return path


def pixels(path: Path) -> list[list[int]]:
    """Return the rows of a PNG in black and white, as the daemon makes them: 1 is white."""
    data, at, packed = path.read_bytes(), 8, b""
    width = height = 0
    while at < len(data):
        (length,), kind = struct.unpack(">I", data[at : at + 4]), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert (depth, colour) == (1, 0)
        elif kind == b"IDAT":
            packed += body
        at += length + 12
    raw, size = zlib.decompress(packed), (width + 7) // 8 + 1
    rows = [bytes(size - 1)]
    for start in range(0, size * height, size):
        how, row = raw[start], raw[start + 1 : start + size]
        assert how in (0, 2)  # as it is, or added to the row above
        above = rows[-1] if how else bytes(size - 1)
        rows.append(bytes((one + other) & 255 for one, other in zip(row, above, strict=True)))
    return [[row[x // 8] >> (7 - x % 8) & 1 for x in range(width)] for row in rows[1:]]


def film(picture: Path, path: Path) -> Path:
    """Write a film of some grey frames, and then of a picture in front of them (YUV4MPEG2)."""
    code = pixels(picture)
    wide, high = 640, SIDE
    left, top = (wide - SIDE) // 2 + 20, 20
    scale = len(code) / (SIDE - 40)
    frame = bytearray(b"\x80" * (wide * high))
    for y in range(SIDE - 40):
        for x in range(SIDE - 40):
            is_white = code[int(y * scale)][int(x * scale)]
            frame[(top + y) * wide + left + x] = 235 if is_white else 16
    colours = b"\x80" * (wide * high // 2)
    empty = b"\x80" * (wide * high)
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n")
        for luma in [empty] * 5 + [bytes(frame)] * 15:
            file.write(b"FRAME\n" + luma + colours)
    return path


def test_a_picture(someone: Come, drop_server: str) -> None:
    """A picture of a code is a card; of a picture without one that is said."""
    alice, bob = someone("alice"), someone("bob")
    settle(alice, "Alice", drop_server)
    settle(bob, "Bob", drop_server)
    page = alice.page()
    page.get_by_role("link", name="People").wait_for()
    assert not [url for url in alice.asked if url.endswith("/vendor/qr.js")]
    go(page, "#/people/add")
    chosen = page.get_by_label("Choose a file")
    empty = alice.folder / "empty.png"
    page.screenshot(path=empty)
    chosen.set_input_files(empty)
    page.get_by_text("No QR code was found in empty.png.").wait_for()
    chosen.set_input_files(code_of(bob))
    page.get_by_text(ADDED).wait_for()
    assert len([url for url in alice.asked if url.endswith("/vendor/qr.js")]) == 1


def test_a_screenshot(someone: Come, drop_server: str) -> None:
    """The code is found in a picture of a whole screen, too, in the middle of other things."""
    alice, bob = someone("alice"), someone("bob", color_scheme="dark")
    settle(alice, "Alice", drop_server)
    settle(bob, "Bob", drop_server)
    shown = bob.page()
    shown.get_by_role("link", name="People").wait_for()
    go(shown, "#/welcome")
    shown.get_by_role("img", name="QR code").wait_for()
    screen = bob.folder / "screen.png"
    shown.screenshot(path=screen)
    page = alice.page()
    page.get_by_role("link", name="People").wait_for()
    go(page, "#/people/add")
    page.get_by_label("Choose a file").set_input_files(screen)
    page.get_by_text(ADDED).wait_for()


def test_the_camera(someone: Come, drop_server: str, browsers: Browsers, tmp_path: Path) -> None:
    """The camera looks until it sees a code, and is off then."""
    bob = someone("bob")
    settle(bob, "Bob", drop_server)
    seen = film(code_of(bob), tmp_path / "camera.y4m")
    browser = browsers(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={seen}",
    )
    alice = someone("alice", browser=browser)
    settle(alice, "Alice", drop_server)
    page = alice.page()
    page.get_by_role("link", name="People").wait_for()
    go(page, "#/people/add")
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_text("Looking for a QR code …").wait_for()
    page.get_by_text(ADDED).wait_for()
    assert page.get_by_role("dialog").count() == 0
    assert "Bob" in alice.command("contact", "list")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "There is no camera that this page can use."),
        (
            ["--use-fake-device-for-media-stream", "--deny-permission-prompts"],
            "The browser was not allowed to use the camera.",
        ),
    ],
)
def test_without_a_camera(
    someone: Come, drop_server: str, browsers: Browsers, options: list[str], said: str
) -> None:
    """Where there is no camera, or none is allowed, it is said, and what to do instead."""
    alice = someone("alice", browser=browsers(*options))
    settle(alice, "Alice", drop_server)
    page = alice.page()
    page.get_by_role("link", name="People").wait_for()
    go(page, "#/people/add")
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_text(said).wait_for()
    page.get_by_text("You can also take a picture of the code").wait_for()
    page.get_by_role("button", name="Cancel").click()
    assert page.evaluate("document.activeElement.textContent") == "Use the camera"
