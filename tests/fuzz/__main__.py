"""``python -m tests.fuzz``: asks a daemon of its own all that its contract allows, and more."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.fuzz.run import fuzz


def main() -> int:
    """Fuzz, and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=2000, help="about how many requests")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same requests")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="qabel-fuzz-") as directory:
        result = fuzz(Path(directory), cases=given.cases, seed=given.seed)
    print(result.text)
    print(f"requests: {result.requests}; statuses: {result.statuses}; failures: {result.failures}")
    return 1 if result.failures or not result.requests else 0


if __name__ == "__main__":
    sys.exit(main())
