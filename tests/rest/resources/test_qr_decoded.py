"""QR codes are read as phones read them, from the picture, and what they say is imported."""

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import segno

from tests.integration.client import Api
from tests.integration.processes import Twistd

ALIASES = ["Bob", "Bärbel Ünlü 🐻", "x" * 100]

SIDE = 6
"""Pixels of a module."""


class People:
    """A daemon with identities."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def make(self, alias: str) -> Any:
        """Make an identity."""
        return self.api.good("POST", "/identities", {"alias": alias})

    def get(self, path: str) -> bytes:
        """Ask for what is no JSON."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.api.port}{path}")
        request.add_header("Authorization", f"Bearer {self.api.token}")
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - http
            body: bytes = answer.read()
        return body


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """Run a daemon with a drop server beside it."""
    folder = tmp_path_factory.mktemp("people")
    place = "tcp:0:interface=127.0.0.1"
    options = [f"--data-dir={folder / 'data'}", f"--listen={place}", f"--drop-server={place}"]
    with Twistd(folder, "qabel-rest", *options) as daemon:
        yield People(Api(folder / "data", daemon.port("qabel-rest")))


def scan(picture: Path) -> str:
    """Read the one QR code in a picture."""
    if shutil.which("zbarimg") is None:
        pytest.skip("zbarimg, of Debian's zbar-tools, is not installed")
    command = ["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", str(picture)]
    done = subprocess.run(command, capture_output=True, timeout=30, check=True)
    return done.stdout.decode().removesuffix("\n")


def modules_of_text(text: str) -> list[list[bool]]:
    """Read drawn letters: what is not inked is dark, as on a terminal with light letters."""
    rows = []
    for line in text.splitlines():
        rows.append([each not in "█▀" for each in line])
        rows.append([each not in "█▄" for each in line])
    return rows


def modules_of_svg(picture: str) -> list[list[bool]]:
    """Read the lines of a picture, from left to right, and the steps in between.

    The path before it is the light background.
    """
    side = int(re.findall(r'width="(\d+)"', picture)[0]) // SIDE
    assert f"scale({SIDE})" in picture
    background, path = re.findall(r' d="([^"]+)"', picture)
    assert 'fill="#fff"' in picture
    assert background.startswith("M0 0h")
    rows = [[False] * side for _ in range(side)]
    column, row = 0, 0
    for what, across, _, down in re.findall(r"([Mmh])(-?\d+)( (-?[\d.]+))?", path):
        if what == "h":
            rows[row][column : column + int(across)] = [True] * int(across)
        if what == "M":
            column, row = 0, 0
        column, row = column + int(across), row + int(float(down or 0))
    return rows


def draw(rows: Sequence[Sequence[bool]], file: Path) -> Path:
    """Draw modules as a picture."""
    lines = [b"".join((b"\0" if dark else b"\xff") * SIDE for dark in row) * SIDE for row in rows]
    size = f"P5 {len(rows[0]) * SIDE} {len(rows) * SIDE} 255\n"
    file.write_bytes(size.encode() + b"".join(lines))
    return file


def picture_of(people: People, path: str, kind: str, folder: Path) -> Path:
    """Return a picture that can be scanned of a QR code in any of its formats."""
    body = people.get(f"{path}.{kind}")
    if kind == "png":
        file = folder / "qr.png"
        file.write_bytes(body)
        return file
    read = modules_of_text if kind == "txt" else modules_of_svg
    return draw(read(body.decode()), folder / "qr.pgm")


@pytest.mark.parametrize("kind", ["png", "svg", "txt"])
@pytest.mark.parametrize("alias", ALIASES)
def test_scanned_and_imported(people: People, alias: str, kind: str, tmp_path: Path) -> None:
    """Who scans it has the contact text, and what imports that has the contact."""
    me, other = people.make("Alice"), people.make(alias)
    text = scan(picture_of(people, f"/identities/{other['id']}/qr", kind, tmp_path))
    drops = ", ".join(other["drops"])
    assert text == f"QABELCONTACT\n{alias}\n{drops}\n{other['public_key']}"
    body = {"document": text, "identity": me["id"]}
    [told] = people.api.good("POST", "/contacts/import", body)
    assert (told["outcome"], told["alias"]) == ("added", alias)
    contact = people.api.good("GET", f"/contacts/{told['id']}")
    assert contact["public_key"] == other["public_key"]
    assert contact["drop_urls"] == other["drops"]


def test_error_correction(people: People) -> None:
    """The code is the one of correction level L, in all formats, with a margin around it."""
    bob = people.make("Bob")
    text = f"QABELCONTACT\nBob\n{bob['drops'][0]}\n{bob['public_key']}"
    code = segno.make_qr(text, error="L", boost_error=False)
    expected = [[bool(each) for each in row] for row in code.matrix_iter(border=4)]
    path = f"/identities/{bob['id']}/qr"
    assert modules_of_svg(people.get(f"{path}.svg").decode()) == expected
    assert modules_of_text(people.get(f"{path}.txt").decode())[: len(expected)] == expected


def test_several_contacts_in_a_file(people: People) -> None:
    """Each contact of a .qco file is reported on its own."""
    me, bob, carol = (people.make(name) for name in ("Alice", "Bob", "Carol"))
    files = [json.loads(people.get(f"/identities/{each['id']}/contact")) for each in (bob, carol)]
    path = f"/contacts/import?identity={me['id']}"
    people.api.good("POST", path, files[0])
    moved = json.loads(json.dumps(files[1]["contacts"][0]))
    both = {**files[0], "contacts": [*files[0]["contacts"], moved]}
    own = json.loads(people.get(f"/identities/{me['id']}/contact"))["contacts"]
    told = people.api.good("POST", path, {**both, "contacts": both["contacts"] + own})
    assert [each["outcome"] for each in told] == ["same", "added", "refused"]
    moved["drop_urls"] = bob["drops"]
    told = people.api.good("POST", path, both)
    assert [each["outcome"] for each in told] == ["same", "differs"]


def test_identities_both_ways(people: People) -> None:
    """A .qid file that was exported is imported again after the identity was deleted."""
    bob = people.make("Bob")
    document = people.get(f"/identities/{bob['id']}/export")
    there = people.api.ask("POST", "/identities/import", json.loads(document))
    assert there.status == 409
    people.api.good("DELETE", f"/identities/{bob['id']}")
    again = people.api.good("POST", "/identities/import", json.loads(document))
    assert (again["public_key"], again["drops"]) == (bob["public_key"], bob["drops"])
