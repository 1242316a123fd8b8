"""The documentation can be made, with no warning: every reference leads somewhere."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.processes import ROOT

pytest.importorskip("sphinx")


@pytest.mark.parametrize(("builder", "made"), [("html", "index.html"), ("man", "qabel-rest.1")])
def test_the_pages_are_made(tmp_path: Path, builder: str, made: str) -> None:
    """Sphinx makes them, and has nothing to say."""
    sphinx = [sys.executable, "-m", "sphinx", "-q", "-W", "-n", "--keep-going", "-b", builder]
    done = subprocess.run(
        [*sphinx, "-d", str(tmp_path / "cache"), str(ROOT / "docs"), str(tmp_path / "made")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert (tmp_path / "made" / made).stat().st_size > 1000


def test_every_resource_is_on_the_page_of_the_api(tmp_path: Path) -> None:
    """The page is made from the daemon's own description: nothing is left out."""
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "text"]
    subprocess.run([*command, str(ROOT / "docs"), str(tmp_path)], check=True, timeout=100)
    page = (tmp_path / "rest.txt").read_text()
    for resource in ("GET /drop", "POST /drop", "PUT /settings", "GET /identities/{ref}/qr.png"):
        assert f'"{resource}"' in page
