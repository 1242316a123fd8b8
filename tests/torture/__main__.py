"""Kill, freeze, fill and damage everything again and again, and count: ``make torture``.

Two daemons and a drop server, with processes that read by cursor, by stream, with acknowledgement
and as the default consumer, receive webhooks, and send with idempotency keys. In the end every
message must be with every reader, once and in the order of its sender; only the default consumer
and webhooks may have doubles, and what was under way to a default consumer that was killed may be
missing. Every message that asked for it must be acknowledged, and the databases must be whole.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.torture.blows import plan
from tests.torture.damage import can_salvage
from tests.torture.run import Run
from tests.torture.world import World

MEGABYTES = 96
"""Of each disk, and half a megabyte more for each kill."""


def main() -> int:
    """Run it; status 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", type=Path, help="keep everything in this directory")
    parser.add_argument("--damage", action=argparse.BooleanOptionalAction, default=can_salvage())
    parser.add_argument("--lose", action="store_true", help="lose a message: it must be noticed")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    folder = given.keep or Path(tempfile.mkdtemp(prefix="qabel-torture-"))
    world = World(folder.absolute(), given.seed, MEGABYTES + given.kills // 2, loses=given.lose)
    try:
        world.begin()
        run = Run(world, plan(given.seed, given.kills, damages=given.damage))
        figures = run.run()
    finally:
        world.end()
    (folder / "timeline").write_text("\n".join(run.timeline) + "\n")
    print(json.dumps(figures, indent=2))
    if not run.violations:
        if given.keep is None:
            shutil.rmtree(folder)
        return 0
    for violation in run.violations:
        print(f"BROKEN: {violation}")
    damage = "damage" if given.damage else "no-damage"
    print(f"Repeat with: --kills {given.kills} --seed {given.seed} --{damage}")
    print(f"Everything is in {folder}. What happened:", *run.timeline, sep="\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
