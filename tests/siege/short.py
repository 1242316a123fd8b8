"""A siege that is short enough to be a test."""

import json
import subprocess
import sys
from pathlib import Path

from tests.integration.processes import ROOT


def check_short_siege(folder: Path, *options: str) -> None:
    """Check that nothing is lost, doubled or skipped.

    How long requests take says more of the machine here.

    Args:
        folder: for the figures.
        options: of ``python -m tests.siege``.

    """
    figures = folder / "figures"
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
