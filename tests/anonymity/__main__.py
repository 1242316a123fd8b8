"""Measure what a drop server can find out about who belongs to whom: ``make anonymity``.

Real daemons with two identities each write to each other through a drop server, behind a proxy that
records what a server sees of them, but for addresses. It misbehaves towards some drops, and is away
for a while. Then classifiers guess who has posted what, and which identities live on one daemon.
The exit status is 1 if one of them is right more often than by chance; with ``--linkable``, if one
of those that go by connections does not name nearly all.
"""

import argparse
import json
import pickle
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.anonymity.chances import seeded
from tests.anonymity.judge import Judge
from tests.anonymity.recording import Material
from tests.anonymity.rows import Row, table
from tests.anonymity.run import Plan, Run
from tests.anonymity.world import LEAST, World, run_reactor
from tests.integration.processes import ROOT, TWISTD

RUNS = ("polling", "push")

SHARES = {"polling": 0.6, "push": 0.4}
"""Of the time, if there are both runs."""


def main() -> int:
    """Run it, and return the exit status."""
    given = _options()
    print(f"seed {given.seed}", flush=True)
    rows = _rows_again(given) if given.judge else _rows(given)
    if given.json:
        given.json.write_text(json.dumps([each.as_json() for each in rows], indent=2) + "\n")
    return _verdict(rows, is_linkable=given.linkable)


def _rows_again(given: argparse.Namespace) -> list[Row]:
    """Judge recordings that were kept."""
    rows: list[Row] = []
    for name in RUNS:
        file = given.judge / f"{name}.recording"
        if file.exists():
            material = pickle.loads(file.read_bytes())  # noqa: S301 - it is our own
            rows += _judge(name, material, given.seed)
    return rows


def _rows(given: argparse.Namespace) -> list[Row]:
    """Run everything, and judge it."""
    folder = given.keep or Path(tempfile.mkdtemp(prefix="qabel-anonymity-"))
    options = list(given.option)
    if given.linkable and _has_option("--linkable"):
        options.append("--linkable")
    world = World(
        folder.absolute(),
        given.daemons,
        seeded(given.seed),
        tuple(options),
        given.interval,
        has_proxy=given.proxy,
    )
    run_reactor()
    rows: list[Row] = []
    try:
        names = [given.only] if given.only else RUNS
        for name in names:
            material = _run(name, world, given, is_first=name == names[0])
            if given.keep is not None:
                (folder / f"{name}.recording").write_bytes(pickle.dumps(material))
            rows += _judge(name, material, given.seed)
    finally:
        world.end()
    if given.keep is None:
        shutil.rmtree(folder)
    return rows


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.anonymity", description=__doc__)
    parser.add_argument("--daemons", type=int, default=20, help="with two identities each")
    parser.add_argument("--minutes", type=float, default=12.5, help="without starting them")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--interval", type=float, default=2.0, help="poll interval in seconds")
    parser.add_argument("--linkable", action="store_true", help="positive control")
    parser.add_argument("--proxy", action="store_true", help="use a SOCKS proxy")
    parser.add_argument(
        "--option", action="append", default=[], help="one more of the daemons, as --option=--x=1"
    )
    parser.add_argument("--only", choices=RUNS, help="one of the two runs")
    parser.add_argument("--json", type=Path, help="also write the rows to this file, as JSON")
    parser.add_argument("--keep", type=Path, help="keep everything in this directory")
    parser.add_argument("--judge", type=Path, help="judge what was kept in this directory again")
    given = parser.parse_args()
    if given.daemons < LEAST:
        parser.error(f"there must be at least {LEAST} daemons")
    return given


def _has_option(option: str) -> bool:
    """Return whether the daemon has an option. Without --linkable, it always is."""
    command = [*TWISTD, "qabel-rest", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return option.encode() in done.stdout


def _judge(name: str, material: Material, seed: int) -> list[Row]:
    rows = list(Judge(name, material, seeded(seed)).rows())
    print(table(rows), "", sep="\n", flush=True)
    return rows


def _run(name: str, world: World, given: argparse.Namespace, *, is_first: bool) -> Material:
    push = name == "push"
    share = 1.0 if given.only else SHARES[name]
    plan = Plan.of(given.minutes * 60 * share, given.interval)
    run = Run(world, plan, push, seeded(f"{given.seed} {name}"))
    if is_first:
        world.begin(push=push)
    else:
        world.recorder.exchanges.clear()
        run.restart()
    return run.work()


def _verdict(rows: list[Row], *, is_linkable: bool) -> int:
    if is_linkable:
        # A short run may end before anything is acknowledged.
        bad = [each for each in rows if each.is_control and each.questions and not each.names]
        text = "not named, though everything is linkable"
    else:
        bad = [each for each in rows if each.breaks]
        text = "above chance"
    for each in bad:
        print(f"{text}: {each.run}: {each.question} {each.by}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
