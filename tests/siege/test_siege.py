"""A short siege of each kind of server: nothing is lost, doubled or skipped."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dropserver.postgresql.cluster import find_programs
from tests.dropserver.postgresql.databases import MISSING
from tests.integration.processes import ROOT


@pytest.mark.parametrize("options", [[], ["--database"]])
def test_nothing_is_lost(options: list[str], tmp_path: Path) -> None:
    """Attacks and kills break no promise; how long they take says more of the machine here."""
    if options and find_programs() is None:
        pytest.skip(MISSING)
    figures = tmp_path / "figures"
    command = [sys.executable, "-m", "tests.siege", "--seconds=1.5", "--kills=3", "--seed=2"]
    done = subprocess.run(
        [*command, f"--json={figures}", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert figures.exists(), done.stdout + done.stderr
    found = json.loads(figures.read_text())
    assert found["stored"] > 50
    assert found["seen"] > found["stored"]
    broken = [each for each in found["broken"] if not each.startswith(("slow", "refused"))]
    assert broken == []
