"""``python -m bench [--small] [--json FILE] [NAME…]``: run benchmarks and print a table."""

import argparse
import importlib
import json
import sys
from pathlib import Path

from attrs import asdict

from bench.measure import Row

NAMES = (
    "building",
    "chat",
    "crypto",
    "drops",
    "identities",
    "inbox",
    "latency",
    "listeners",
    "page",
    "quiet",
    "receiving",
    "requests",
    "search",
    "sending",
    "startup",
    "texts",
    "waiting",
)


def main() -> int:
    """Run benchmarks. Return the exit status: 0 if every bound holds."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)} (default: all)"
    )
    parser.add_argument(
        "--small", action="store_true", help="run with little data, only to show that they work"
    )
    parser.add_argument("--json", type=Path, help="also write the rows to this file, as JSON")
    options = parser.parse_args()
    rows: list[Row] = []
    for name in options.names or NAMES:
        if name not in NAMES:
            parser.error(f"unknown benchmark {name}; known ones: {', '.join(NAMES)}")
        for row in importlib.import_module(f"bench.{name}").run(small=options.small):
            rows.append(row)
            mark = "ok  " if row.holds else "MISS"
            print(
                f"{mark} {row.ratio:7.2f} {row.wanted:>8}  {row.what}"
                f" / {row.against}{'  ' + row.detail if row.detail else ''}",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return 0 if options.small or all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
