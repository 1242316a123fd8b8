"""Short measurements, of few daemons: they show that everything works, and nothing else."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.integration.processes import ROOT


def measured(folder: Path, *options: str) -> tuple[int, list[dict[str, Any]], str]:
    """Measure three daemons; return the status, the rows and what was printed."""
    command = [sys.executable, "-m", "tests.anonymity", "--daemons=3", "--interval=0.3", "--seed=5"]
    file = folder / "rows.json"
    with (folder / "said").open("w+") as said:
        measurement = subprocess.Popen(
            [*command, "--minutes=0.3", f"--json={file}", f"--keep={folder / 'kept'}", *options],
            cwd=ROOT,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = measurement.wait(120)
        finally:
            # With all that it started, if it did not end it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(measurement.pid, signal.SIGKILL)
            measurement.wait()
    text = (folder / "said").read_text()
    assert file.exists(), text
    return status, json.loads(file.read_text()), text


def test_the_positive_control_names(tmp_path: Path) -> None:
    """Where everything is linkable, connections name who has posted, and who belongs together."""
    status, rows, text = measured(tmp_path, "--linkable", "--only=polling")
    assert status == 0, text
    named = {each["question"]: each for each in rows if each["by"] == "shared connection"}
    for question in ("whose message?", "which drops belong together?"):
        row = named[question]
        assert row["right"] >= 0.9 * (row["asked"] + row["silent"]) > 0, text


def test_a_measurement_yields_figures(tmp_path: Path) -> None:
    """Each classifier is asked, with push, and what was kept can be judged again."""
    status, rows, text = measured(tmp_path, "--only=push")
    assert status in (0, 1), text
    questions = {each["question"] for each in rows}
    assert questions == {
        "whose message?",
        "whose acknowledgement?",
        "which drops belong together?",
        "is the daemon up?",
        "which drops react?",
        "whose message, after an outage?",
        "which postings belong together?",
    }, text
    assert all(0 <= each["low"] <= each["high"] <= 1 for each in rows)
    command = [sys.executable, "-m", "tests.anonymity", f"--judge={tmp_path / 'kept'}", "--seed=5"]
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert set(again.stdout.splitlines()) <= set(text.splitlines())
    assert again.returncode == status
