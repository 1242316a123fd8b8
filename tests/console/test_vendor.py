"""The libraries of the page, which are kept in the package."""

import hashlib
import re
import runpy
from typing import Any

import pytest

from tests.integration.processes import ROOT

VENDOR = ROOT / "qabel/console/static/vendor"
LIBRARIES = runpy.run_path(str(ROOT / "packaging/vendor.py"))["LIBRARIES"]


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda each: each.file)
def test_a_library_is_the_one_that_was_fetched(library: Any) -> None:
    """Each file is the one that the script makes, and its licence is beside it."""
    file, sha256 = library.file, library.sha256
    assert hashlib.sha256((VENDOR / file).read_bytes()).hexdigest() == sha256
    notes = (VENDOR / "README.txt").read_text()
    assert re.search(rf"^{re.escape(file)}: .*\n  sha256: {sha256}$", notes, re.MULTILINE)
    for package, licence in library.licences:
        assert f"\n{package}, {licence}\n" in notes


def test_no_other_scripts() -> None:
    """Nothing is kept that the script does not renew."""
    assert {each.name for each in VENDOR.glob("*.js")} == {each.file for each in LIBRARIES}
