"""Begins inside a daemon that a test starts: its clock can be moved, its patience shortened.

Python imports this before anything else where its directory is in ``PYTHONPATH``. Nothing of the
daemon is replaced but numbers: what time it is, and how long it waits.
"""

import json
import os
import time
from pathlib import Path


def _move_clock(file: Path) -> None:
    """Have the time of day be off by the seconds in a file, as they are at each look."""
    real = time.time

    def moved() -> float:
        return real() + float(file.read_text())

    time.time = moved


def _shorten(limits: dict[str, float]) -> None:
    """Have the daemon wait for drop servers no longer than this."""
    from qabel.net.exchange_limits import ExchangeLimits

    ExchangeLimits.__init__.__kwdefaults__.update(limits)


def _beat(seconds: float) -> None:
    """Have event streams show signs of life this often."""
    from qabel.rest.events import streams

    streams.HEARTBEAT = seconds


if "TEST_CLOCK" in os.environ:
    _move_clock(Path(os.environ["TEST_CLOCK"]))
if "TEST_LIMITS" in os.environ:
    _shorten(json.loads(os.environ["TEST_LIMITS"]))
if "TEST_HEARTBEAT" in os.environ:
    _beat(float(os.environ["TEST_HEARTBEAT"]))
