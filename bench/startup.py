"""The time from start to listening, and memory at rest."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Row
from bench.world import LISTEN, daemon
from tests.integration.processes import Twistd


def run(*, small: bool) -> Iterator[Row]:
    """Start both in turns."""
    rounds = 1 if small else 7
    ratios, times = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with daemon(folder) as me:
            memory = me.memory()
        for _ in range(rounds):
            ours, theirs = _daemon(folder), _web(folder)
            ratios.append(ours / theirs)
            times.append(ours)
    yield Row(
        "from start to listening",
        "twistd web",
        statistics.median(ratios),
        "<= 2",
        f"{statistics.median(times):.2f} s",
    )
    yield Row("resident memory at rest, in MB", "one", memory, "<= 80")


def _daemon(folder: Path) -> float:
    start = time.perf_counter()
    arguments = ["qabel-rest", "--data-dir", str(folder / "me"), "--listen", LISTEN]
    with Twistd(folder / "timed.log", *arguments) as process:
        process.port("qabel-rest")
        return time.perf_counter() - start


def _web(folder: Path) -> float:
    start = time.perf_counter()
    with Twistd(folder / "web.log", "web", "--listen", LISTEN, "--path", str(folder)) as process:
        process.wait_for("Site starting on")
        return time.perf_counter() - start
