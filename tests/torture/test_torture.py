"""A short torture, with a reader that loses a message on purpose."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.integration.processes import ROOT
from tests.torture.world import LOSER, LOSES


def test_a_loss_is_found_and_nothing_else_is_broken(tmp_path: Path) -> None:
    """A few kills break no promise, and the message that a reader lost on purpose is reported."""
    command = [sys.executable, "-m", "tests.torture", "--kills=8", "--seed=3", "--lose"]
    with (tmp_path / "said").open("w+") as said:
        torture = subprocess.Popen(
            [*command, f"--keep={tmp_path / 'world'}", "--no-damage"],
            cwd=ROOT,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = torture.wait(300)
        finally:
            # With all that it started, if it did not end it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(torture.pid, signal.SIGKILL)
            torture.wait()
    text = (tmp_path / "said").read_text()
    assert status == 1, text
    broken = [line for line in text.splitlines() if line.startswith("BROKEN")]
    assert broken == [f"BROKEN: {LOSER}: lost [{LOSES}]"], text
    assert "--kills 8 --seed 3" in text
    assert text.count(" is killed") == 8
