"""Garbage collection after the start: less of it."""

import subprocess
import sys


def python(code: str) -> "subprocess.CompletedProcess[str]":
    """Run code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )


def test_tune_garbage_collector() -> None:
    """What exists is exempt, and full collections of the rest are rare."""
    code = (
        "import gc; from qabel.host.garbage_collection import tune_garbage_collector;"
        "tune_garbage_collector(); "
        "print(gc.get_freeze_count() > 1000, gc.get_threshold() > (700, 10, 10), gc.isenabled())"
    )
    assert python(code).stdout == "True True True\n"
