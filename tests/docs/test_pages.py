"""The documentation builds without a warning, so that every reference has a target."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from qabel.rest.app import Api
from tests.integration.processes import ROOT

pytest.importorskip("sphinx")


@pytest.mark.parametrize(("builder", "page"), [("html", "index.html"), ("man", "qabel-rest.1")])
def test_pages_build(tmp_path: Path, builder: str, page: str) -> None:
    """Sphinx builds the pages without a warning."""
    sphinx = [sys.executable, "-m", "sphinx", "-q", "-W", "-n", "--keep-going", "-b", builder]
    done = subprocess.run(
        [*sphinx, "-d", str(tmp_path / "cache"), str(ROOT / "docs"), str(tmp_path / "built")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert (tmp_path / "built" / page).stat().st_size > 1000


def test_api_page_has_every_resource(tmp_path: Path) -> None:
    """The page of the API describes every route that the daemon serves."""
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "text"]
    subprocess.run([*command, str(ROOT / "docs"), str(tmp_path)], check=True, timeout=100)
    page = (tmp_path / "rest.txt").read_text()
    served = {
        f"{method.upper()} {path}"
        for path, operations in json.loads(Api.openapi())["paths"].items()
        for method in operations
        if method != "head"
    }
    assert "GET /identities/{ref}/qr.png" in served
    assert [each for each in sorted(served) if f'"{each}"' not in page] == []
