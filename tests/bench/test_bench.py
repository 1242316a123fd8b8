"""The benchmarks run, with so little data that their figures mean nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import NAMES
from tests.browser.conftest import CHROMIUM
from tests.integration.processes import ROOT


@pytest.mark.parametrize("name", NAMES)
def test_runs(name: str, tmp_path: Path) -> None:
    """A benchmark prints rows with a ratio, as a table and as JSON."""
    if name == "page" and CHROMIUM is None:
        pytest.skip("chromium is not installed")
    table = tmp_path / "rows.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--small", "--json", str(table), name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(table.read_text())
    assert rows
    assert all(row["ratio"] >= 0 for row in rows)
    assert len(done.stdout.splitlines()) == len(rows)
